"""The perception node: from the newest images and the instruction to a prefix stamped with the oldest capture time.

Looking takes from milliseconds to half a minute, so it has a thread of its own; callbacks, parameters, diagnostics and
Ctrl-C do not wait for it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.timer import Timer
from std_msgs.msg import String

from arvla_ros.control.image_watch import ImageLimits, refusal
from arvla_ros.control.look_times import Look, LookTimes
from arvla_ros.control.one_at_a_time import OneAtATime
from arvla_ros.msg import VLPrefix
from arvla_ros.nodes import alone, diagnostics, prefix_message
from arvla_ros.nodes.camera_input import CameraInput, Frame, declare_camera_topics, declare_image_limits
from arvla_ros.nodes.loading import declare_checkpoint, declare_device, declare_dtype
from arvla_ros.nodes.parameters import Live, apply_while_running, declare_number, declare_text
from arvla_ros.nodes.picture_messages import PictureError
from arvla_ros.nodes.qos import LATCHED, NEWEST
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.stamps import now_ns
from arvla_ros.policy.checkpoint import CheckpointError
from arvla_ros.policy.instructions import InstructionError
from arvla_ros.policy.streaming import Perceiver

PREFIX_TOPIC = "/vl_prefix"
LOOK_THREAD = "look"
# How long Ctrl-C waits for a look; `ros2 launch` sends SIGTERM after 5 s.
LONGEST_FAREWELL_S = 1.0
# Two that were started at the same moment see each other only now.
JUST_STARTED_S = 5.0


class PerceptionNode(Node):
    """Refreshes the prefix at its own rate, however long the backbone takes."""

    def __init__(self) -> None:
        super().__init__("perception")
        alone.wait_until_alone(self, PREFIX_TOPIC)
        self._perceiver = self._load_perceiver()
        # A tick of the control loop is what the expert grants a stamp, too.
        self._limits = ImageLimits(max_lead_s=1.0 / self._perceiver.contract.control_rate_hz)
        self._topics = declare_camera_topics(self, self._perceiver.contract.cameras)
        self._camera_timeout_s = declare_number(
            self, "camera_timeout_s", 20.0, "wait for the first images; then the node ends, s", 0.5, 3600.0
        )
        self._counts: Counter[str] = Counter()
        self._times = LookTimes()
        self._looked_at_ns: int | None = None
        self._looks: OneAtATime | None = None
        self._declare_live_parameters()
        alone.wait_until_alone(self, PREFIX_TOPIC)
        self._prefixes = self.create_publisher(VLPrefix, PREFIX_TOPIC, NEWEST)
        self._started_s = time.monotonic()
        self._cameras = [
            CameraInput(self, camera, topic, self._limits, self._on_frame)
            for camera, topic in zip(self._perceiver.contract.cameras, self._topics, strict=True)
        ]
        self.create_subscription(String, "/instruction", self._on_instruction, LATCHED)
        # In real time: simulated time begins with a leap, which would use up the wait at once.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._camera_timer = self.create_timer(self._camera_timeout_s, self._on_no_camera, clock=steady)
        diagnostics.publish_diagnostics(self, self._report)
        failed = self.create_guard_condition(self._on_look_failed)
        self._looks = OneAtATime(self._look, failed.trigger, LOOK_THREAD)
        self.get_logger().info(f"looking at {', '.join(self._topics)}, {self._refresh_rate_hz:g} prefixes a second")

    def _load_perceiver(self) -> Perceiver:
        folder, device = declare_checkpoint(self), declare_device(self)
        dtype = declare_dtype(self, "of the prefix; a pretrained backbone computes in it too")
        try:
            return Perceiver.load(folder, device, dtype)
        except CheckpointError as error:
            raise NodeError(f"parameter checkpoint: {error}") from error

    def _declare_live_parameters(self) -> None:
        self._timer: Timer | None = None
        limits = declare_image_limits(self, self._limits)
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
                **limits,
                "refresh_rate_hz": Live(self._set_refresh_rate),
                "instruction": Live(self._set_instruction, self._check_instruction),
            },
        )

    def _check_instruction(self, instruction: str) -> None:
        if instruction:
            self._perceiver.check_instruction(instruction)

    def _set_instruction(self, instruction: str) -> None:
        self._instruction = instruction
        self._wish_to_look()

    def _set_refresh_rate(self, rate_hz: float) -> None:
        if self._timer is not None:
            self.destroy_timer(self._timer)
        self._refresh_rate_hz = rate_hz
        # At rate 0 every image that comes in is looked at: the newest ones, once the backbone is free again.
        self._timer = self.create_timer(1.0 / rate_hz, self._wish_to_look) if rate_hz else None

    def _on_frame(self) -> None:
        if self._timer is None:
            self._wish_to_look()

    def _on_instruction(self, message: String) -> None:
        try:
            self._check_instruction(message.data)
        except InstructionError as error:
            self._counts["refused_instructions"] += 1
            self.get_logger().error(f"/instruction refused, {self._instruction!r} stays: {error}")
            return
        self.get_logger().info(f"instruction is now {message.data!r}")
        self._set_instruction(message.data)

    def _on_no_camera(self) -> None:
        self._camera_timer.cancel()
        for camera in self._cameras:
            if camera.newest is None:
                raise NodeError(
                    f"parameter camera_topics={self._topics}: {camera.trouble}"
                    if camera.trouble
                    else f"parameter camera_topics={self._topics}: no image within "
                    f"camera_timeout_s={self._camera_timeout_s:g} on {camera.topic}; is the camera running? "
                    f"`ros2 topic hz {camera.topic}` tells"
                )

    def _wish_to_look(self) -> None:
        if self._looks is not None:
            self._looks.wish()

    def _look(self) -> None:
        """Look once at the newest images, if there is something new to be believed; runs in its own thread."""
        frames = [camera.newest for camera in self._cameras]
        present = [frame for frame in frames if frame is not None]
        instruction = self._instruction
        if not instruction or len(present) < len(frames):
            return
        if not all(camera.is_believed for camera in self._cameras):
            self._counts["looks_without_camera"] += 1
            return
        captured_ns, began_ns = [frame.captured_ns for frame in present], now_ns(self)
        refused = refusal(captured_ns, began_ns, self._looked_at_ns, self._limits)
        if refused is not None:
            self._counts[refused.name] += 1
            if refused.reason:
                self.get_logger().warning(refused.reason, throttle_duration_sec=5.0)
            return
        self._looked_at_ns = min(captured_ns)
        self._perceive(present, instruction, began_ns)

    def _perceive(self, frames: list[Frame], instruction: str, began_ns: int) -> None:
        started_s = time.perf_counter()
        contract = self._perceiver.contract
        try:
            images = np.stack(
                [contract.image(camera.rgb(frame)) for camera, frame in zip(self._cameras, frames, strict=True)]
            )
        except PictureError:
            return
        prefix = self._perceiver.perceive(images, instruction)
        oldest = min(frames, key=lambda frame: frame.captured_ns)
        message = prefix_message.encode(prefix, oldest.captured_ns, self._perceiver.model_id, instruction)
        message.header.frame_id = oldest.message.header.frame_id
        message.compute_time = compute_s = time.perf_counter() - started_s
        message.ready_age = ready_age_s = (now_ns(self) - oldest.captured_ns) * 1e-9
        if self._looks is None or self._looks.ending:
            return
        self._prefixes.publish(message)
        self._counts["prefixes"] += 1
        self._times.add(Look(time.monotonic(), (began_ns - oldest.captured_ns) * 1e-9, compute_s, ready_age_s))

    def _on_look_failed(self) -> None:
        if self._looks is not None and self._looks.failure is not None:
            raise self._looks.failure

    def _report(self) -> diagnostics.Report:
        figures = {"refresh_rate_hz": self._refresh_rate_hz, "instruction": self._instruction, **self._counts}
        figures.update(self._times.figures(time.monotonic()))
        for camera in self._cameras:
            figures.update(camera.figures())
        if self.count_publishers(PREFIX_TOPIC) > 1:
            return diagnostics.ERROR, self._two_of_a_kind(), figures
        for camera in self._cameras:
            if camera.trouble:
                return diagnostics.ERROR, camera.trouble, figures
            if camera.newest is None:
                return diagnostics.WARN, f"no image on {camera.topic} yet", figures
        if not self._instruction:
            return diagnostics.WARN, "no instruction yet", figures
        return diagnostics.OK, "looking", figures

    def _two_of_a_kind(self) -> str:
        """Return who publishes prefixes; raise NodeError in a node that has only just begun to."""
        text = f"more than one publishes {PREFIX_TOPIC}: {alone.publishers(self, PREFIX_TOPIC)}; end all but one"
        if time.monotonic() - self._started_s < JUST_STARTED_S:
            raise NodeError(text)
        return text

    def destroy_node(self) -> None:
        """End the thread that looks, as far as that is possible, then the node."""
        if self._looks is not None:
            self._looks.close(LONGEST_FAREWELL_S)
        super().destroy_node()


def main() -> int:
    """Run the perception node."""
    code = 0
    try:
        code = run(PerceptionNode)
    finally:
        if any(thread.name == LOOK_THREAD for thread in threading.enumerate()):
            # A look of half a minute cannot be interrupted, and an interpreter that ends around it may abort.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return code
