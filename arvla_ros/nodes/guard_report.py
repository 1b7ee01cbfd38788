"""What the guard tells of itself: its state with every cycle, its figures once a second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from rclpy.node import Node

from arvla_ros.control.guard import Cycle, Guard, Mode
from arvla_ros.control.safety import SafetyFilter
from arvla_ros.msg import AgeBudget, ArmCommand, GuardState
from arvla_ros.nodes import diagnostics
from arvla_ros.nodes.qos import TELEMETRY
from arvla_ros.nodes.stamps import to_ns

LEVELS = {Mode.ESTOP: diagnostics.ERROR, Mode.HOLD: diagnostics.WARN}


class GuardReport:
    """Publishes ``~/state`` and /diagnostics.

    Attributes:
        states_refused: Joint states refused since the start, by kind.
        other_publisher: Who else commands the driver; empty: nobody.
    """

    def __init__(self, node: Node, guard: Guard, safety: SafetyFilter, joint_state_rate: Callable[[], float]) -> None:
        self.states_refused: Counter[str] = Counter()
        self.other_publisher = ""
        self._guard = guard
        self._safety = safety
        self._joint_state_rate = joint_state_rate
        self._age, self._age_stamp_ns = AgeBudget(), 0
        self._message = GuardState(joint_names=list(safety.limits.names))
        self._publisher = node.create_publisher(GuardState, "~/state", TELEMETRY)
        diagnostics.publish_diagnostics(node, self._figures)

    def took(self, message: ArmCommand) -> None:
        """Note the age of the picture behind a command that got through."""
        self._age, self._age_stamp_ns = message.age, to_ns(message.header.stamp)

    def publish(self, cycle: Cycle, ros_ns: int) -> None:
        """Publish what a cycle sent at ``ros_ns`` on the ROS clock."""
        if cycle.sent is not None and self._age.commanded >= 0.0 > self._age.sent:
            self._age.sent = self._age.commanded + (ros_ns - self._age_stamp_ns) * 1e-9
        message = self._message
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(ros_ns, 1_000_000_000)
        message.mode, message.reason, message.source = int(cycle.mode), cycle.reason, cycle.source
        message.requested = [] if cycle.requested is None else cycle.requested.tolist()
        message.sent = [] if cycle.sent is None else cycle.sent.tolist()
        message.requested_gripper, message.sent_gripper = cycle.requested_gripper, cycle.sent_gripper
        message.limited, message.refused = cycle.limited, self._guard.arbiter.refused.total()
        message.age, message.dry_run = self._age, self._guard.dry_run
        self._publisher.publish(message)

    def _figures(self) -> diagnostics.Report:
        guard, mode = self._guard, self._guard.mode
        level = diagnostics.ERROR if self.other_publisher else LEVELS.get(mode, diagnostics.OK)
        figures = {
            "mode": mode.name,
            "source": guard.arbiter.armed.name,
            "dry_run": guard.dry_run,
            "speed_scale": self._safety.speed_scale,
            "joint_states_hz": f"{self._joint_state_rate():.0f}",
            "refused": guard.arbiter.refused.total(),
            **{f"refused_{kind}": count for kind, count in sorted(guard.arbiter.refused.items())},
            **{f"joint_states_refused_{kind}": count for kind, count in sorted(self.states_refused.items())},
        }
        return level, self.other_publisher or guard.reason or mode.name.lower(), figures
