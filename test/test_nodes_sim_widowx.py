"""The simulated WidowX as its own process over real DDS, with the task stack3."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import rclpy
from interbotix_xs_msgs.msg import JointGroupCommand
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import Image, JointState
from std_srvs.srv import Trigger

from arvla_ros.msg import TaskStatus
from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.tasks import make_task
from arvla_ros.sim.world import WidowXWorld

LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
SEED = 7


class Listener:
    """Everything that others hear of the simulated arm, and the little they say to it."""

    def __init__(self, domain: int) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("listener", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.task: TaskStatus | None = None
        self.joints: JointState | None = None
        self.image: Image | None = None
        self.commands = self.node.create_publisher(JointGroupCommand, "/wx250s/commands/joint_group", 10)
        self._reset = self.node.create_client(Trigger, "/sim_widowx/reset")
        self.node.create_subscription(TaskStatus, "/sim_widowx/task", self._on_task, LATCHED)
        self.node.create_subscription(JointState, "/wx250s/joint_states", self._on_joints, 10)
        self.node.create_subscription(Image, "/camera/image_raw", self._on_image, qos_profile_sensor_data)

    def _on_task(self, message: TaskStatus) -> None:
        self.task = message

    def _on_joints(self, message: JointState) -> None:
        self.joints = message

    def _on_image(self, message: Image) -> None:
        self.image = message

    def reset(self) -> Trigger.Response:
        assert self._reset.wait_for_service(timeout_sec=10.0)
        future = self._reset.call_async(Trigger.Request())
        self.executor.spin_until_future_complete(future, timeout_sec=10.0)
        return future.result()

    def spin_until(self, reached: Callable[[], bool], timeout: float = 20.0) -> None:
        end = time.monotonic() + timeout
        while not reached():
            assert time.monotonic() < end, f"not reached in {timeout} s; the task stands at {self.task}"
            self.executor.spin_once(timeout_sec=0.01)


@pytest.fixture
def listener(ros_environment) -> Iterator[Listener]:
    parameters = ("--ros-args", "-p", "task:=stack3", "-p", f"seed:={SEED}")
    process = subprocess.Popen(["ros2", "run", "arvla_ros", "sim_widowx", *parameters], env=ros_environment)
    listener = Listener(int(ros_environment["ROS_DOMAIN_ID"]))
    yield listener
    assert process.poll() is None, "the simulated arm died"
    process.terminate()
    process.wait(10)
    listener.executor.shutdown()
    listener.node.destroy_node()
    rclpy.shutdown(context=listener.context)


def test_stack3_runs_behind_the_interface_of_driver_and_camera(listener: Listener) -> None:
    listener.spin_until(lambda: None not in (listener.task, listener.joints, listener.image))
    world = WidowXWorld(make_task("stack3"), RobotContract.load())
    assert (listener.task.task, listener.task.seed) == ("stack3", SEED)
    world.reset(SEED)
    assert listener.task.instruction == world.instruction
    np.testing.assert_allclose(listener.joints.position[:6], world.scenario.arm, atol=2 * wx250s.ENCODER_STEP)
    assert (listener.image.width, listener.image.height) == (640, 480)

    assert listener.reset().success
    listener.spin_until(lambda: listener.task.seed == SEED + 1)
    world.reset(SEED + 1)
    assert listener.task.instruction == world.instruction
    turned = world.scenario.arm.copy()
    turned[0] += 0.3
    listener.commands.publish(JointGroupCommand(name="arm", cmd=turned.tolist()))
    listener.spin_until(lambda: abs(listener.joints.position[0] - turned[0]) < 0.01)
