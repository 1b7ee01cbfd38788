"""The guard node: the only one that commands the arm.

Small on purpose: numpy and rclpy, no torch, so that it starts at once and outlives the policy.
"""

from __future__ import annotations

import functools

import numpy as np
from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool
from std_srvs.srv import SetBool, Trigger

from arvla_ros.control.guard import Cycle, Guard, Mode
from arvla_ros.control.safety import SafetyFilter
from arvla_ros.msg import ArmCommand, GuardState
from arvla_ros.nodes import diagnostics
from arvla_ros.nodes.parameters import Live, apply_while_running, declare_number, declare_text
from arvla_ros.nodes.qos import LATCHED, NEWEST, TELEMETRY
from arvla_ros.nodes.runtime import run
from arvla_ros.nodes.stamps import now_ns, to_ns
from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import ContractError, RobotContract

CYCLE_RATE_HZ = 50.0
ARM_GROUP = "arm"
GRIPPER = "gripper"


class GuardNode(Node):
    """Between every source of commands and the driver; see ``control.guard`` for what it does."""

    def __init__(self) -> None:
        super().__init__("guard")
        robot_name = declare_text(self, "robot_name", "wx250s", "namespace of the Interbotix driver")
        self._contract = RobotContract.load("wx250s")
        self._safety = SafetyFilter(wx250s.LIMITS)
        self._guard = Guard(self._safety, wx250s.READY, wx250s.OPENING_UPPER, 1.0 / CYCLE_RATE_HZ)
        self._declare_parameters()
        self._arm = self.create_publisher(JointGroupCommand, f"/{robot_name}/commands/joint_group", 10)
        self._gripper = self.create_publisher(JointSingleCommand, f"/{robot_name}/commands/joint_single", 10)
        self._state = self.create_publisher(GuardState, "~/state", TELEMETRY)
        self.create_subscription(JointState, f"/{robot_name}/joint_states", self._on_joint_states, 10)
        self.create_subscription(ArmCommand, "/arm/command", self._on_command, NEWEST)
        self.create_subscription(Bool, "/estop", self._on_estop, LATCHED)
        self.create_service(SetBool, "~/enable", self._on_enable)
        self.create_service(Trigger, "~/home", self._on_home)
        self.create_timer(1.0 / CYCLE_RATE_HZ, self._on_cycle)
        diagnostics.publish_diagnostics(self, self._report)

    def _declare_parameters(self) -> None:
        timeouts = self._guard.timeouts
        numbers = (
            (self._safety, "max_joint_velocity", "speed limit of every joint, rad/s", 0.05, wx250s.ARM_VELOCITY),
            (self._safety, "speed_scale", "share of all speed limits that is allowed", 0.01, 1.0),
            (timeouts, "command_timeout_s", "silence of the armed source after which the arm holds, s", 0.1, 10.0),
            (timeouts, "state_timeout_s", "age of the joint states from which the arm holds, s", 0.05, 5.0),
        )
        live = {}
        for owner, name, description, low, high in numbers:
            value = declare_number(self, name, getattr(owner, name), description, low, high, live=True)
            setattr(owner, name, value)
            live[name] = Live(functools.partial(setattr, owner, name))
        apply_while_running(self, live)

    def _on_joint_states(self, message: JointState) -> None:
        try:
            state = self._contract.state(message.name, message.position)
        except ContractError as error:
            self.get_logger().warning(f"joint states refused: {error}", throttle_duration_sec=5.0)
            return
        self._guard.on_state(state[:-1].astype(np.float64), float(state[-1]), self._now_s())

    def _on_command(self, message: ArmCommand) -> None:
        armed = self._guard.mode is Mode.ACTIVE
        refusal = self._pass_on(message)
        # A source that commands while nobody has armed it is only counted: the policy streams all the time.
        if refusal and armed:
            self.get_logger().warning(f"command refused: {refusal}", throttle_duration_sec=2.0)

    def _pass_on(self, message: ArmCommand) -> str:
        if message.use_pose:
            return "end-effector poses are not taken yet: send joint positions"
        if tuple(message.joint_names) != self._contract.arm_joints:
            return f"joints {list(message.joint_names)} are not {list(self._contract.arm_joints)}"
        joints = np.asarray(message.joint_positions, dtype=np.float64)
        stamp = to_ns(message.header.stamp) * 1e-9
        return self._guard.on_command(message.source, joints, message.gripper_opening, stamp, self._now_s())

    def _on_estop(self, message: Bool) -> None:
        self._guard.set_estop(message.data)
        self.get_logger().warning("e-stop pressed" if message.data else "e-stop released: arm with /guard/enable")

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if request.data:
            response.success, response.message = self._guard.enable(self._now_s())
        else:
            self._guard.disable("disarmed by /guard/enable")
            response.success, response.message = True, "disarmed"
        return response

    def _on_home(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = self._guard.go_home(self._now_s())
        return response

    def _on_cycle(self) -> None:
        cycle = self._guard.cycle(self._now_s())
        if cycle.sent is not None:
            self._arm.publish(JointGroupCommand(name=ARM_GROUP, cmd=cycle.sent.tolist()))
            self._gripper.publish(JointSingleCommand(name=GRIPPER, cmd=cycle.sent_gripper))
        self._publish_state(cycle)

    def _publish_state(self, cycle: Cycle) -> None:
        message = GuardState(
            mode=int(cycle.mode), reason=cycle.reason, source=cycle.source, refused=self._guard.refused
        )
        message.header.stamp = self.get_clock().now().to_msg()
        message.joint_names = list(self._contract.arm_joints)
        message.requested = [] if cycle.requested is None else cycle.requested.tolist()
        message.sent = [] if cycle.sent is None else cycle.sent.tolist()
        message.requested_gripper = cycle.requested_gripper
        message.sent_gripper = cycle.sent_gripper
        message.limited = cycle.limited
        self._state.publish(message)

    def _report(self) -> diagnostics.Report:
        mode = self._guard.mode
        level = {Mode.ESTOP: diagnostics.ERROR, Mode.HOLD: diagnostics.WARN}.get(mode, diagnostics.OK)
        figures = {"mode": mode.name, "refused": self._guard.refused, "speed_scale": self._safety.speed_scale}
        return level, self._guard.reason or mode.name.lower(), figures

    def _now_s(self) -> float:
        return now_ns(self) * 1e-9


def main() -> int:
    """Run the guard node."""
    return run(GuardNode)
