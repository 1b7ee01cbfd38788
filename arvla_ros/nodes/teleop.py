"""The teleop node: a person drives the arm by keys, gamepad or leader arm, through the guard as every source does."""

from __future__ import annotations

import time

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future
from sensor_msgs.msg import Joy
from std_msgs.msg import Bool
from tf_transformations import quaternion_from_matrix

from arvla_ros.control.arm_reading import ArmReading
from arvla_ros.control.keyboard import HELP
from arvla_ros.control.leader import Follower, LeaderLimits, Stir
from arvla_ros.control.operator_input import OperatorInput
from arvla_ros.control.teleop import Act, HandServo, TeleopLimits
from arvla_ros.msg import ArmCommand
from arvla_ros.nodes import diagnostics
from arvla_ros.nodes.guard_client import GuardClient
from arvla_ros.nodes.joint_states import read_arm
from arvla_ros.nodes.parameters import declare_flag, declare_number, declare_text
from arvla_ros.nodes.qos import LATCHED, NEWEST
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.teleop_parameters import declare_device, declare_joystick, declare_limits
from arvla_ros.nodes.terminal import NoTerminal, Terminal, TerminalError
from arvla_ros.robots import wx250s
from arvla_ros.robots.action_space import EndEffectorTarget

SOURCE = "teleop"
KEY_POLL_S = 0.02
# After a pause like this (Ctrl-Z, a machine out of breath) what was held before says nothing; s.
STALL_S = 0.5
# No step is longer than this, whatever the clock says; s.
LONGEST_STEP_S = 0.1
FASTER = 1.25


class TeleopNode(Node):
    """Turns what an operator does into ArmCommands while the deadman is held; ``control`` says how.

    Nothing is commanded before the operator moves something, so that the deadman alone can watch over a policy.
    """

    def __init__(self) -> None:
        super().__init__("teleop")
        self._device = declare_device(self)
        robot_name = declare_text(self, "robot_name", "wx250s", "namespace of the Interbotix driver")
        leader_name = declare_text(self, "leader_name", "leader", "namespace of the leader arm's driver")
        rate_hz = declare_number(self, "rate_hz", 20.0, "commands and /deadman, Hz", 10.0, 100.0)
        rearms = "taking the deadman arms a guard that holds only because it was let go"
        self._rearms = declare_flag(self, "rearm_with_deadman", True, rearms)
        self._joystick = declare_joystick(self, self._device)
        self._input = OperatorInput(self._joystick)
        self._limits, leader_limits = TeleopLimits(), LeaderLimits()
        declare_limits(self, self._limits, leader_limits, self._input)
        self._servo = HandServo(self._limits, wx250s.OPENING_LOWER, wx250s.OPENING_UPPER)
        self._follower = Follower(leader_limits, wx250s.OPENING_LOWER, wx250s.OPENING_UPPER)
        self._stir = Stir()
        self._terminal = self._open_terminal()
        self.done = Future()
        self._told = ""
        self._connect(robot_name, leader_name)
        self._ticked_at = self._led_at = time.monotonic()
        # A person's time is the wall's, whatever /clock does.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0 / rate_hz, self._on_tick, clock=steady)
        self.create_timer(KEY_POLL_S, self._on_keys, clock=steady)
        diagnostics.publish_diagnostics(self, self._report)

    def _connect(self, robot_name: str, leader_name: str) -> None:
        self._guard = GuardClient(self, self._terminal.say)
        self._commands = self.create_publisher(ArmCommand, "/arm/command", NEWEST)
        self._deadman = self.create_publisher(Bool, "/deadman", NEWEST)
        self._estop = self.create_publisher(Bool, "/estop", LATCHED)
        self._arm = read_arm(self, robot_name)
        self._leader: ArmReading | None = None
        if self._device == "leader":
            self._leader = read_arm(self, leader_name, self._on_leader)
        if self._joystick.mapped:
            self.create_subscription(Joy, "/joy", self._on_joy, 10)

    def _open_terminal(self) -> Terminal | NoTerminal:
        """Return the terminal, if there is one; without it, a button has to be the deadman."""
        try:
            terminal = Terminal()
        except TerminalError as error:
            if self._joystick.has_deadman:
                return NoTerminal(self.get_logger().info)
            raise NodeError(
                f"parameter device={self._device!r}: its deadman is a key, but {error}: "
                "run `ros2 run arvla_ros teleop` in a terminal of its own, or use a gamepad's button (joy_deadman)"
            ) from error
        for line in HELP:
            terminal.say(line)
        return terminal

    def destroy_node(self) -> None:
        """Give the terminal back."""
        self._terminal.close()
        super().destroy_node()

    def _on_keys(self) -> None:
        try:
            typed = self._terminal.read()
        except TerminalError as error:
            self.done.set_exception(NodeError(f"teleop ends: {error}"))
            return
        for act in self._input.on_terminal(typed, time.monotonic()):
            self._act(act)

    def _on_joy(self, message: Joy) -> None:
        for act in self._joystick.on_message(message.axes, message.buttons, time.monotonic()):
            self._act(act)

    def _act(self, act: Act) -> None:
        if act in (Act.ESTOP, Act.DISABLE, Act.HOME, Act.SLEEP, Act.QUIT):
            self._input.let_go()
        if act is Act.ESTOP:
            self._estop.publish(Bool(data=True))
            self._terminal.say("E-STOP pressed")
        elif act is Act.RELEASE_ESTOP:
            self._estop.publish(Bool(data=False))
            self._terminal.say("e-stop released: the guard still waits to be armed")
        elif act in (Act.ENABLE, Act.DISABLE):
            self._guard.enable(act is Act.ENABLE)
        elif act is Act.HOME:
            self._guard.go_home()
        elif act is Act.SLEEP:
            self._guard.go_to_sleep()
        elif act is Act.FRAME:
            self._servo.tool_frame = not self._servo.tool_frame
        elif act in (Act.FASTER, Act.SLOWER):
            self._change_speed(FASTER if act is Act.FASTER else 1.0 / FASTER)
        elif act is Act.HELP:
            for line in HELP:
                self._terminal.say(line)
        elif act is Act.QUIT:
            self._deadman.publish(Bool(data=False))
            self.done.set_result(None)

    def _change_speed(self, factor: float) -> None:
        speeds = ((name, getattr(self._limits, name) * factor) for name in ("linear_speed", "angular_speed"))
        for result in self.set_parameters([Parameter(name, value=value) for name, value in speeds]):
            if not result.successful:
                self._terminal.say(result.reason)

    def _on_tick(self) -> None:
        now = time.monotonic()
        elapsed, self._ticked_at = now - self._ticked_at, now
        was_held = self._input.held
        held = self._input.update(now, self._fault(now, elapsed))
        self._deadman.publish(Bool(data=held))
        if held and not was_held and self._rearms and self._guard.waits_for(SOURCE):
            self._guard.enable(True)
        if not held or self._guard.obstacle:
            self._servo.release()
            self._follower.release()
        elif self._leader is None:
            self._move_hand(now, min(elapsed, LONGEST_STEP_S))
        self._tell()

    def _fault(self, now: float, elapsed: float) -> str:
        if elapsed > STALL_S:
            return "teleop was stopped for a while"
        return self._arm.fault(now) or (self._leader.fault(now) if self._leader else "")

    def _move_hand(self, now: float, dt: float) -> None:
        motion = self._input.motion(now)
        hand = self._measured_hand()
        if self._servo.target is None:
            if not motion.any():
                return
            self._servo.take(hand)
        target = self._servo.advance(motion, hand, dt)
        (x, y, z), (qx, qy, qz, qw) = target.position.tolist(), target.rotation.tolist()
        pose = Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw))
        self._command(ArmCommand(use_pose=True, pose=pose, gripper_opening=target.opening))

    def _measured_hand(self) -> EndEffectorTarget:
        pose = wx250s.forward_kinematics(self._arm.joints)
        return EndEffectorTarget(pose[:3, 3], np.asarray(quaternion_from_matrix(pose)), self._opening())

    def _opening(self) -> float:
        """Return what the gripper was told: what is measured on a grasped object would let go of it."""
        told = self._guard.opening
        return told if np.isfinite(told) else self._arm.opening

    def _on_leader(self, now: float) -> None:
        assert self._leader
        dt, self._led_at = min(now - self._led_at, LONGEST_STEP_S), now
        if self._stir.moved(self._leader.joints):
            self._input.touch(now)
        if not self._input.held or self._guard.obstacle:
            return
        if not self._follower.taken:
            self._follower.take(self._arm.joints, self._opening())
        joints, opening = self._follower.advance(self._leader.joints, self._leader.opening, dt)
        names = list(wx250s.ARM_JOINTS)
        self._command(ArmCommand(joint_names=names, joint_positions=joints.tolist(), gripper_opening=opening))

    def _command(self, message: ArmCommand) -> None:
        message.header.stamp = self.get_clock().now().to_msg()
        message.source = SOURCE
        self._commands.publish(message)

    def _tell(self) -> None:
        """Show how things stand; what stops motion is also said once, for logs and for those without a terminal."""
        if self._input.problem != self._told:
            self._told = self._input.problem
            self._terminal.say(f"stopped: {self._told}" if self._told else "ready")
        self._terminal.show(f"[{self._state()}] {self._guard.describe()} | {self._settings()}")

    def _state(self) -> str:
        if not self._input.held:
            return self._input.problem or "let go"
        if self._guard.obstacle:
            return "held, but the guard is not armed"
        if self._follower.taken:
            return "mirroring" if self._follower.mirroring else f"going to the leader: {self._farthest()}"
        return "moving" if self._servo.target else "held, waiting for a motion"

    def _farthest(self) -> str:
        index = int(np.abs(self._follower.difference).argmax())
        return f"{wx250s.ARM_JOINTS[index]} {self._follower.difference[index]:+.2f} rad"

    def _settings(self) -> str:
        frame = "tool" if self._servo.tool_frame else "base"
        speeds = f"{self._limits.linear_speed:.2f} m/s {self._limits.angular_speed:.2f} rad/s"
        return f"{1000 * self._opening():.0f} mm open | {frame} axes {speeds}"

    def _report(self) -> diagnostics.Report:
        level = diagnostics.WARN if self._input.problem else diagnostics.OK
        return level, self._state(), {"device": self._device, "deadman": self._input.held}


def main() -> int:
    """Run the teleop node until it is told to quit."""
    return run(TeleopNode, until=lambda node: node.done)
