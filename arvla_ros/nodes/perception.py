"""The perception node: from the newest image and the instruction to a prefix stamped with the capture time."""

from __future__ import annotations

import functools
import time
from collections import Counter

import numpy as np
import numpy.typing as npt
from cv_bridge import CvBridge, CvBridgeError
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.timer import Timer
from sensor_msgs.msg import Image
from std_msgs.msg import String

from arvla_ros.msg import VLPrefix
from arvla_ros.nodes import diagnostics, prefix_message
from arvla_ros.nodes.loading import declare_checkpoint, declare_device, declare_dtype
from arvla_ros.nodes.parameters import Live, apply_while_running, declare_number, declare_text, declare_texts
from arvla_ros.nodes.qos import LATCHED, NEWEST
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.stamps import now_ns, to_ns
from arvla_ros.policy.checkpoint import CheckpointError
from arvla_ros.policy.instructions import InstructionError
from arvla_ros.policy.streaming import Perceiver
from arvla_ros.robots.contract import ContractError

# Only the newest image counts; a best-effort subscription hears reliable and best-effort cameras alike.
NEWEST_IMAGE = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


class PerceptionNode(Node):
    """Refreshes the prefix at its own rate, however long the backbone takes."""

    def __init__(self) -> None:
        super().__init__("perception")
        self._perceiver = self._load_perceiver()
        self._contract = self._perceiver.contract
        default_topics = [camera.topic for camera in self._contract.cameras]
        topics = declare_texts(
            self, "camera_topics", default_topics, "image topics, in the order of the checkpoint's cameras"
        )
        if len(topics) != len(default_topics):
            raise NodeError(
                f"parameter camera_topics={topics}: the checkpoint takes {len(default_topics)} "
                f"({', '.join(camera.name for camera in self._contract.cameras)})"
            )
        if len(topics) != 1:
            raise NodeError(f"parameter checkpoint: it looks through {len(topics)} cameras, this node through one")
        self._topic = topics[0]
        self._camera_timeout_s = declare_number(
            self, "camera_timeout_s", 20.0, "wait for the first image; then the node ends, s", 0.5, 3600.0
        )
        self._image: Image | None = None
        self._seen_ns = 0
        self._counts: Counter[str] = Counter()
        self._declare_live_parameters()
        self._bridge = CvBridge()
        self._prefixes = self.create_publisher(VLPrefix, "/vl_prefix", NEWEST)
        self.create_subscription(Image, self._topic, self._on_image, NEWEST_IMAGE)
        self.create_subscription(String, "/instruction", self._on_instruction, LATCHED)
        # In real time: simulated time begins with a leap, which would use up the wait at once.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._camera_timer = self.create_timer(self._camera_timeout_s, self._on_no_camera, clock=steady)
        diagnostics.publish_diagnostics(self, self._report)
        self.get_logger().info(f"looking at {self._topic}, {self._refresh_rate_hz:g} prefixes a second")

    def _load_perceiver(self) -> Perceiver:
        folder, device = declare_checkpoint(self), declare_device(self)
        dtype = declare_dtype(self, "of the prefix; a pretrained backbone computes in it too")
        try:
            return Perceiver.load(folder, device, dtype)
        except CheckpointError as error:
            raise NodeError(f"parameter checkpoint: {error}") from error

    def _declare_live_parameters(self) -> None:
        self._timer: Timer | None = None
        self._max_image_age_s = declare_number(
            self, "max_image_age_s", 1.0, "older images are not looked at, s", 0.01, 60.0, live=True
        )
        self._set_refresh_rate(
            declare_number(
                self, "refresh_rate_hz", 2.5, "prefixes a second; 0: as fast as it can", 0.0, 100.0, live=True
            )
        )
        self._instruction = declare_text(
            self, "instruction", "", "what to do, in words; empty: wait for /instruction", live=True
        )
        try:
            self._check_instruction(self._instruction)
        except InstructionError as error:
            raise NodeError(f"parameter instruction: {error}") from error
        apply_while_running(
            self,
            {
                "max_image_age_s": Live(functools.partial(setattr, self, "_max_image_age_s")),
                "refresh_rate_hz": Live(self._set_refresh_rate),
                "instruction": Live(functools.partial(setattr, self, "_instruction"), self._check_instruction),
            },
        )

    def _check_instruction(self, instruction: str) -> None:
        if instruction:
            self._perceiver.check_instruction(instruction)

    def _set_refresh_rate(self, rate_hz: float) -> None:
        if self._timer is not None:
            self.destroy_timer(self._timer)
        self._refresh_rate_hz = rate_hz
        # At rate 0 every image that comes in is looked at: the newest one, once the backbone is free again.
        self._timer = self.create_timer(1.0 / rate_hz, self._refresh) if rate_hz else None

    def _on_image(self, message: Image) -> None:
        self._image = message
        self._counts["images"] += 1
        if self._timer is None:
            self._refresh()

    def _on_instruction(self, message: String) -> None:
        try:
            self._check_instruction(message.data)
        except InstructionError as error:
            self._counts["refused_instructions"] += 1
            self.get_logger().error(f"/instruction refused, {self._instruction!r} stays: {error}")
            return
        self._instruction = message.data
        self.get_logger().info(f"instruction is now {message.data!r}")

    def _on_no_camera(self) -> None:
        self._camera_timer.cancel()
        if self._image is None:
            raise NodeError(
                f"parameter camera_topics={[self._topic]}: no image within "
                f"camera_timeout_s={self._camera_timeout_s:g}; is the camera running? "
                f"`ros2 topic hz {self._topic}` tells"
            )

    def _refresh(self) -> None:
        if self._image is None or not self._instruction:
            return
        started, message = time.perf_counter(), self._image
        stamp_ns = to_ns(message.header.stamp)
        age_s = (now_ns(self) - stamp_ns) * 1e-9
        if stamp_ns == self._seen_ns:
            self._counts["no_new_image"] += 1
        elif age_s > self._max_image_age_s:
            self._counts["images_too_old"] += 1
            self.get_logger().warning(
                f"image is {age_s:.2f} s old, more than max_image_age_s {self._max_image_age_s:g}; "
                "are the clocks of camera and this machine in step?",
                throttle_duration_sec=5.0,
            )
        else:
            self._seen_ns = stamp_ns
            self._publish(message, stamp_ns, started)

    def _publish(self, message: Image, stamp_ns: int, started: float) -> None:
        try:
            image = self._policy_image(message)
        except (CvBridgeError, ContractError, ValueError) as error:
            self._counts["refused_images"] += 1
            self.get_logger().error(f"image on {self._topic} refused: {error}", throttle_duration_sec=5.0)
            return
        prefix = self._perceiver.perceive(image[None], self._instruction)
        compute_s = time.perf_counter() - started
        out = prefix_message.encode(prefix, stamp_ns, self._perceiver.model_id, self._instruction, compute_s)
        out.header.frame_id = message.header.frame_id
        self._prefixes.publish(out)
        self._counts["prefixes"] += 1

    def _policy_image(self, message: Image) -> npt.NDArray[np.uint8]:
        return self._contract.image(self._bridge.imgmsg_to_cv2(message, "rgb8"))

    def _report(self) -> diagnostics.Report:
        figures = {"refresh_rate_hz": self._refresh_rate_hz, "instruction": self._instruction, **self._counts}
        if self._image is None:
            return diagnostics.WARN, f"no image on {self._topic} yet", figures
        if not self._instruction:
            return diagnostics.WARN, "no instruction yet", figures
        return diagnostics.OK, "looking", figures


def main() -> int:
    """Run the perception node."""
    return run(PerceptionNode)
