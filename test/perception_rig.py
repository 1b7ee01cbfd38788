"""The perception node as a process, and around it cameras, someone who instructs it, and an ear for its prefixes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
import rclpy.context
import torch
from cv_bridge import CvBridge
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from arvla_ros.msg import VLPrefix
from arvla_ros.policy.checkpoint import Manifest, save_checkpoint
from arvla_ros.policy.expert import ActionExpert, ExpertConfig
from arvla_ros.policy.normalization import Normalizer
from arvla_ros.policy.specialist import SpecialistBackbone, SpecialistConfig
from arvla_ros.robots.contract import RobotContract

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "perception"
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
INSTRUCTION = "stack the cups"
OTHER_INSTRUCTION = "cover the battery"
# Generous: importing torch alone takes ten seconds on a busy machine.
PATIENCE_S = 150.0


@dataclass(frozen=True)
class View:
    """A camera of a checkpoint."""

    name: str
    topic: str
    width: int = 64
    height: int = 32


def save(folder: Path, *views: View, width: int = 64, height: int = 32) -> Path:
    """Write a checkpoint with random weights that looks through these cameras at pictures of this size."""
    torch.manual_seed(0)
    expert = ActionExpert(ExpertConfig(layers=1, width=16, mlp_width=24, query_heads=2, kv_heads=2, head_dim=8))
    backbone = SpecialistConfig(
        (INSTRUCTION, OTHER_INSTRUCTION), 1, 16, 24, 2, cameras=len(views), image_height=height, image_width=width
    )
    fields = RobotContract.load().to_dict()
    fields["cameras"] = [vars(view) for view in views]
    fields["policy_image"] = {"width": width, "height": height}
    unit = Normalizer.mean_std(torch.randn(20, 7))
    manifest = Manifest(
        task="stack3",
        contract=RobotContract.from_dict(fields),
        backbone=backbone,
        expert=expert.config,
        state=unit,
        action=unit,
    )
    save_checkpoint(folder, manifest, SpecialistBackbone(backbone), expert, lambda made: f"# {made.task}\n")
    return folder


class Camera:
    """Publishes noise, as every real sensor does, stamped with the time."""

    def __init__(self, rig: Rig, view: View, reliability: ReliabilityPolicy) -> None:
        self.view = view
        self._rig = rig
        self._is_compressed = view.topic.endswith("/compressed")
        kind = CompressedImage if self._is_compressed else Image
        self._publisher = rig.node.create_publisher(kind, view.topic, QoSProfile(depth=1, reliability=reliability))
        self._noise = np.random.default_rng(0)
        self.period_s = 0.05
        self.distort: Callable[[Any], Any] | None = None
        self._due_s = 0.0

    def message(self, encoding: str = "rgb8") -> Any:
        """Return a picture of noise, stamped now."""
        channels = {"rgba8": 4, "bgra8": 4, "mono8": 1, "yuv422_yuy2": 2}.get(encoding, 3)
        pixels = self._noise.integers(0, 255, (self.view.height, self.view.width, channels), dtype=np.uint8)
        bridge = CvBridge()
        made = (
            bridge.cv2_to_compressed_imgmsg(pixels)
            if self._is_compressed
            else bridge.cv2_to_imgmsg(pixels.squeeze(), encoding)
        )
        made.header.stamp = self._rig.node.get_clock().now().to_msg()
        made.header.frame_id = self.view.name
        return made

    def turn(self) -> None:
        """Publish the next picture if it is due."""
        if self.period_s and time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + self.period_s
            message = self.message()
            message = message if self.distort is None else self.distort(message)
            if message is not None:
                self._publisher.publish(message)


class Rig:
    """Everything around perception, in one node of this process."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.prefixes: list[VLPrefix] = []
        self.status: Any = None
        self.statuses = 0
        self.cameras: list[Camera] = []
        self.processes: list[subprocess.Popen[str]] = []
        self._environment, self._folder = environment, folder
        self._context = rclpy.context.Context()
        rclpy.init(context=self._context, domain_id=int(environment["ROS_DOMAIN_ID"]))
        self.node = rclpy.create_node("rig", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self.node.create_subscription(VLPrefix, "/vl_prefix", self.prefixes.append, 10)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        self._instructions = self.node.create_publisher(String, "/instruction", LATCHED)
        self._parameters = self.node.create_client(SetParameters, "/perception/set_parameters")

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self.status = message.status[0]
        self.statuses += 1

    @property
    def figures(self) -> dict[str, str]:
        return {each.key: each.value for each in self.status.values} if self.status else {}

    def camera(self, view: View, reliability: ReliabilityPolicy = ReliabilityPolicy.BEST_EFFORT) -> Camera:
        self.cameras.append(Camera(self, view, reliability))
        return self.cameras[-1]

    def start(self, **parameters: object) -> subprocess.Popen[str]:
        words = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
        with self.log(len(self.processes)).open("w") as output:
            process = subprocess.Popen(
                [sys.executable, str(SCRIPT), "--ros-args", *words],
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.processes.append(process)
        return process

    def log(self, index: int) -> Path:
        return self._folder / f"perception_{index}.log"

    @property
    def output(self) -> str:
        return self.log(len(self.processes) - 1).read_text()

    def spin(self) -> None:
        for camera in self.cameras:
            camera.turn()
        self._executor.spin_once(timeout_sec=0.01)

    def wait_for(self, reached: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not reached():
            assert time.monotonic() < deadline, f"{what}: not in {PATIENCE_S} s; {self.status}\n{self.output}"
            self.spin()

    def wait_for_prefix(self) -> VLPrefix:
        """Return the next prefix of an image that is captured from now on."""
        since = self.node.get_clock().now().nanoseconds
        self.wait_for(lambda: self.prefixes and stamp_ns(self.prefixes[-1]) > since, "a new prefix")
        return self.prefixes[-1]

    def wait_for_status(self, text: str) -> None:
        self.wait_for(lambda: self.status and text in self.status.message, f"a status with {text!r}")

    def instruct(self, instruction: str) -> None:
        self._instructions.publish(String(data=instruction))

    def set(self, **parameters: object) -> list[Any]:
        """Set parameters and return the node's answers."""
        self.wait_for(self._parameters.service_is_ready, "the parameter service")
        wanted = [Parameter(name, value=value).to_parameter_msg() for name, value in parameters.items()]
        future = self._parameters.call_async(SetParameters.Request(parameters=wanted))
        self.wait_for(future.done, "an answer to set_parameters")
        return list(future.result().results)

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE_S)
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)


@contextmanager
def rig_of(environment: dict[str, str], folder: Path) -> Iterator[Rig]:
    """Yield a rig, and end all of it."""
    rig = Rig(environment, folder)
    try:
        yield rig
    finally:
        rig.close()


def stamp_ns(message: Any) -> int:
    """Return the stamp of a message in ns."""
    return int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec)
