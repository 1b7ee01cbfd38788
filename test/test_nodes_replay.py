"""A recorded episode sent again: the replay node, the guard and the simulated arm as processes over real DDS."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool
from synthetic_bags import MS, START, Recorded, write_bag

from arvla_ros.msg import ArmCommand, GuardState
from arvla_ros.robots import wx250s

# The waist goes from 0.01 to 0.10 rad; the other joints to 0, which is upright and inside the workspace.
EPISODE = Recorded(images=[], joints=[], commands=[START + k * 20 * MS for k in range(50)])


class Person:
    """Arms the guard, and sees where the arm is."""

    def __init__(self, domain: int) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("person", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.joints: list[float] = []
        self.guard = GuardState()
        telemetry = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
        self.node.create_subscription(JointState, "/wx250s/joint_states", self._on_joints, 10)
        self.node.create_subscription(GuardState, "/guard/state", self._on_guard, telemetry)
        self.commands = self.node.create_publisher(ArmCommand, "/arm/command", 1)
        self._enable = self.node.create_client(SetBool, "/guard/enable")

    def _on_joints(self, message: JointState) -> None:
        self.joints = list(message.position)[:6]

    def _on_guard(self, message: GuardState) -> None:
        self.guard = message

    def spin(self) -> None:
        self.executor.spin_once(timeout_sec=0.05)

    def arm(self) -> None:
        """Call /guard/enable until it does."""
        assert self._enable.wait_for_service(timeout_sec=30.0)
        end = time.monotonic() + 30.0
        while True:
            future = self._enable.call_async(SetBool.Request(data=True))
            self.executor.spin_until_future_complete(future, timeout_sec=20.0)
            if future.result().success:
                return
            assert time.monotonic() < end, future.result().message
            self.spin()

    def close(self) -> None:
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def person(ros_environment) -> Iterator[Person]:
    for command in (["sim_widowx", "--ros-args", "-p", "camera_rate_hz:=1.0"], ["guard"]):
        subprocess.Popen(["ros2", "run", "arvla_ros", *command], env=ros_environment)  # ended with the domain
    person = Person(int(ros_environment["ROS_DOMAIN_ID"]))
    yield person
    person.close()


def replay(environment: dict[str, str], episode: Path) -> subprocess.Popen[str]:
    command = ["ros2", "run", "arvla_ros", "replay", "--ros-args", "-p", f"episode:={episode}"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_an_episode_is_sent_again_through_the_guard_and_then_it_ends(person, ros_environment, tmp_path):
    process = replay(ros_environment, write_bag(tmp_path, EPISODE))
    person.arm()
    end = time.monotonic() + 60.0
    while process.poll() is None:
        person.spin()
        assert time.monotonic() < end, person.guard
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert person.guard.source == "replay"
    last = [0.098 + 0.01, *[0.0] * 5]
    assert person.guard.sent.tolist() == pytest.approx(last, abs=0.01)
    assert person.joints == pytest.approx(last, abs=0.05)


def test_a_person_who_takes_over_ends_it(person, ros_environment, tmp_path):
    process = replay(ros_environment, write_bag(tmp_path, EPISODE))
    person.arm()
    while person.guard.source != "replay":
        person.spin()
    end = time.monotonic() + 30.0
    while process.poll() is None:
        command = ArmCommand(source="teleop", joint_names=list(wx250s.ARM_JOINTS), joint_positions=person.joints)
        command.gripper_opening = 0.05
        command.header.stamp = person.node.get_clock().now().to_msg()
        person.commands.publish(command)
        person.spin()
        assert time.monotonic() < end, person.guard
    output, _ = process.communicate()
    assert process.returncode == 1
    assert "teleop has taken over" in output


def test_an_episode_in_which_nothing_was_sent_is_refused_in_one_line(ros_environment, tmp_path):
    process = replay(ros_environment, write_bag(tmp_path, Recorded(images=[], joints=[], commands=[])))
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "nothing was sent to the arm" in output
    assert "Traceback" not in output
