"""The guard before the simulated driver, which answers its services as the real one does."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rclpy
from interbotix_xs_msgs.msg import JointGroupCommand
from interbotix_xs_msgs.srv import RobotInfo
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger

from arvla_ros.msg import GuardState
from arvla_ros.robots import wx250s

BEST_EFFORT = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)


class Person:
    """Someone who calls the guard's services and watches it and the arm."""

    def __init__(self, domain: int) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("person", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.state: GuardState | None = None
        self.joints: dict[str, float] = {}
        self.commands: list[JointGroupCommand] = []
        self.node.create_subscription(GuardState, "/guard/state", self._on_state, BEST_EFFORT)
        self.node.create_subscription(JointState, "/wx250s/joint_states", self._on_joints, 10)
        self.node.create_subscription(JointGroupCommand, "/wx250s/commands/joint_group", self.commands.append, 10)

    def _on_state(self, message: GuardState) -> None:
        self.state = message

    def _on_joints(self, message: JointState) -> None:
        self.joints = dict(zip(message.name, message.position, strict=True))

    def call(self, kind: Any, service: str, **fields: Any) -> Any:
        client = self.node.create_client(kind, service)
        assert client.wait_for_service(timeout_sec=60.0)
        future = client.call_async(kind.Request(**fields))
        self.executor.spin_until_future_complete(future, timeout_sec=60.0)
        self.node.destroy_client(client)
        return future.result()

    def trigger(self, service: str) -> Trigger.Response:
        return self.call(Trigger, service)

    def switch(self, service: str, on: bool) -> SetBool.Response:
        return self.call(SetBool, service, data=on)

    def spin_until(self, reached: Callable[[], bool], timeout: float = 60.0) -> None:
        end = time.monotonic() + timeout
        while not reached():
            assert time.monotonic() < end, f"not reached in {timeout} s; guard says {self.state}"
            self.executor.spin_once(timeout_sec=0.05)

    def moves(self, service: str, reason: str) -> None:
        response = self.trigger(service)
        assert response.success, response.message
        self.spin_until(lambda: self.state is not None and self.state.reason == reason)


@pytest.fixture
def person(ros_environment: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Person]:
    """A person beside a guard and a simulated driver; ``request.param`` is the driver's modes file."""
    simulation = ["--ros-args", "-p", "camera_rate_hz:=1.0", "-p", f"modes:={request.param}"]
    nodes = (["ros2", "run", "arvla_ros", "sim_widowx", *simulation], ["ros2", "run", "arvla_ros", "guard"])
    processes = [subprocess.Popen(node, env=ros_environment) for node in nodes]
    person = Person(int(ros_environment["ROS_DOMAIN_ID"]))
    person.spin_until(lambda: person.state is not None and bool(person.joints))
    yield person
    assert [process.poll() for process in processes] == [None, None]
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(20)
    person.executor.shutdown()
    person.node.destroy_node()
    rclpy.shutdown(context=person.context)


@pytest.mark.parametrize("person", ["ours"], indirect=True)
def test_torque_is_dropped_in_the_sleep_pose_only_and_nothing_is_sent_until_the_arm_is_measured_anew(person):
    assert person.switch("/guard/enable", True).message == "armed"
    refused = person.switch("/guard/torque", False)
    assert (refused.success, refused.message) == (False, "the arm would fall: call /guard/sleep first")
    person.moves("/guard/sleep", "sleep pose reached")
    person.spin_until(lambda: abs(person.joints["shoulder"] - wx250s.SLEEP[1]) < 0.1)
    assert person.switch("/guard/torque", False).success
    assert person.switch("/guard/enable", True).message == "the torque is off: call /guard/torque with true first"
    person.spin_until(lambda: len(person.state.sent) == 0)
    sent = len(person.commands)
    assert person.switch("/guard/torque", True).success
    assert len(person.commands) == sent
    person.spin_until(lambda: person.switch("/guard/enable", True).success)
    person.spin_until(lambda: len(person.commands) > sent)
    start = dict(zip(wx250s.ARM_JOINTS, person.commands[sent].cmd, strict=True))
    assert all(abs(angle - person.joints[name]) < 0.1 for name, angle in start.items())


@pytest.mark.parametrize("person", ["stock"], indirect=True)
def test_modes_that_lag_are_told_exactly_and_set_once_in_the_sleep_pose(person):
    response = person.switch("/guard/enable", True)
    assert not response.success
    assert "group 'arm' has the profile time 2000/300, not velocity 0/0" in response.message
    assert "joint 'gripper' is in mode 'pwm', not 'linear_position'" in response.message
    assert "in the sleep pose only" in response.message
    assert person.commands == []
    # By hand, as the guard moves nothing yet: the stock profile takes two seconds for it.
    began = time.monotonic()
    person.spin_until(lambda: time.monotonic() - began > 5.0)  # a guard that has just started would give way and end
    hand = person.node.create_publisher(JointGroupCommand, "/wx250s/commands/joint_group", 10)
    person.spin_until(lambda: hand.get_subscription_count() >= 2)
    hand.publish(JointGroupCommand(name="arm", cmd=wx250s.SLEEP.tolist()))
    person.spin_until(lambda: abs(person.joints["shoulder"] - wx250s.SLEEP[1]) < 0.05)
    person.node.destroy_publisher(hand)
    person.spin_until(lambda: person.switch("/guard/enable", True).success)
    arm = person.call(RobotInfo, "/wx250s/get_robot_info", cmd_type="group", name="arm")
    gripper = person.call(RobotInfo, "/wx250s/get_robot_info", cmd_type="single", name="gripper")
    assert (arm.mode, arm.profile_type, gripper.mode) == ("position", "velocity", "linear_position")
