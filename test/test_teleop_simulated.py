"""Teleoperation as a user has it: keys in a terminal, the guard, and a simulated arm that moves."""

from __future__ import annotations

import functools
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import rclpy
from pseudo_terminal import PseudoTerminal
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool

from arvla_ros.msg import ArmCommand, GuardState
from arvla_ros.robots import wx250s


class Bench:
    """A simulated arm, its guard, and a person at the keys who watches; a policy that streams where the arm was."""

    def __init__(self, environment: dict[str, str]) -> None:
        # On a slow machine the simulation stalls; what is shown here does not hang on that.
        patient = ("--ros-args", "-p", "command_timeout_s:=2.0", "-p", "state_timeout_s:=5.0")
        blind = ("--ros-args", "-p", "camera_rate_hz:=1.0")
        self.nodes = [
            subprocess.Popen(["ros2", "run", "arvla_ros", *command], env=environment, stdin=subprocess.DEVNULL)
            for command in (("sim_widowx", *blind), ("guard", *patient))
        ]
        self.terminal = PseudoTerminal(["ros2", "run", "arvla_ros", "teleop"], environment)
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=int(environment["ROS_DOMAIN_ID"]))
        self.node = rclpy.create_node("bench", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.newest: dict[type, Any] = {}
        self.policy: list[float] = []
        telemetry = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
        for kind, topic, qos in (
            (JointState, "/wx250s/joint_states", 10),
            (GuardState, "/guard/state", telemetry),
            (Bool, "/deadman", 1),
        ):
            self.node.create_subscription(kind, topic, functools.partial(self.newest.__setitem__, kind), qos)
        self._commands = self.node.create_publisher(ArmCommand, "/arm/command", 1)
        self.node.create_timer(0.05, self._command)
        self.until(lambda: len(self.newest) == 3, "arm, guard and teleop", 40.0)

    def _command(self) -> None:
        if self.policy:
            names = list(wx250s.ARM_JOINTS)
            command = ArmCommand(source="action_expert", joint_names=names, joint_positions=self.policy)
            command.gripper_opening = wx250s.OPENING_UPPER
            command.header.stamp = self.node.get_clock().now().to_msg()
            self._commands.publish(command)

    @property
    def joints(self) -> JointState:
        return self.newest[JointState]

    @property
    def guard(self) -> GuardState:
        return self.newest[GuardState]

    @property
    def held(self) -> bool:
        return self.newest[Bool].data

    @property
    def hand(self) -> np.ndarray:
        return wx250s.forward_kinematics(np.array(self.joints.position[:6]))[:3, 3]

    @property
    def opening(self) -> float:
        return 2 * self.joints.position[list(self.joints.name).index("left_finger")]

    def spin(self) -> None:
        self.executor.spin_once(timeout_sec=0.01)
        self.terminal.read()

    def until(self, reached: Callable[[], bool], what: str, timeout: float = 20.0, keys: str = "") -> None:
        """Spin until something is reached, with keys that repeat 30 times a second."""
        end, repeat_at = time.monotonic() + timeout, 0.0
        while not reached():
            now = time.monotonic()
            state = {kind.__name__: message for kind, message in self.newest.items() if kind is not JointState}
            assert now < end, f"{what}: not in {timeout} s; {state}; screen {self.terminal.screen[-600:]}"
            if keys and now > repeat_at:
                self.terminal.type(keys)
                repeat_at = now + 0.033
            self.spin()

    def insist(self, key: str, reached: Callable[[], bool], what: str) -> None:
        """Press a key until it has worked: a slow machine starts late, and lets go of the deadman by itself."""
        pressed_at = 0.0

        def press_again() -> bool:
            nonlocal pressed_at
            if not reached() and time.monotonic() > pressed_at + 1.5:
                self.terminal.type(key)
                pressed_at = time.monotonic()
            return reached()

        self.until(press_again, what)

    def take(self) -> None:
        self.insist("t", lambda: self.held, "the deadman taken")

    def drive(self, key: str, reached: Callable[[], bool], what: str) -> None:
        """Keep a key down, the deadman taken, until something is reached."""
        while not reached():
            self.take()
            self.until(lambda: reached() or not self.held, what, keys=key)

    def end(self) -> None:
        self.terminal.type("q")
        assert self.terminal.process.wait(15) == 0
        for process in self.nodes:
            assert process.poll() is None, f"{process.args} has died"
            process.terminate()
        for process in self.nodes:
            process.wait(15)
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def bench(ros_environment) -> Iterator[Bench]:
    bench = Bench(ros_environment)
    yield bench
    bench.end()


def test_keys_take_the_arm_over_from_a_policy_and_move_it_through_the_guard(bench):
    bench.policy = list(bench.joints.position[:6])
    bench.insist("e", lambda: bench.guard.source == "action_expert", "the policy at the arm")
    bench.take()
    assert bench.guard.source == "action_expert", "a deadman alone does not take over"
    start = bench.hand
    bench.drive("w", lambda: bench.hand[0] > start[0] + 0.04, "the hand 4 cm further forward")
    assert bench.guard.source == "teleop"
    np.testing.assert_allclose(bench.hand[1:], start[1:], atol=0.01)
    bench.drive("n", lambda: bench.opening < 0.060, "a gripper that closes")

    bench.terminal.type("t")
    bench.until(lambda: bench.guard.mode == GuardState.MODE_HOLD, "the guard holds after letting go")
    assert "no command from 'teleop'" in bench.guard.reason
    held = bench.hand
    bench.drive("f", lambda: bench.hand[2] < held[2] - 0.02, "taken again, the hand goes down")
    assert bench.guard.source == "teleop", "the policy did not get the arm back"

    bench.terminal.type("f ")
    bench.until(lambda: bench.guard.mode == GuardState.MODE_ESTOP, "the e-stop while moving")
    bench.until(lambda: "guard E-STOP" in bench.terminal.screen, "the e-stop on the screen")
    stopped = list(bench.guard.sent)
    assert stopped
    bench.take()
    end = time.monotonic() + 1.0
    bench.until(lambda: time.monotonic() > end, "a second of keys in vain", keys="f")
    assert list(bench.guard.sent) == stopped
