"""The teleop node as its own process over real DDS: keys through a real pseudo terminal, joysticks as messages."""

from __future__ import annotations

import math
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import rclpy
from pseudo_terminal import PseudoTerminal
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import Bool
from std_srvs.srv import SetBool, Trigger

from arvla_ros.msg import ArmCommand, GuardState
from arvla_ros.robots import wx250s

NAMES = [*wx250s.ARM_JOINTS, "left_finger"]
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
HAND = wx250s.forward_kinematics(wx250s.READY)[:3, 3]
LEADER = wx250s.READY + 0.3
DEADMAN, ESTOP, HOME = 9, 1, 3
"""Buttons of game_controller_node."""


class Desk:
    """Everything around the teleop node: arm, leader arm, joystick, guard, and the terminal it runs in."""

    def __init__(self, domain: int) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("desk", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.process: subprocess.Popen[bytes] | None = None
        self.terminal: PseudoTerminal | None = None
        self.joints: list[float] | None = wx250s.READY.tolist()
        self.leader: list[float] | None = None
        self.axes: list[float] | None = None
        self.buttons = [0] * 21
        self.mode, self.reason = GuardState.MODE_ACTIVE, ""
        self.commands: list[ArmCommand] = []
        self.deadman: Bool | None = None
        self.estop: Bool | None = None
        self.asked: list[str] = []
        self._publishers = {
            "/wx250s/joint_states": self.node.create_publisher(JointState, "/wx250s/joint_states", 10),
            "/leader/joint_states": self.node.create_publisher(JointState, "/leader/joint_states", 10),
            "/joy": self.node.create_publisher(Joy, "/joy", 10),
            "/guard/state": self.node.create_publisher(GuardState, "/guard/state", 10),
        }
        self.node.create_subscription(ArmCommand, "/arm/command", self.commands.append, 10)
        self.node.create_subscription(Bool, "/deadman", lambda message: setattr(self, "deadman", message), 1)
        self.node.create_subscription(Bool, "/estop", lambda message: setattr(self, "estop", message), LATCHED)
        self.node.create_service(SetBool, "/guard/enable", self._on_enable)
        self.node.create_service(Trigger, "/guard/home", lambda *call: self._on_way("home", *call))
        self.node.create_service(Trigger, "/guard/sleep", lambda *call: self._on_way("sleep", *call))
        self.node.create_timer(0.02, self._publish)

    def _publish(self) -> None:
        for name, joints in (("wx250s", self.joints), ("leader", self.leader)):
            if joints is not None:
                message = JointState(name=NAMES, position=[*joints, 0.03])
                message.header.stamp = self.node.get_clock().now().to_msg()
                self.send(f"/{name}/joint_states", message)
        if self.axes is not None:
            self.send("/joy", Joy(axes=self.axes, buttons=self.buttons))
        self.send("/guard/state", GuardState(mode=self.mode, reason=self.reason))

    def send(self, topic: str, message: Any) -> None:
        self._publishers[topic].publish(message)

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self.asked.append("arm" if request.data else "disarm")
        if request.data:
            self.mode, self.reason = GuardState.MODE_ACTIVE, ""
        response.success, response.message = True, "done as asked"
        return response

    def _on_way(self, goal: str, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self.asked.append(goal)
        response.success, response.message = True, f"moving to {goal}"
        return response

    def start(self, environment: dict[str, str], terminal: bool, **parameters: object) -> None:
        arguments = [item for name, value in parameters.items() for item in ("-p", f"{name}:={value}")]
        self.run(["ros2", "run", "arvla_ros", "teleop", "--ros-args", *arguments], environment, terminal)

    def run(self, command: list[str], environment: dict[str, str], terminal: bool) -> None:
        if terminal:
            self.terminal = PseudoTerminal(command, environment)
            self.process = self.terminal.process
        else:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
        self.until(lambda: self.deadman is not None, "the first /deadman", 30.0)
        if terminal:
            self.until(lambda: "[let go] guard armed" in self.screen, "a node that sees arm and guard", 30.0)

    def type(self, keys: str) -> None:
        self.terminal.type(keys)

    @property
    def screen(self) -> str:
        return self.terminal.screen if self.terminal else ""

    def press(self, *buttons: int) -> None:
        self.buttons = [int(index in buttons) for index in range(21)]

    def spin(self, seconds: float = 0.0) -> None:
        end = time.monotonic() + seconds
        while True:
            self.executor.spin_once(timeout_sec=0.01)
            if self.terminal:
                self.terminal.read()
            if time.monotonic() >= end:
                return

    def until(self, reached: Callable[[], bool], what: str, timeout: float = 15.0) -> None:
        end = time.monotonic() + timeout
        while not reached():
            assert time.monotonic() < end, f"{what}: not in {timeout} s; screen: {self.screen[-600:]}"
            assert self.process is None or self.process.poll() is None, f"teleop ended: {self.screen[-600:]}"
            self.spin()

    def held(self, held: bool = True) -> None:
        self.until(lambda: self.deadman.data is held, f"deadman {held}")

    def take(self) -> None:
        """Press the key that takes, and again if a slow machine has let go at once."""
        typed_at = 0.0

        def taken() -> bool:
            nonlocal typed_at
            if not self.deadman.data and time.monotonic() > typed_at + 1.5:
                self.type("t")
                typed_at = time.monotonic()
            return self.deadman.data

        self.until(taken, "the deadman taken")

    def push_forward(self) -> None:
        """Keep a forward key down until the target has moved."""
        before = len(self.commands)

        def moved() -> bool:
            self.type("w")
            return len(self.commands) > before and self.commands[-1].pose.position.x > HAND[0] + 0.005

        self.until(moved, "a command to go forward")

    def silent(self) -> None:
        """Wait until what was under way has arrived, and then hear nothing any more."""
        self.spin(0.2)
        before = len(self.commands)
        self.spin(0.2)
        assert len(self.commands) == before

    def end(self) -> int:
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(15)
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)
        return code


@pytest.fixture
def desk(ros_environment) -> Iterator[Desk]:
    desk = Desk(int(ros_environment["ROS_DOMAIN_ID"]))
    desk.environment = ros_environment
    yield desk
    assert desk.end() == 0, desk.screen[-600:]


def test_by_keys_the_hand_moves_while_a_key_repeats_and_the_deadman_is_taken(desk):
    desk.start(desk.environment, terminal=True)
    assert "SPACE E-STOP" in desk.screen
    desk.type("www")
    desk.silent()
    assert desk.commands == [], "the deadman has not been taken"

    desk.take()
    desk.silent()
    assert desk.commands == [], "held, but nothing has been moved: a policy goes on"

    desk.push_forward()
    first, last = desk.commands[0], desk.commands[-1]
    assert first.use_pose
    assert first.source == "teleop"
    assert first.pose.position.x - HAND[0] < 0.02, "it begins where the hand was measured"
    assert first.pose.position.z == pytest.approx(HAND[2], abs=1e-3)
    orientation = [getattr(first.pose.orientation, axis) for axis in "xyzw"]
    np.testing.assert_allclose(np.abs(orientation), [0.0, math.sqrt(0.5), 0.0, math.sqrt(0.5)], atol=1e-3)
    assert first.gripper_opening == pytest.approx(0.06, abs=1e-3)
    assert last.age.commanded == -1.0

    desk.spin(0.4)
    resting = desk.commands[-1].pose.position.x
    desk.spin(0.4)
    assert desk.commands[-1].pose.position.x == resting, "no key, no motion; the target is kept"
    for _ in range(60):
        desk.type("w")
        desk.spin(0.03)
    assert desk.commands[-1].pose.position.x - HAND[0] <= 0.05 + 1e-6, "it does not run away from an arm that is stuck"

    desk.type("t")
    desk.held(False)
    desk.silent()
    desk.process.send_signal(signal.SIGINT)
    assert desk.process.wait(15) == 0
    assert desk.terminal.is_as_it_was()


def test_keys_stop_the_arm_and_ask_the_guard(desk):
    desk.start(desk.environment, terminal=True)
    desk.take()
    desk.type("w ")
    desk.until(lambda: desk.estop is not None, "the e-stop")
    assert desk.estop.data
    desk.held(False)
    desk.type("x")
    desk.spin(0.2)
    assert desk.estop.data, "only its own key releases it"
    desk.type("C")
    desk.until(lambda: not desk.estop.data, "the release of the e-stop")
    asked = ["arm", "disarm", "home", "sleep"]
    desk.type("eEHS")
    desk.until(lambda: sorted(desk.asked) == asked, "the guard asked for all four")
    desk.until(lambda: "/guard/sleep: moving to sleep" in desk.screen, "the answer on the screen")

    desk.type("+b")
    desk.until(lambda: "tool axes 0.12 m/s" in desk.screen, "frame and speed on the status line")
    desk.mode, desk.reason = GuardState.MODE_HOLD, "no joint states for 0.51 s"
    desk.until(lambda: "guard HOLD: no joint states for 0.51 s" in desk.screen, "why the guard holds")
    desk.take()
    desk.type("www")
    desk.silent()
    assert len(desk.asked) == 4, "another hold than its own silence is not ended by the deadman"
    desk.type("t")
    desk.held(False)
    desk.mode, desk.reason = GuardState.MODE_HOLD, "no command from 'teleop' for 0.52 s"
    desk.until(lambda: "guard HOLD: no command" in desk.screen, "why the guard holds")
    desk.type("t")
    desk.until(lambda: desk.asked[4:] == ["arm"], "the guard armed by taking the deadman again")
    desk.type("q")
    assert desk.process.wait(15) == 0
    assert desk.terminal.is_as_it_was()


def test_by_keys_without_a_terminal_it_ends_with_the_remedy(ros_environment):
    command = ["ros2", "run", "arvla_ros", "teleop"]
    result = subprocess.run(
        command, env=ros_environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1
    assert "parameter device='keyboard'" in result.stderr
    assert "run `ros2 run arvla_ros teleop` in a terminal of its own" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ("device:=mouse", "parameter device='mouse': choose one of keyboard, gamepad, leader"),
        ("joy_preset:=wii", "parameter joy_preset='wii': choose one of"),
        ("joy_x:=up", "parameter joy_x='up' is not a sum"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_at_the_start(parameter, words, ros_environment):
    command = ["ros2", "run", "arvla_ros", "teleop", "--ros-args", "-p", parameter]
    result = subprocess.run(
        command, env=ros_environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1
    assert words in result.stderr


def test_by_gamepad_the_hand_moves_while_the_button_is_held(desk):
    desk.axes = [0.0] * 6
    desk.start(desk.environment, terminal=False, device="gamepad")
    desk.axes[1] = 1.0
    desk.silent()
    assert desk.commands == []
    desk.press(DEADMAN)
    desk.until(lambda: len(desk.commands) > 3, "commands")
    desk.until(lambda: desk.commands[-1].pose.position.x > HAND[0] + 0.02, "a target ahead of the hand")
    desk.press()
    desk.held(False)
    desk.silent()
    desk.press(HOME, ESTOP)
    desk.until(lambda: desk.estop is not None and "home" in desk.asked, "e-stop and home by button")


def test_a_gamepad_that_is_lost_or_talks_nonsense_stops_motion_until_pressed_anew(desk):
    desk.axes = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    desk.start(desk.environment, terminal=False, device="gamepad")

    def drive() -> None:
        desk.press()
        desk.spin(0.2)
        desk.press(DEADMAN)
        desk.held()
        desk.until(lambda: bool(desk.commands), "commands")

    def stopped() -> None:
        desk.held(False)
        desk.silent()
        desk.commands.clear()

    good = list(desk.axes)
    for bad in (None, [math.nan, *good[1:]], good[:3], []):
        drive()
        desk.axes = bad
        stopped()
        desk.axes = list(good)
        desk.silent()
        assert not desk.deadman.data, "the button is still down: it does not count"
    drive()
    desk.joints = [-math.pi] * 6
    stopped()
    desk.joints = None
    stopped()


def test_the_launch_file_starts_it_for_a_gamepad(desk):
    desk.axes = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    launch = ["ros2", "launch", "arvla_ros", "teleop.launch.py", "joy_driver:=false"]
    desk.run(launch, desk.environment, terminal=False)
    desk.press(DEADMAN)
    desk.until(lambda: bool(desk.commands), "commands")


def test_a_leader_is_approached_slowly_and_then_mirrored(desk):
    desk.leader = LEADER.tolist()
    desk.start(desk.environment, terminal=True, device="leader", leader_gripper_closed=0.03)
    desk.silent()
    desk.type("t")
    desk.until(lambda: len(desk.commands) > 2, "commands")
    first = desk.commands[0]
    assert not first.use_pose
    assert list(first.joint_names) == list(wx250s.ARM_JOINTS)
    np.testing.assert_allclose(first.joint_positions, wx250s.READY, atol=0.05)
    desk.until(lambda: "going to the leader" in desk.screen, "how far it still is")
    desk.until(lambda: "mirroring" in desk.screen, "the end of the way")
    steps = np.diff([command.joint_positions for command in desk.commands[:-5]], axis=0)
    assert np.abs(steps).max() <= 0.3 * 0.1 + 0.051, "slowly: one step at the most, then the tolerance"
    desk.leader = (LEADER + 0.2).tolist()
    desk.until(lambda: np.allclose(desk.commands[-1].joint_positions, LEADER + 0.2, atol=1e-4), "the leader's new pose")

    for bad in ([-math.pi] * 6, None):
        desk.leader = bad
        desk.held(False)
        desk.silent()
        desk.leader = LEADER.tolist()
        desk.silent()
        desk.take()


def test_a_terminal_that_goes_away_ends_it_and_nothing_is_commanded_on(ros_environment):
    desk = Desk(int(ros_environment["ROS_DOMAIN_ID"]))
    desk.start(ros_environment, terminal=True)
    desk.take()
    desk.push_forward()
    desk.terminal.hang_up()
    desk.terminal = None
    assert desk.process.wait(15) == 1
    desk.silent()
    desk.end()
