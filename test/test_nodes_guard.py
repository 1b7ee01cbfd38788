"""The guard as its own process over real DDS, judged by what reaches the driver's command topics."""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Callable

import pytest
import rclpy
from interbotix_xs_msgs.msg import JointGroupCommand
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool
from std_srvs.srv import SetBool

from arvla_ros.msg import ArmCommand, GuardState
from arvla_ros.robots import wx250s

NAMES = list(wx250s.ARM_JOINTS)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Arm:
    """The driver's and the policy's side of a guard: an arm that follows, and someone who commands it."""

    def __init__(self, domain: int) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("arm", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.joints = wx250s.READY.tolist()
        self.received: list[list[float]] = []
        self.state: GuardState | None = None
        self._states = self.node.create_publisher(JointState, "/wx250s/joint_states", 10)
        self._commands = self.node.create_publisher(ArmCommand, "/arm/command", 1)
        self._estop = self.node.create_publisher(Bool, "/estop", LATCHED)
        self._enable = self.node.create_client(SetBool, "/guard/enable")
        self.node.create_subscription(JointGroupCommand, "/wx250s/commands/joint_group", self._on_group, 10)
        telemetry = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.node.create_subscription(GuardState, "/guard/state", self._on_state, telemetry)
        self.node.create_timer(0.01, self._publish_state)

    def _publish_state(self) -> None:
        message = JointState(name=[*NAMES, "left_finger"], position=[*self.joints, 0.03])
        message.header.stamp = self.node.get_clock().now().to_msg()
        self._states.publish(message)

    def _on_group(self, message: JointGroupCommand) -> None:
        assert message.name == "arm"
        self.joints = list(message.cmd)
        self.received.append(self.joints)

    def _on_state(self, message: GuardState) -> None:
        self.state = message

    def command(self, joints: list[float], source: str = "action_expert") -> None:
        message = ArmCommand(source=source, joint_names=NAMES, joint_positions=joints, gripper_opening=0.06)
        message.header.stamp = self.node.get_clock().now().to_msg()
        self._commands.publish(message)

    def press_estop(self) -> None:
        self._estop.publish(Bool(data=True))

    def enable(self) -> SetBool.Response:
        assert self._enable.wait_for_service(timeout_sec=10.0)
        future = self._enable.call_async(SetBool.Request(data=True))
        self.executor.spin_until_future_complete(future, timeout_sec=10.0)
        return future.result()

    def spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.01)

    def spin_until(self, reached: Callable[[], bool], timeout: float = 10.0) -> None:
        end = time.monotonic() + timeout
        while not reached():
            assert time.monotonic() < end, f"not reached in {timeout} s; guard says {self.state}"
            self.executor.spin_once(timeout_sec=0.01)


@pytest.fixture
def arm(ros_environment):
    process = subprocess.Popen(
        ["ros2", "run", "arvla_ros", "guard", "--ros-args", "-p", "preflight:=false"], env=ros_environment
    )
    arm = Arm(int(ros_environment["ROS_DOMAIN_ID"]))
    arm.spin_until(lambda: arm.state is not None, timeout=20.0)
    yield arm
    assert process.poll() is None, "the guard died"
    process.terminate()
    process.wait(10)
    arm.executor.shutdown()
    arm.node.destroy_node()
    rclpy.shutdown(context=arm.context)


def moved(joints: list[float], by: float) -> list[float]:
    return [joint + by for joint in joints]


def test_nothing_reaches_the_driver_before_it_is_armed(arm):
    for _ in range(10):
        arm.command(moved(arm.joints, 0.1))
        arm.spin(0.05)
    assert arm.received == []
    assert arm.state.mode == GuardState.MODE_DISARMED
    assert arm.state.refused > 0


def test_an_armed_command_is_walked_to_within_the_speed_limit(arm):
    assert arm.enable().success
    target = moved(arm.joints, 0.3)
    start = list(arm.joints)
    arm.command(target)
    arm.spin_until(lambda: bool(arm.received) and arm.received[-1] == pytest.approx(target, abs=1e-4), timeout=5.0)
    steps = [abs(b - a) for before, after in zip([start, *arm.received], arm.received, strict=False)
             for a, b in zip(before, after, strict=True)]  # fmt: skip
    assert max(steps) <= math.pi * 0.02 + 1e-4


def test_a_command_that_is_not_finite_never_reaches_the_driver_and_holds(arm):
    arm.enable()
    arm.command(moved(arm.joints, 0.1))
    arm.spin_until(lambda: len(arm.received) > 5)
    arm.command([math.nan] * 6)
    arm.spin_until(lambda: arm.state.mode == GuardState.MODE_HOLD)
    assert "not finite" in arm.state.reason
    arm.spin(0.3)
    assert all(math.isfinite(value) for joints in arm.received for value in joints)


def test_a_stream_that_stops_is_held_with_torque_on(arm):
    arm.enable()
    arm.command(moved(arm.joints, 0.1))
    arm.spin_until(lambda: arm.state.mode == GuardState.MODE_HOLD)
    assert "no command from 'action_expert'" in arm.state.reason
    before = len(arm.received)
    arm.spin(0.5)
    assert len(arm.received) > before, "the last safe pose is sent on"
    assert arm.received[-1] == pytest.approx(arm.received[before], abs=1e-3)


def test_the_estop_is_obeyed_and_latched(arm):
    arm.enable()
    arm.command(moved(arm.joints, 1.0))
    arm.spin_until(lambda: len(arm.received) > 3)
    arm.press_estop()
    arm.spin_until(lambda: arm.state.mode == GuardState.MODE_ESTOP)
    stopped_at = list(arm.joints)
    arm.command(moved(arm.joints, 1.0))
    arm.spin(0.5)
    assert arm.joints == pytest.approx(stopped_at, abs=1e-6)
    response = arm.enable()
    assert not response.success
    assert "/estop" in response.message
