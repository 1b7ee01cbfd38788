"""The services of the Interbotix driver, between their messages and ``sim.driver``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interbotix_xs_msgs.srv import MotorGains, OperatingModes, Reboot, RegisterValues, RobotInfo, TorqueEnable
from rclpy.node import Node

from arvla_ros.sim.driver import GROUPS, Driver, DriverError, Mode
from arvla_ros.sim.registers import GAINS


def create_driver_services(node: Node, namespace: str, driver: Driver) -> None:
    """Offer ``driver`` as the services that the Interbotix driver has below ``namespace``.

    As there, an answer does not tell whether it worked: what cannot be done is only logged.
    """

    def create(name: str, kind: type, carry_out: Callable[[Any, Any], None]) -> None:
        def answer(request: Any, response: Any) -> Any:
            try:
                carry_out(request, response)
            except DriverError as error:
                node.get_logger().error(f"{name}: {error}")
            return response

        node.create_service(kind, f"{namespace}/{name}", answer)

    create("get_robot_info", RobotInfo, lambda request, response: _tell_robot_info(driver, request, response))
    create("set_operating_modes", OperatingModes, lambda request, _: _set_modes(driver, request))
    create("torque_enable", TorqueEnable, lambda r, _: driver.torque_enable(r.cmd_type, r.name, r.enable))
    create("reboot_motors", Reboot, lambda r, _: driver.reboot(r.cmd_type, r.name, r.enable, r.smart_reboot))
    create("set_motor_pid_gains", MotorGains, lambda request, _: _set_gains(driver, request))
    create("set_motor_registers", RegisterValues, lambda r, _: driver.set_registers(r.cmd_type, r.name, r.reg, r.value))
    create("get_motor_registers", RegisterValues, lambda request, response: _read(driver, request, response))


def _set_modes(driver: Driver, request: OperatingModes.Request) -> None:
    mode = Mode(request.mode, request.profile_type, request.profile_velocity, request.profile_acceleration)
    driver.set_operating_modes(request.cmd_type, request.name, mode)


def _set_gains(driver: Driver, request: MotorGains.Request) -> None:
    fields = ("kp_pos", "ki_pos", "kd_pos", "k1", "k2", "kp_vel", "ki_vel")
    by_register = dict(zip(GAINS, (getattr(request, field) for field in fields), strict=True))
    driver.set_gains(request.cmd_type, request.name, by_register)


def _read(driver: Driver, request: RegisterValues.Request, response: RegisterValues.Response) -> None:
    response.values = driver.get_registers(request.cmd_type, request.name, request.reg)


def _tell_robot_info(driver: Driver, request: RobotInfo.Request, response: RobotInfo.Response) -> None:
    mode, joints = driver.robot_info(request.cmd_type, request.name)
    response.mode, response.profile_type = mode.mode, mode.profile_type
    response.joint_names = [joint.name for joint in joints]
    response.joint_ids = [joint.motor_id for joint in joints]
    response.joint_lower_limits = [joint.lower for joint in joints]
    response.joint_upper_limits = [joint.upper for joint in joints]
    response.joint_velocity_limits = [joint.velocity for joint in joints]
    response.joint_sleep_positions = [joint.sleep for joint in joints]
    response.joint_state_indices = [joint.state_index for joint in joints]
    response.num_joints = len(joints)
    response.name = list(GROUPS) if request.name == "all" else [request.name]
