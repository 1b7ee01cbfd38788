"""The action-expert node: a fixed-rate timer that re-anchors the newest prefix and streams commands.

It never waits: not for perception, not for a service, not for a slow subscriber.
"""

from __future__ import annotations

import functools
import time

import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from arvla_ros.control.control_loop import ControlLoop, Mode, StepResult
from arvla_ros.control.step_clock import ClockJumpError, StepClock
from arvla_ros.msg import ActionStep, ArmCommand, VLPrefix
from arvla_ros.nodes import diagnostics
from arvla_ros.nodes.loading import declare_checkpoint, declare_device, declare_dtype
from arvla_ros.nodes.parameters import (
    Live,
    apply_while_running,
    declare_count,
    declare_flag,
    declare_number,
    declare_text,
)
from arvla_ros.nodes.prefix_message import PrefixMessageError, decode
from arvla_ros.nodes.qos import NEWEST, TELEMETRY
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.stamps import now_ns, to_msg, to_ns
from arvla_ros.policy.checkpoint import CheckpointError
from arvla_ros.policy.prefix import Prefix
from arvla_ros.policy.streaming import StreamingPolicy
from arvla_ros.robots.contract import ContractError

SOURCE = "action_expert"
# Joint states older than this say nothing about where the arm is at a tick.
OLDEST_STATE_NS = 300_000_000


class ActionExpertNode(Node):
    """Runs the AR action expert; ``control.control_loop`` says what happens at a tick."""

    def __init__(self) -> None:
        super().__init__("action_expert")
        self._policy = self._load_policy()
        self._contract = self._policy.contract
        rate_hz = declare_number(self, "control_rate_hz", 0.0, "control rate, Hz; 0: the checkpoint's", 0.0, 1000.0)
        rate_hz = rate_hz or self._contract.control_rate_hz
        self._loop: ControlLoop[Prefix] = ControlLoop(self._policy, self._contract, StepClock(rate_hz))
        self._declare_live_parameters()
        self._state: npt.NDArray[np.float32] | None = None
        self._state_ns = 0
        self._refused_prefixes = 0
        self._newest: StepResult | None = None
        robot_name = declare_text(self, "robot_name", self._contract.robot, "namespace of the Interbotix driver")
        self._running = declare_flag(self, "autostart", True, "start stepping at once; otherwise with ~/reset")
        self._steps = self.create_publisher(ActionStep, "~/step", TELEMETRY)
        self._commands = self.create_publisher(ArmCommand, "/arm/command", NEWEST)
        self.create_subscription(JointState, f"/{robot_name}/joint_states", self._on_joint_states, 10)
        self.create_subscription(VLPrefix, "/vl_prefix", self._on_prefix, NEWEST)
        self.create_service(Trigger, "~/reset", self._on_reset)
        self._loop.reset(now_ns(self))
        self.create_timer(1.0 / rate_hz, self._on_tick)
        diagnostics.publish_diagnostics(self, self._report)
        self.get_logger().info(f"streaming at {rate_hz:g} Hz")

    def _load_policy(self) -> StreamingPolicy:
        folder, device = declare_checkpoint(self), declare_device(self)
        dtype = declare_dtype(self, "in which the expert computes")
        try:
            return StreamingPolicy.load(folder, device, dtype)
        except CheckpointError as error:
            raise NodeError(f"parameter checkpoint: {error}") from error

    def _declare_live_parameters(self) -> None:
        policy, limits = self._policy, self._loop.limits
        policy.history_length = declare_count(
            self,
            "history_length",
            policy.history_length,
            "steps that the policy remembers",
            1,
            policy.longest_history,
            live=True,
        )
        limits.late_s = declare_number(
            self, "late_staleness_s", limits.late_s, "age of the picture that caps the speed, s", 0.0, 60.0, live=True
        )
        limits.max_s = declare_number(
            self, "max_staleness_s", limits.max_s, "age of the picture at which the arm holds, s", 0.0, 60.0, live=True
        )
        apply_while_running(
            self,
            {
                "history_length": Live(functools.partial(setattr, policy, "history_length")),
                "late_staleness_s": Live(functools.partial(setattr, limits, "late_s")),
                "max_staleness_s": Live(functools.partial(setattr, limits, "max_s")),
            },
        )

    def _on_joint_states(self, message: JointState) -> None:
        try:
            state = self._contract.state(message.name, message.position)
        except ContractError as error:
            self.get_logger().warning(f"joint states refused: {error}", throttle_duration_sec=5.0)
            return
        # What is not finite would stay in the history for its whole length.
        if np.isfinite(state).all():
            self._state, self._state_ns = state, now_ns(self)

    def _on_prefix(self, message: VLPrefix) -> None:
        try:
            prefix = decode(message, self._policy.manifest)
        except PrefixMessageError as error:
            self._refused_prefixes += 1
            self.get_logger().warning(f"prefix refused: {error}", throttle_duration_sec=2.0)
            return
        self._loop.slot.offer(prefix, to_ns(message.header.stamp))

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._loop.reset(now_ns(self))
        self._running = True
        response.success, response.message = True, "history and prefix forgotten"
        return response

    def _on_tick(self) -> None:
        if not self._running:
            return
        now = now_ns(self)
        state = self._state if now - self._state_ns <= OLDEST_STATE_NS else None
        started = time.perf_counter()
        try:
            result = self._loop.tick(now, state)
        except ClockJumpError as error:
            self.get_logger().warning(f"{error}: history and prefix are forgotten")
            self._loop.reset(now)
            return
        if result is None:
            return
        inference_s = time.perf_counter() - started
        if result.joint_target is not None:
            self._publish_command(now, result)
        self._publish_step(now, result, state, inference_s)
        self._newest = result

    def _publish_command(self, now: int, result: StepResult) -> None:
        message = ArmCommand(source=SOURCE, joint_names=list(self._contract.arm_joints))
        message.header.stamp = to_msg(now)
        message.joint_positions = [] if result.joint_target is None else result.joint_target.tolist()
        message.gripper_opening = result.gripper_opening
        self._commands.publish(message)

    def _publish_step(
        self, now: int, result: StepResult, state: npt.NDArray[np.float32] | None, inference_s: float
    ) -> None:
        message = ActionStep(
            step=result.step,
            anchor_step=result.anchor_step,
            staleness_steps=result.staleness_steps,
            staleness=result.staleness_s,
            state=[] if state is None else state.tolist(),
            action=result.action.tolist(),
            inference_time=inference_s,
            mode=int(result.mode),
            reason=result.reason,
            missed_ticks=self._loop.clock.missed_total,
        )
        message.header.stamp = to_msg(now)
        self._steps.publish(message)

    def _report(self) -> diagnostics.Report:
        newest = self._newest
        figures = {
            "missed_ticks": self._loop.clock.missed_total,
            "refused_prefixes": self._refused_prefixes,
            **self._loop.slot.counts,
        }
        if newest is None:
            return diagnostics.OK, "idle", figures
        figures["staleness_steps"] = newest.staleness_steps
        level = diagnostics.WARN if newest.mode in (Mode.LATE, Mode.HOLD) else diagnostics.OK
        return level, newest.reason or newest.mode.name.lower(), figures


def main() -> int:
    """Run the action-expert node."""
    return run(ActionExpertNode)
