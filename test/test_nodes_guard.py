"""The guard as its own process over real DDS, judged by what reaches the driver's command topics."""

from __future__ import annotations

import math
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import pytest
import rclpy
from interbotix_xs_msgs.msg import JointGroupCommand
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool
from std_srvs.srv import SetBool, Trigger

from arvla_ros.msg import ArmCommand, GuardState
from arvla_ros.paths import share_directory
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

    def call(self, kind: type, service: str, request: object) -> object:
        client = self.node.create_client(kind, service)
        assert client.wait_for_service(timeout_sec=20.0)
        future = client.call_async(request)
        self.executor.spin_until_future_complete(future, timeout_sec=20.0)
        self.node.destroy_client(client)
        return future.result()

    def enable(self) -> SetBool.Response:
        return self.call(SetBool, "/guard/enable", SetBool.Request(data=True))

    def trigger(self, name: str) -> Trigger.Response:
        return self.call(Trigger, f"/guard/{name}", Trigger.Request())

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
def arm(ros_environment, request):
    """A guard before an arm without services; ``request.param`` gives it further parameters."""
    given = {"preflight": "false", **getattr(request, "param", {})}
    parameters = [part for name, value in given.items() for part in ("-p", f"{name}:={value}")]
    process = subprocess.Popen(["ros2", "run", "arvla_ros", "guard", "--ros-args", *parameters], env=ros_environment)
    arm = Arm(int(ros_environment["ROS_DOMAIN_ID"]))
    arm.spin_until(lambda: arm.state is not None, timeout=20.0)
    yield arm
    assert process.poll() is None, "the guard died"
    process.terminate()
    process.wait(20)
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


def test_the_estop_button_stops_and_a_person_arms_again(arm):
    arm.enable()
    arm.command(moved(arm.joints, 1.0))
    arm.spin_until(lambda: len(arm.received) > 3)
    assert arm.trigger("estop").success
    arm.spin_until(lambda: arm.state.mode == GuardState.MODE_ESTOP)
    assert arm.enable().success


def test_home_and_the_sleep_pose_are_reached(arm):
    for service, reason, goal in (
        ("sleep", "sleep pose reached", wx250s.SLEEP),
        ("home", "home reached", wx250s.READY),
    ):
        assert arm.trigger(service).success
        arm.spin_until(lambda reason=reason: arm.state.reason == reason, timeout=20.0)
        assert arm.joints == pytest.approx(goal.tolist(), abs=1e-3)


def test_messages_that_no_arm_could_use_are_refused_and_counted(arm):
    arm.enable()
    bad = (
        ArmCommand(source="x" * 100_000, joint_names=NAMES, joint_positions=[0.0] * 6),
        ArmCommand(source="action_expert", joint_names=["joint"] * 20_000, joint_positions=[0.0] * 20_000),
        ArmCommand(source="action_expert", joint_names=NAMES, joint_positions=[0.0] * 100_000),
        ArmCommand(source="action_expert", joint_names=[], joint_positions=[]),
        ArmCommand(source="action_expert", joint_names=NAMES[::-1], joint_positions=[0.0] * 6),
        ArmCommand(source="action_expert", use_pose=True),
    )
    for count, message in enumerate(bad[:-1], 1):
        message.header.stamp = arm.node.get_clock().now().to_msg()
        arm._commands.publish(message)
        arm.spin_until(lambda count=count: arm.state.refused >= count)
    assert arm.state.mode == GuardState.MODE_ACTIVE
    # Only joints were refused: that pose is one, at a place inside the base, which no joints reach.
    bad[-1].header.stamp = arm.node.get_clock().now().to_msg()
    bad[-1].gripper_opening = 0.05
    arm._commands.publish(bad[-1])
    arm.spin_until(lambda: "unreachable" in arm.state.limited)
    assert arm.state.reason.startswith("the last target is held: ")


@pytest.mark.parametrize("arm", [{"dry_run": "true"}], indirect=True)
def test_a_dry_run_shows_what_it_would_send_and_sends_nothing(arm):
    arm.enable()
    target = moved(arm.joints, 0.2)
    for _ in range(10):
        arm.command(target)
        arm.spin(0.05)
    assert arm.received == []
    assert arm.state.dry_run
    assert list(arm.state.sent) == pytest.approx(target, abs=0.05)


@pytest.mark.parametrize("arm", [{"checkpoint": "reach"}], indirect=True)
def test_a_start_pose_that_the_policy_has_never_seen_is_refused_until_the_arm_is_home(arm):
    arm.joints = wx250s.SLEEP.tolist()
    arm.spin(0.3)
    response = arm.enable()
    assert not response.success
    assert "shoulder -1.80 rad is outside -" in response.message
    assert "call /guard/home" in response.message
    assert arm.trigger("home").success
    arm.spin_until(lambda: arm.state.reason == "home reached", timeout=20.0)
    assert arm.enable().success


@pytest.mark.parametrize("arm", [{"preflight": "true"}], indirect=True)
def test_a_driver_that_cannot_be_asked_is_not_driven(arm):
    response = arm.enable()
    assert not response.success
    assert "the driver offers no service /wx250s/get_robot_info" in response.message
    assert "preflight:=false" in response.message
    arm.spin_until(lambda: arm.state.reason == response.message)
    assert arm.received == []


@pytest.mark.parametrize("arm", [{"sources": "[teleop]"}], indirect=True)
def test_in_shadow_the_policy_is_not_heard(arm):
    arm.enable()
    arm.command(moved(arm.joints, 0.1))
    arm.spin_until(lambda: arm.state.refused > 0)
    arm.command(moved(arm.joints, 0.1), source="teleop")
    arm.spin_until(lambda: arm.state.source == "teleop")


def test_another_publisher_beside_it_holds_the_arm_until_it_is_gone(arm):
    arm.enable()
    arm.command(moved(arm.joints, 0.1))
    arm.spin_until(lambda: len(arm.received) > 3)
    arm.spin(4.0)  # a guard that has just started would end instead, unless it has moved the arm
    other = arm.node.create_publisher(JointGroupCommand, "/wx250s/commands/joint_group", 10)
    arm.spin_until(lambda: "another publisher on /wx250s/commands/joint_group: /arm" in arm.state.reason)
    assert arm.state.mode == GuardState.MODE_HOLD
    assert not arm.enable().success
    arm.node.destroy_publisher(other)
    arm.spin_until(lambda: arm.enable().success)


def test_the_security_policy_lets_it_do_what_it_does_and_no_more(arm):
    policy = ElementTree.parse(share_directory() / "config" / "sros2" / "policy.xml")
    profile = policy.find(".//profile[@node='guard']")
    allowed = {
        kind: {element.text for element in profile.iterfind(f"./*[@{kind}='ALLOW']/*")}
        for kind in ("publish", "subscribe", "reply", "request")
    }
    node = arm.node
    found = {
        "publish": {name for name, _ in node.get_publisher_names_and_types_by_node("guard", "/")},
        "subscribe": {name for name, _ in node.get_subscriber_names_and_types_by_node("guard", "/")},
        "reply": {name for name, _ in node.get_service_names_and_types_by_node("guard", "/")},
        "request": {name for name, _ in node.get_client_names_and_types_by_node("guard", "/")},
    }
    optional = {"/clock", "/parameter_events", "/guard/get_type_description"}  # by use_sim_time and distribution
    for kind, names in found.items():
        assert names - optional == allowed[kind] - optional


def test_only_the_guard_may_command_the_driver_by_the_security_policy():
    policy = ElementTree.parse(share_directory() / "config" / "sros2" / "policy.xml")
    for topic in ("/wx250s/commands/joint_group", "/wx250s/commands/joint_single"):
        commanders = [
            profile.get("node")
            for profile in policy.iter("profile")
            if topic in {element.text for element in profile.iterfind("./topics[@publish='ALLOW']/topic")}
        ]
        assert commanders == ["guard"]
