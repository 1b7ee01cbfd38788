"""The action-expert node: a fixed-rate timer that re-anchors the newest prefix and streams commands.

It never waits: not for perception, not for a service, not for a slow subscriber.
"""

from __future__ import annotations

import functools
import gc
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from arvla_ros.control.clock_watch import ClockWatch
from arvla_ros.control.control_loop import ControlLoop, Mode, StepResult
from arvla_ros.control.joint_state_watch import JointStateWatch, Reading, StateRefusedError
from arvla_ros.control.step_clock import StepClock
from arvla_ros.control.tick_figures import TickFigures
from arvla_ros.msg import ActionStep, AgeBudget, ArmCommand
from arvla_ros.nodes import alone, diagnostics
from arvla_ros.nodes.loading import declare_checkpoint, declare_device, declare_dtype
from arvla_ros.nodes.parameters import (
    Live,
    apply_while_running,
    declare_count,
    declare_flag,
    declare_number,
    declare_text,
)
from arvla_ros.nodes.prefix_receiver import PrefixReceiver
from arvla_ros.nodes.priority import come_first
from arvla_ros.nodes.qos import NEWEST, TELEMETRY
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.stamps import now_ns, to_msg, to_ns
from arvla_ros.policy.checkpoint import CheckpointError
from arvla_ros.policy.prefix import Prefix
from arvla_ros.policy.streaming import StreamingPolicy
from arvla_ros.robots.contract import JOINT_SPACES

SOURCE = "action_expert"
STEP_TOPIC = "~/step"
# Joint states older than this say nothing about where the arm is at a tick.
OLDEST_STATE_S = 0.3
# Two that were started at the same moment see each other only now.
JUST_STARTED_S = 5.0


class ActionExpertNode(Node):
    """Runs the AR action expert; ``control.control_loop`` says what happens at a tick."""

    def __init__(self) -> None:
        super().__init__("action_expert")
        self._prefixes: PrefixReceiver | None = None
        alone.wait_until_alone(self, STEP_TOPIC)
        self._policy = self._load_policy()
        self._contract = self._policy.contract
        self._declare_command_mode()
        rate_hz = declare_number(self, "control_rate_hz", 0.0, "control rate, Hz; 0: the checkpoint's", 0.0, 1000.0)
        rate_hz = rate_hz or self._contract.control_rate_hz
        self._loop: ControlLoop[Prefix] = ControlLoop(self._policy, self._contract, StepClock(rate_hz))
        self._declare_live_parameters()
        self._clock_watch = ClockWatch()
        self._state_watch = JointStateWatch(self._contract.arm_joints, self._contract.finger_joint)
        self._states_refused: Counter[str] = Counter()
        self._reading: tuple[Reading, float] | None = None
        self._figures = TickFigures()
        self._newest: StepResult | None = None
        robot_name = declare_text(self, "robot_name", self._contract.robot, "namespace of the Interbotix driver")
        self._running = declare_flag(self, "autostart", True, "start stepping at once; otherwise with ~/reset")
        alone.wait_until_alone(self, STEP_TOPIC)
        self._steps = self.create_publisher(ActionStep, STEP_TOPIC, TELEMETRY)
        self._started_s = time.monotonic()
        self._commands = self.create_publisher(ArmCommand, "/arm/command", NEWEST)
        self.create_subscription(JointState, f"/{robot_name}/joint_states", self._on_joint_states, 10)
        self.create_service(Trigger, "~/reset", self._on_reset)
        diagnostics.publish_diagnostics(self, self._report)
        self._prefixes = PrefixReceiver(self, self._policy.manifest, self._loop.slot)
        self._loop.reset(now_ns(self))
        self.create_timer(1.0 / rate_hz, self._on_tick, clock=self._pace())
        # What has been loaded stays: the collector need not go through it again and again, between ticks.
        gc.collect()
        gc.freeze()
        come_first(self)
        self.get_logger().info(f"streaming at {rate_hz:g} Hz, action space {self._contract.action_space}")

    def _pace(self) -> Clock:
        """Return the clock of the timer: a simulated one sets the pace, one that may be set does not."""
        simulated = bool(self.get_parameter("use_sim_time").value)
        return self.get_clock() if simulated else Clock(clock_type=ClockType.STEADY_TIME)

    def _load_policy(self) -> StreamingPolicy:
        folder, device = declare_checkpoint(self), declare_device(self)
        dtype = declare_dtype(self, "in which the expert computes")
        try:
            return StreamingPolicy.load(folder, device, dtype)
        except CheckpointError as error:
            raise NodeError(f"parameter checkpoint: {error}") from error

    def _declare_command_mode(self) -> None:
        space = self._contract.action_space
        needed = "joint" if space in JOINT_SPACES else "ee"
        mode = declare_text(
            self, "command_mode", "", "what the policy's actions are: joint or ee (of the hand); empty: see checkpoint"
        )
        if mode not in ("", needed):
            raise NodeError(
                f"parameter command_mode={mode!r}: this checkpoint's action space {space!r} is of mode {needed!r}; "
                f"set command_mode:={needed}, leave it empty, or give another checkpoint"
            )

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
        live = {"history_length": Live(functools.partial(setattr, policy, "history_length"))}
        for name, attribute, description in (
            ("late_staleness_s", "late_s", "age of the picture that caps the speed, s"),
            ("max_staleness_s", "max_s", "age of the picture at which the arm comes to rest, s"),
        ):
            default = getattr(limits, attribute)
            setattr(limits, attribute, declare_number(self, name, default, description, 0.0, 60.0, live=True))
            live[name] = Live(functools.partial(setattr, limits, attribute))
        try:
            self._check_staleness({})
        except ValueError as error:
            raise NodeError(f"parameter {error}") from error
        apply_while_running(self, live, self._check_staleness)

    def _check_staleness(self, values: Mapping[str, Any]) -> None:
        late_s = values.get("late_staleness_s", self._loop.limits.late_s)
        max_s = values.get("max_staleness_s", self._loop.limits.max_s)
        if late_s > max_s:
            raise ValueError(f"late_staleness_s={late_s:g} must not be more than max_staleness_s={max_s:g}")

    def _on_joint_states(self, message: JointState) -> None:
        stamp_ns = to_ns(message.header.stamp)
        age_s = (now_ns(self) - stamp_ns) * 1e-9
        try:
            reading = self._state_watch.read(message.name, message.position, stamp_ns * 1e-9, age_s, OLDEST_STATE_S)
        except StateRefusedError as error:
            self._states_refused[f"refused_states_{error.kind}"] += 1
            self.get_logger().warning(f"joint states refused: {str(error)[:200]}", throttle_duration_sec=5.0)
            return
        self._reading = reading, time.monotonic()

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._loop.reset(now_ns(self))
        self._running = True
        response.success, response.message = True, "history and prefix forgotten"
        return response

    def _on_tick(self) -> None:
        now, steady = now_ns(self), time.monotonic()
        jump = self._clock_watch.check(now * 1e-9, steady)
        if jump:
            self.get_logger().warning(f"{jump}: history and prefix are forgotten")
            self._loop.counts["clock_jumps"] += 1
            self._loop.reset(now)
            self._state_watch.forget()
        if not self._running:
            return
        fresh = self._reading is not None and steady - self._reading[1] <= OLDEST_STATE_S
        result = self._loop.tick(now, self._reading[0] if self._reading is not None and fresh else None)
        if result is None:
            return
        age = _age_budget(result)
        if result.command is not None or result.hold:
            self._publish_command(now, result, age)
        self._publish_step(now, result, age)
        self._figures.add(result)
        self._newest = result

    def _publish_command(self, now: int, result: StepResult, age: AgeBudget) -> None:
        message = ArmCommand(source=SOURCE, hold=result.hold, age=age)
        message.header.stamp = to_msg(now)
        if result.command is not None:
            message.joint_names = list(self._contract.arm_joints)
            message.joint_positions = result.command.joints.tolist()
            message.gripper_opening = result.command.opening
        self._commands.publish(message)

    def _publish_step(self, now: int, result: StepResult, age: AgeBudget) -> None:
        message = ActionStep(
            step=result.tick.step,
            anchor_step=result.anchor_step,
            staleness_steps=result.staleness_steps,
            staleness=result.staleness_s,
            state=result.state.tolist(),
            action=result.action.tolist(),
            inference_time=result.inference_s,
            age=age,
            mode=int(result.mode),
            reason=result.reason,
            missed_ticks=self._loop.clock.missed_total,
        )
        message.header.stamp = to_msg(now)
        self._steps.publish(message)

    def _report(self) -> diagnostics.Report:
        newest = self._newest
        figures: dict[str, Any] = {
            "missed_ticks": self._loop.clock.missed_total,
            **self._loop.counts,
            **self._loop.slot.counts,
            **(self._prefixes.counts if self._prefixes else {}),
            **self._states_refused,
            **self._figures.figures(),
        }
        if self.count_publishers(STEP_TOPIC) > 1:
            return diagnostics.ERROR, self._two_of_a_kind(), figures
        if newest is None:
            return diagnostics.OK, "idle", figures
        figures["staleness_steps"] = newest.staleness_steps
        trouble = newest.mode in (Mode.LATE, Mode.HOLD) or bool(newest.reason and newest.mode is Mode.NORMAL)
        level = diagnostics.WARN if trouble else diagnostics.OK
        return level, newest.reason or newest.mode.name.lower(), figures

    def _two_of_a_kind(self) -> str:
        """Return who runs an action expert; raise NodeError in one that has only just begun to."""
        text = f"more than one action expert: {alone.publishers(self, STEP_TOPIC)}; end all but one"
        if time.monotonic() - self._started_s < JUST_STARTED_S:
            raise NodeError(text)
        return text

    def destroy_node(self) -> None:
        """End the thread that decodes, then the node."""
        if self._prefixes is not None:
            self._prefixes.close()
        super().destroy_node()


def _age_budget(result: StepResult) -> AgeBudget:
    held = result.held
    if held is None:
        return AgeBudget()
    return AgeBudget(ready=held.ready_age_s, first_used=held.first_used_s, commanded=result.staleness_s)


def main() -> int:
    """Run the action-expert node."""
    return run(ActionExpertNode)
