"""The guard's side of the Interbotix driver: its command topics, and its services without ever blocking."""

from __future__ import annotations

import array
import time
from collections.abc import Sequence
from typing import Any

from interbotix_xs_msgs.msg import JointGroupCommand, JointSingleCommand
from interbotix_xs_msgs.srv import OperatingModes, RegisterValues, RobotInfo, TorqueEnable
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future

from arvla_ros.control.preflight import Modes, hardware_errors, limit_differences, mode_differences
from arvla_ros.control.safety import JointLimits, Pose
from arvla_ros.nodes import alone
from arvla_ros.robots.gripper_drives import DRIVES

ARM, GRIPPER, ALL = "arm", "gripper", "all"
GROUP, SINGLE = "group", "single"
# s: a register of seven servos takes 80 ms on the bus; a driver that is busy with modes answers late.
ANSWER_TIMEOUT_S = 5.0
SERVICE_TIMEOUT_S = 2.0


class DriverError(RuntimeError):
    """The driver does not answer, or has no such service; the message says which."""


class CommandTopics:
    """The two topics that move the arm. Only one node may publish on them, and this is to be it."""

    def __init__(self, node: Node, robot_name: str, gripper_mode: str) -> None:
        """Become the publisher of both, once nobody else is.

        Raises:
            NodeError: somebody else stays; nothing was created.
        """
        self._node = node
        self._topics = [f"/{robot_name}/commands/{name}" for name in ("joint_group", "joint_single")]
        alone.wait_until_alone(node, *self._topics)
        self._arm = node.create_publisher(JointGroupCommand, self._topics[0], 10)
        self._gripper = node.create_publisher(JointSingleCommand, self._topics[1], 10)
        self._drive = DRIVES[gripper_mode]()
        self._group = JointGroupCommand(name=ARM)
        self._single = JointSingleCommand(name=GRIPPER)

    def other_publisher(self) -> str:
        """Return who else publishes commands to the driver, as a sentence, or an empty string."""
        own = (self._node.get_name(), self._node.get_namespace())
        for topic in self._topics:
            if self._node.count_publishers(topic) <= 1:
                continue
            infos = self._node.get_publishers_info_by_topic(topic)
            names = [(info.node_name, info.node_namespace) for info in infos]
            if own in names:
                names.remove(own)
            if names:
                others = ", ".join(f"{space.rstrip('/')}/{name}" for name, space in names)
                return f"another publisher on {topic}: {others}; end it, then call /guard/enable"
        return ""

    def send(self, joints: Pose, opening: float, measured_opening: float) -> None:
        """Publish joints (rad) and the gripper's command for an opening between the fingers (m)."""
        self._group.cmd = array.array("f", joints.tolist())
        self._arm.publish(self._group)
        self._single.cmd = self._drive.command(opening, measured_opening, time.monotonic())
        self._gripper.publish(self._single)


class DriverServices:
    """The driver's services, awaited: the guard goes on cycling meanwhile."""

    def __init__(self, node: Node, robot_name: str) -> None:
        self._node = node
        self._robot_name = robot_name
        self._clock = Clock(clock_type=ClockType.STEADY_TIME)
        kinds = {
            "get_robot_info": RobotInfo,
            "get_motor_registers": RegisterValues,
            "set_operating_modes": OperatingModes,
            "torque_enable": TorqueEnable,
        }
        self._clients = {name: node.create_client(kind, f"/{robot_name}/{name}") for name, kind in kinds.items()}

    async def differences(self, limits: JointLimits) -> list[str]:
        """Return joints and limits that differ between driver and guard, and servos that report an error.

        Raises:
            DriverError: the driver does not answer.
        """
        arm = await self._info(GROUP, ARM)
        found = limit_differences(
            arm.joint_names,
            list(arm.joint_lower_limits),
            list(arm.joint_upper_limits),
            list(arm.joint_velocity_limits),
            limits,
        )
        for kind, name in ((GROUP, ARM), (SINGLE, GRIPPER)):
            registers = await self._registers(kind, name, "Hardware_Error_Status")
            found += hardware_errors(limits.names if kind == GROUP else (GRIPPER,), registers)
        return found

    async def mode_differences(self, gripper_mode: str) -> list[str]:
        """Return how modes and profiles differ from what a stream needs.

        Raises:
            DriverError: the driver does not answer.
        """
        found = []
        for kind, name, mode in ((GROUP, ARM, "position"), (SINGLE, GRIPPER, gripper_mode)):
            info = await self._info(kind, name)
            velocities = await self._registers(kind, name, "Profile_Velocity")
            accelerations = await self._registers(kind, name, "Profile_Acceleration")
            modes = Modes(info.mode, info.profile_type, velocities, accelerations)
            # The driver itself stops no PWM: a profile means nothing there.
            if name == GRIPPER and mode == "pwm" and info.mode == mode:
                continue
            found += mode_differences(f"group {name!r}" if kind == GROUP else f"joint {name!r}", modes, mode)
        return found

    async def set_modes(self, gripper_mode: str) -> None:
        """Set modes and profiles for a stream of commands; the driver may drop the torque meanwhile.

        Raises:
            DriverError: the driver does not answer.
        """
        for kind, name, mode in ((GROUP, ARM, "position"), (SINGLE, GRIPPER, gripper_mode)):
            request = OperatingModes.Request(
                cmd_type=kind, name=name, mode=mode, profile_type="velocity", profile_velocity=0, profile_acceleration=0
            )
            await self._call("set_operating_modes", request)

    async def set_torque(self, on: bool) -> None:
        """Switch the torque of all servos.

        Raises:
            DriverError: the driver does not answer.
        """
        await self._call("torque_enable", TorqueEnable.Request(cmd_type=GROUP, name=ALL, enable=on))

    async def _info(self, kind: str, name: str) -> Any:
        return await self._call("get_robot_info", RobotInfo.Request(cmd_type=kind, name=name))

    async def _registers(self, kind: str, name: str, register: str) -> Sequence[int]:
        request = RegisterValues.Request(cmd_type=kind, name=name, reg=register)
        return list((await self._call("get_motor_registers", request)).values)

    async def _call(self, name: str, request: Any) -> Any:
        client = self._clients[name]
        waited = 0.0
        while not client.service_is_ready():
            if waited >= SERVICE_TIMEOUT_S:
                raise DriverError(
                    f"the driver offers no service /{self._robot_name}/{name}: is it running? With a driver that has "
                    "no such services, start the guard with preflight:=false"
                )
            waited += 0.1
            await self._within(Future(), 0.1)
        answer = client.call_async(request)
        response = await self._within(answer, ANSWER_TIMEOUT_S)
        if response is None:
            client.remove_pending_request(answer)
            raise DriverError(f"/{self._robot_name}/{name} gives no answer within {ANSWER_TIMEOUT_S:g} s")
        return response

    async def _within(self, future: Future, seconds: float) -> Any:
        """Return the result of a future, or None after some time."""
        outcome = Future()

        def finish(result: Any) -> None:
            if not outcome.done():
                outcome.set_result(result)

        timer = self._node.create_timer(seconds, lambda: finish(None), clock=self._clock)
        future.add_done_callback(lambda done: finish(done.result()))
        try:
            return await outcome
        finally:
            self._node.destroy_timer(timer)
