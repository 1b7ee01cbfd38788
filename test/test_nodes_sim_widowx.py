"""The simulated WidowX as its own process over real DDS: driver, cameras and clock of the task stack3."""

from __future__ import annotations

import io
import math
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand
from interbotix_xs_msgs.srv import MotorGains, OperatingModes, Reboot, RegisterValues, RobotInfo, TorqueEnable
from PIL import Image as PilImage
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_srvs.srv import Trigger

from arvla_ros.msg import TaskStatus
from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.tasks import make_task
from arvla_ros.sim.world import WidowXWorld

LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
EVERY_ONE = QoSProfile(depth=200, reliability=ReliabilityPolicy.RELIABLE)
EVERY_IMAGE = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)
SEED = 7


def seconds(stamp: Any) -> float:
    return float(stamp.sec) + stamp.nanosec * 1e-9


class Listener:
    """Everything that others hear of the simulated arm, and what they say to it."""

    def __init__(self, domain: int) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("listener", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.heard: dict[type, list[Any]] = {}
        self.arm = self.node.create_publisher(JointGroupCommand, "/wx250s/commands/joint_group", 10)
        self.gripper = self.node.create_publisher(JointSingleCommand, "/wx250s/commands/joint_single", 10)
        self.listen(TaskStatus, "/sim_widowx/task", LATCHED)
        self.listen(JointState, "/wx250s/joint_states", EVERY_ONE)
        self.listen(Image, "/camera/image_raw", EVERY_IMAGE)

    def listen(self, kind: type, topic: str, qos: QoSProfile) -> None:
        self.heard[kind] = []
        self.node.create_subscription(kind, topic, self.heard[kind].append, qos)

    def newest(self, kind: type) -> Any:
        return self.heard[kind][-1]

    def joint(self, name: str) -> float:
        state = self.newest(JointState)
        return float(state.position[list(state.name).index(name)])

    def call(self, kind: Any, service: str, **fields: Any) -> Any:
        client = self.node.create_client(kind, service)
        assert client.wait_for_service(timeout_sec=20.0)
        future = client.call_async(kind.Request(**fields))
        self.executor.spin_until_future_complete(future, timeout_sec=20.0)
        self.node.destroy_client(client)
        return future.result()

    def register(self, name: str, motors: str = "arm", cmd_type: str = "group") -> list[int]:
        fields = {"cmd_type": cmd_type, "name": motors, "reg": name}
        return list(self.call(RegisterValues, "/wx250s/get_motor_registers", **fields).values)

    def spin_until(self, reached: Callable[[], bool], timeout: float = 30.0) -> None:
        end = time.monotonic() + timeout
        while not reached():
            assert time.monotonic() < end, f"not reached in {timeout} s; {self.summary()}"
            self.executor.spin_once(timeout_sec=0.01)

    def spin_until_heard(self, kind: type, count: int = 1) -> None:
        """Spin until that many *more* have come."""
        count += len(self.heard[kind])
        self.spin_until(lambda: len(self.heard[kind]) >= count)

    def summary(self) -> str:
        return ", ".join(f"{len(messages)} {kind.__name__}" for kind, messages in self.heard.items())

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


class Simulation:
    """The node's process, its output, and a listener."""

    def __init__(self, environment: dict[str, str], log: Path, parameters: dict[str, Any]) -> None:
        self.environment, self._log = environment, log
        words = [f"{name}:={value}" for name, value in {"task": "stack3", "seed": SEED, **parameters}.items()]
        arguments = ["--ros-args", *(word for each in words for word in ("-p", each))]
        with log.open("w") as output:
            self.process = subprocess.Popen(
                ["ros2", "run", "arvla_ros", "sim_widowx", *arguments], env=environment, stdout=output, stderr=output
            )
        self.listener = Listener(int(environment["ROS_DOMAIN_ID"]))

    @property
    def output(self) -> str:
        return self._log.read_text()

    def close(self) -> None:
        self.listener.close()
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def simulate(ros_environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Simulation]]:
    started: list[Simulation] = []

    def start(**parameters: Any) -> Simulation:
        started.append(Simulation(ros_environment, tmp_path / "log", parameters))
        return started[-1]

    yield start
    for simulation in started:
        alive = simulation.process.poll() is None
        simulation.close()
        assert alive, f"the simulated arm died:\n{simulation.output}"
        assert "Traceback" not in simulation.output


def test_stack3_runs_behind_the_interface_of_driver_and_camera(simulate: Callable[..., Simulation]) -> None:
    listener = simulate().listener
    listener.spin_until(lambda: all(listener.heard.values()))
    world = WidowXWorld(make_task("stack3"), RobotContract.load())
    world.reset(SEED)
    task = listener.newest(TaskStatus)
    assert (task.task, task.seed, task.instruction, task.time_limit) == ("stack3", SEED, world.instruction, 40.0)
    np.testing.assert_allclose(
        listener.newest(JointState).position[:6], world.scenario.arm, atol=2 * wx250s.ENCODER_STEP
    )
    assert (listener.newest(Image).width, listener.newest(Image).height) == (640, 480)

    assert listener.call(Trigger, "/sim_widowx/reset").success
    listener.spin_until(lambda: listener.newest(TaskStatus).seed == SEED + 1)
    world.reset(SEED + 1)
    assert listener.newest(TaskStatus).instruction == world.instruction
    turned = world.scenario.arm.copy()
    turned[0] += 0.3
    listener.arm.publish(JointGroupCommand(name="arm", cmd=turned.tolist()))
    listener.spin_until(lambda: abs(listener.joint("waist") - turned[0]) < 0.01)


def test_driver_services_answer_as_the_real_ones_do(simulate: Callable[..., Simulation]) -> None:
    simulation = simulate()
    listener = simulation.listener
    arm = listener.call(RobotInfo, "/wx250s/get_robot_info", cmd_type="group", name="arm")
    assert (arm.mode, arm.profile_type, arm.num_joints, list(arm.name)) == ("position", "velocity", 6, ["arm"])
    assert tuple(arm.joint_names) == wx250s.ARM_JOINTS
    np.testing.assert_allclose(arm.joint_lower_limits, wx250s.ARM_LOWER, rtol=1e-6)
    np.testing.assert_allclose(arm.joint_velocity_limits, [math.pi] * 6, rtol=1e-6)
    gripper = listener.call(RobotInfo, "/wx250s/get_robot_info", cmd_type="single", name="gripper")
    assert (gripper.mode, list(gripper.joint_names)) == ("linear_position", ["left_finger"])
    every = listener.call(RobotInfo, "/wx250s/get_robot_info", cmd_type="group", name="all")
    assert set(every.name) == {"arm", "all"}
    assert every.num_joints == 7

    assert listener.register("Operating_Mode") == [3] * 6
    listener.call(
        OperatingModes,
        "/wx250s/set_operating_modes",
        cmd_type="group",
        name="arm",
        mode="position",
        profile_type="time",
        profile_velocity=250,
        profile_acceleration=100,
    )
    assert listener.register("Profile_Velocity") == [250] * 6
    assert listener.register("Drive_Mode", "waist", "single") == [4]
    gains = {"kp_pos": 900, "kp_vel": 100, "ki_vel": 1920}
    listener.call(MotorGains, "/wx250s/set_motor_pid_gains", cmd_type="single", name="waist", **gains)
    assert listener.register("Position_P_Gain", "waist", "single") == [900]
    written = {"cmd_type": "group", "name": "arm", "reg": "Bus_Watchdog", "value": 25}
    listener.call(RegisterValues, "/wx250s/set_motor_registers", **written)
    assert listener.register("Bus_Watchdog") == [25] * 6

    assert listener.register("Bus_Watchdog", "leg") == []
    assert re.search("get_motor_registers: no group 'leg'", simulation.output)
    listener.arm.publish(JointGroupCommand(name="leg", cmd=[0.0]))
    listener.spin_until(lambda: "command dropped: no group 'leg'" in simulation.output)


def test_without_torque_the_arm_sinks_and_a_reboot_forgets_the_profile(simulate: Callable[..., Simulation]) -> None:
    listener = simulate(modes="stock").listener
    listener.spin_until_heard(JointState)

    def height() -> float:
        return float(wx250s.forward_kinematics(np.asarray(listener.newest(JointState).position[:6]))[2, 3])

    start = height()
    assert listener.register("Profile_Velocity") == [2000] * 6
    listener.call(TorqueEnable, "/wx250s/torque_enable", cmd_type="group", name="arm", enable=False)
    listener.spin_until(lambda: height() < start - 0.1)
    fields = {"cmd_type": "group", "name": "arm", "enable": True, "smart_reboot": False}
    listener.call(Reboot, "/wx250s/reboot_motors", **fields)
    assert listener.register("Profile_Velocity") == [0] * 6


def test_nan_moves_a_joint_to_0_rad_and_a_stock_gripper_takes_pwm(simulate: Callable[..., Simulation]) -> None:
    listener = simulate(modes="stock").listener
    listener.spin_until_heard(JointState)
    listener.gripper.publish(JointSingleCommand(name="gripper", cmd=-300.0))
    command = list(listener.newest(JointState).position[:6])
    command[4] = math.nan
    listener.arm.publish(JointGroupCommand(name="arm", cmd=command))
    listener.spin_until(lambda: abs(listener.joint("wrist_angle")) < 0.01 and listener.joint("left_finger") < 0.0152)


def test_faster_than_real_time_every_rate_holds_in_simulated_time(simulate: Callable[..., Simulation]) -> None:
    listener = simulate(use_sim_time="true", real_time_factor=4.0).listener
    listener.listen(Clock, "/clock", EVERY_ONE)
    listener.spin_until(lambda: all(listener.heard.values()))
    for messages in listener.heard.values():
        messages.clear()
    started = time.monotonic()
    listener.spin_until_heard(Image, 30)
    elapsed = time.monotonic() - started
    clocks = [seconds(message.clock) for message in listener.heard[Clock]]
    np.testing.assert_allclose(np.diff(clocks), 0.01, atol=1e-6)
    joints = [seconds(message.header.stamp) for message in listener.heard[JointState]]
    np.testing.assert_allclose(np.diff(joints), 0.01, atol=1e-6)
    pictures = [seconds(message.header.stamp) for message in listener.heard[Image]]
    assert np.mean(np.diff(pictures)) == pytest.approx(1 / 15, rel=0.03)
    assert clocks[-1] - clocks[0] < 1.1 * 4 * elapsed + 0.5


def test_as_fast_as_it_can_it_passes_on_the_same_states_for_the_same_seed(simulate: Callable[..., Simulation]) -> None:
    listener = simulate(use_sim_time="true", real_time_factor=0.0).listener

    def restarted() -> list[float]:
        answer = listener.call(Trigger, "/sim_widowx/reset")
        assert answer.message.startswith("seed 3:")
        listener.spin_until_heard(JointState, 30)
        return list(listener.newest(JointState).position)

    set_seed(listener, 3)
    first = restarted()
    listener.arm.publish(JointGroupCommand(name="arm", cmd=[0.5, 0.0, 0.0, 0.0, 0.0, 0.0]))
    listener.spin_until(lambda: abs(listener.joint("waist") - 0.5) < 0.01)
    set_seed(listener, 3)
    assert restarted() == first
    assert listener.call(Trigger, "/sim_widowx/reset").message.startswith("seed 4:")


def set_seed(listener: Listener, seed: int) -> None:
    value = ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=seed)
    answer = listener.call(
        SetParameters, "/sim_widowx/set_parameters", parameters=[Parameter(name="seed", value=value)]
    )
    assert answer.results[0].successful, answer.results[0].reason


def test_every_camera_of_the_contract_looks_at_the_same_moment(simulate: Callable[..., Simulation]) -> None:
    listener = simulate(contract="wx250s_wrist").listener
    wrist: list[Image] = []
    listener.node.create_subscription(Image, "/wrist_camera/image_raw", wrist.append, EVERY_IMAGE)

    def common() -> set[float]:
        from_side = {seconds(message.header.stamp) for message in listener.heard[Image]}
        return from_side & {seconds(message.header.stamp) for message in wrist}

    listener.spin_until(lambda: len(common()) >= 2)
    assert wrist[0].header.frame_id == "wrist"
    assert bytes(wrist[0].data) != bytes(listener.heard[Image][0].data)


def test_compressed_pictures_are_those_of_the_raw_topic(simulate: Callable[..., Simulation]) -> None:
    listener = simulate(compressed="true").listener
    listener.listen(CompressedImage, "/camera/image_raw/compressed", qos_profile_sensor_data)

    def same_moment() -> tuple[Image, CompressedImage] | None:
        raw = {seconds(message.header.stamp): message for message in listener.heard[Image]}
        for message in listener.heard[CompressedImage]:
            if seconds(message.header.stamp) in raw:
                return raw[seconds(message.header.stamp)], message
        return None

    listener.spin_until(lambda: same_moment() is not None)
    raw, compressed = same_moment()
    pixels = np.frombuffer(bytes(raw.data), dtype=np.uint8).reshape(raw.height, raw.width, 3)
    decoded = np.asarray(PilImage.open(io.BytesIO(bytes(compressed.data))))
    assert "jpeg" in compressed.format
    assert np.abs(decoded.astype(int) - pixels).mean() < 2
    assert pixels.std() > 10


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"real_time_factor": 2.0}, "parameter real_time_factor=2: only with use_sim_time:=true"),
        ({"modes": "fast"}, "parameter modes='fast' is neither ours nor stock"),
        ({"task": "juggle"}, "parameter task='juggle'"),
    ],
)
def test_parameters_that_make_no_sense_end_the_node_with_one_line(
    ros_environment: dict[str, str], parameters: dict[str, Any], message: str
) -> None:
    words = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
    command = ["ros2", "run", "arvla_ros", "sim_widowx", "--ros-args", *words]
    done = subprocess.run(command, env=ros_environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
