"""The Interbotix driver (``xs_sdk``) without ROS: names, modes and registers of the arm's servos, moving the world.

Behaves as ``interbotix_xs_driver`` v0.3.7 does, its traps included: it checks no limit and no step, a NaN becomes
0 rad, a PWM gripper never stops by itself, and a mode that really changes drops torque for a moment. Left out: the
shadow servos 3 and 5, which do what 2 and 4 do, and ``joint_trajectory``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from arvla_ros.robots import wx250s
from arvla_ros.sim import registers
from arvla_ros.sim.registers import RegisterError, Registers
from arvla_ros.sim.servos import COUNT, FULL_PWM, GRIPPER, Loop
from arvla_ros.sim.world import WidowXWorld

MOTORS = (*wx250s.ARM_JOINTS, wx250s.GRIPPER_JOINT)
MOTOR_IDS = (1, 2, 4, 6, 7, 8, 9)
GROUPS: dict[str, tuple[int, ...]] = {"arm": tuple(range(GRIPPER)), "all": tuple(range(COUNT))}
POSITION_MODES = ("position", "ext_position", "current_based_position", "linear_position")
MODES = (*POSITION_MODES, "velocity", "pwm", "current")

WRITE_S = 0.011
"""One register of one motor over the bus; while it lasts, no joint states are read."""
MODE_CHANGE_S = 0.05
"""A servo whose mode changes is limp for about this long."""
REBOOT_S = 0.5
"""A servo that reboots is limp for about this long."""
_PWM_DEAD_ZONE = 50
_MOST_CURRENT = 3209.0  # mA: the Current_Limit register of an XM430
_FINGER_VELOCITY_LIMIT = 1.0  # m/s, by the URDF


class DriverError(ValueError):
    """What the driver only logs: a name, mode or register that does not exist, a command of the wrong length."""


@dataclass(frozen=True)
class Mode:
    """An operating mode as the driver keeps it in mind, and its profile in the registers' own units."""

    mode: str = "position"
    profile_type: str = "velocity"
    velocity: int = 0
    acceleration: int = 0


STARTUP: dict[str, tuple[Mode, Mode]] = {
    "ours": (Mode(), Mode("linear_position")),
    "stock": (Mode("position", "time", 2000, 300), Mode("pwm")),
}
"""Modes of arm and gripper after the driver has started, by modes file."""


@dataclass(frozen=True)
class JointInfo:
    """What ``get_robot_info`` tells of one joint: rad, rad/s; of the gripper m, m/s."""

    name: str
    motor_id: int
    lower: float
    upper: float
    velocity: float
    sleep: float
    state_index: int


class Driver:
    """Commands and services; each raises DriverError for what the real one logs."""

    def __init__(self, world: WidowXWorld, startup: str = "ours") -> None:
        """Start with torque on, in the modes that ``STARTUP`` has under ``startup``."""
        self._world = world
        self._registers = [Registers(motor) for motor in MOTORS]
        self._limp_s = [0.0] * COUNT
        self._busy_s = 0.0
        arm, gripper = STARTUP[startup]
        self.modes = [arm] * GRIPPER + [gripper]
        self.group_modes = {"arm": arm, "all": Mode()}
        for index, mode in enumerate(self.modes):
            self._write_mode(index, mode)
            self._apply(index)
        self._busy_s = 0.0

    @property
    def busy(self) -> bool:
        """Whether register writes keep the bus from reading joint states."""
        return self._busy_s > 0

    def advance(self, seconds: float) -> None:
        """Let simulated time pass in the world, and what the driver and its servos wait for with it."""
        self._busy_s = max(0.0, self._busy_s - seconds)
        while seconds > self._world.timestep / 2:
            part = min(seconds, *(limp for limp in self._limp_s if limp > 0), math.inf)
            self._world.advance(part)
            seconds -= part
            self._wake(part)

    def _wake(self, seconds: float) -> None:
        """Let servos that were busy with themselves do again what their registers say."""
        for index in range(COUNT):
            if self._limp_s[index] > 0:
                self._limp_s[index] -= seconds
                self._apply(index)

    def command_group(self, name: str, commands: Sequence[float]) -> None:
        """Carry out a ``joint_group`` command, in the unit of the mode that the *group* was set to last."""
        if name not in GROUPS:
            # The real driver dies of this one: an unguarded look-up in its callback.
            raise DriverError(f"no group {name!r}: only {', '.join(GROUPS)}")
        members = GROUPS[name]
        if len(commands) != len(members):
            raise DriverError(f"{len(commands)} commands do not match the {len(members)} joints of group {name!r}")
        for index, command in zip(members, commands, strict=True):
            self._command(index, self.group_modes[name].mode, command)

    def command_single(self, name: str, command: float) -> None:
        """Carry out a ``joint_single`` command, in the unit of the joint's own mode."""
        index = self._motors("single", name)[0]
        self._command(index, self.modes[index].mode, command)

    def set_operating_modes(self, cmd_type: str, name: str, mode: Mode) -> None:
        """Set mode and profile; a servo whose mode or kind of profile really changes is limp meanwhile."""
        if mode.mode not in MODES:
            raise DriverError(f"mode {mode.mode!r} is none of {', '.join(MODES)}")
        if min(mode.velocity, mode.acceleration) < 0:
            raise DriverError(f"profile {mode.velocity}, {mode.acceleration}: no register takes a negative value")
        members = self._motors(cmd_type, name)
        for index in members:
            held = self._registers[index]
            before = (held["Operating_Mode"], held["Drive_Mode"])
            self._write_mode(index, mode)
            self.modes[index] = mode
            if before != (held["Operating_Mode"], held["Drive_Mode"]):
                self._go_limp(index, MODE_CHANGE_S)
                held["Torque_Enable"] = 1
            else:
                self._apply(index)
        if cmd_type == "group":
            self.group_modes[name] = mode

    def torque_enable(self, cmd_type: str, name: str, enable: bool) -> None:
        """Switch torque on, where each joint then is, or off: the arm has no brakes and falls."""
        for index in self._motors(cmd_type, name):
            self._write(index, "Torque_Enable", int(enable))
            self._apply(index)

    def reboot(self, cmd_type: str, name: str, enable: bool, smart: bool) -> None:
        """Reboot servos, with ``smart`` of a group only those in error; they hold nothing and forget their RAM."""
        for index in self._motors(cmd_type, name):
            held = self._registers[index]
            if smart and cmd_type == "group" and not held["Hardware_Error_Status"]:
                continue
            held.reboot()
            self._go_limp(index, REBOOT_S)
            held["Torque_Enable"] = int(enable)

    def set_gains(self, cmd_type: str, name: str, gains: Mapping[str, int]) -> None:
        """Set gains by register; here only Position_P_Gain changes how a joint moves."""
        for register, gain in gains.items():
            self.set_registers(cmd_type, name, register, gain)

    def set_registers(self, cmd_type: str, name: str, register: str, value: int) -> None:
        """Write a register; what only works with torque off is refused by the servo while it is on."""
        for index in self._motors(cmd_type, name):
            self._write(index, register, value)
            self._apply(index)

    def get_registers(self, cmd_type: str, name: str, register: str) -> list[int]:
        """Read a register of each motor."""
        try:
            return [self._registers[index].read(register) for index in self._motors(cmd_type, name)]
        except RegisterError as error:
            raise DriverError(str(error)) from error

    def robot_info(self, cmd_type: str, name: str) -> tuple[Mode, list[JointInfo]]:
        """Return the mode of a group or motor, and its joints."""
        members = self._motors(cmd_type, name)
        mode = self.group_modes[name] if cmd_type == "group" else self.modes[members[0]]
        return mode, [_joint_info(index) for index in members]

    def _motors(self, cmd_type: str, name: str) -> tuple[int, ...]:
        if cmd_type not in ("group", "single"):
            raise DriverError(f"cmd_type {cmd_type!r} is neither 'group' nor 'single'")
        if cmd_type == "group" and name in GROUPS:
            return GROUPS[name]
        if cmd_type == "single" and name in MOTORS:
            return (MOTORS.index(name),)
        known = GROUPS if cmd_type == "group" else MOTORS
        raise DriverError(f"no {cmd_type} {name!r}: only {', '.join(known)}")

    def _command(self, index: int, mode: str, command: float) -> None:
        """Write one goal register; a servo in another mode takes note of it and does nothing."""
        servos, loop = self._world.servos, self._world.servos.loop(index)
        if mode in POSITION_MODES and loop is Loop.POSITION:
            angle = _angle_from_linear(command) if mode == "linear_position" else command
            # Neither more nor less than zero: the conversion to encoder counts takes NaN for the middle.
            angle = 0.0 if math.isnan(angle) else angle
            servos.move_to(index, _finger(angle) if index == GRIPPER else angle)
        elif mode == "velocity" and loop is Loop.VELOCITY:
            servos.turn(index, 0.0 if math.isnan(command) else command)
        elif mode == "pwm" and loop is Loop.PWM:
            pwm = 0.0 if math.isnan(command) else min(max(command, -FULL_PWM), FULL_PWM)
            servos.push(index, 0.0 if abs(pwm) < _PWM_DEAD_ZONE else pwm / FULL_PWM)
        elif mode == "current" and loop is Loop.CURRENT:
            servos.push(index, 0.0 if math.isnan(command) else min(max(command, -_MOST_CURRENT), _MOST_CURRENT))

    def _write_mode(self, index: int, mode: Mode) -> None:
        held = self._registers[index]
        value = registers.OPERATING_MODES[mode.mode]
        held["Drive_Mode"] = registers.TIME_PROFILE if mode.profile_type == "time" else 0
        if value in held.modes:  # an XL430 has no current mode: it stays as it is, and nobody is told
            held["Operating_Mode"] = value
        self._busy_s += 4 * WRITE_S
        if mode.mode in ("position", "linear_position", "ext_position"):
            held["Profile_Velocity"] = mode.velocity
        if mode.mode in ("position", "linear_position", "ext_position", "velocity"):
            held["Profile_Acceleration"] = mode.acceleration

    def _write(self, index: int, register: str, value: int) -> None:
        self._busy_s += WRITE_S
        try:
            self._registers[index].write(register, value)
        except RegisterError as error:
            raise DriverError(str(error)) from error

    def _go_limp(self, index: int, seconds: float) -> None:
        self._registers[index]["Torque_Enable"] = 0
        self._limp_s[index] = 0.0
        self._apply(index)
        self._limp_s[index] = seconds

    def _apply(self, index: int) -> None:
        """Let the servo do what its registers say, unless it is still busy with itself."""
        if self._limp_s[index] > self._world.timestep / 2:
            return
        held, servos = self._registers[index], self._world.servos
        loop = held.loop if held["Torque_Enable"] else Loop.OFF
        changes = loop is not servos.loop(index)
        servos.configure(index, loop, held.profile, held.stiffness)
        if changes:
            servos.hold(index, self._world.data)


def _joint_info(index: int) -> JointInfo:
    if index == GRIPPER:
        limits = (wx250s.FINGER_LOWER, wx250s.FINGER_UPPER, _FINGER_VELOCITY_LIMIT)
        name, sleep = wx250s.FINGER_JOINTS[0], wx250s.finger_from_servo(0.0)
    else:
        limits = (float(wx250s.ARM_LOWER[index]), float(wx250s.ARM_UPPER[index]), wx250s.ARM_VELOCITY)
        name, sleep = MOTORS[index], float(wx250s.SLEEP[index])
    return JointInfo(name, MOTOR_IDS[index], *limits, sleep, wx250s.JOINT_STATE_NAMES.index(name))


def _angle_from_linear(opening: float) -> float:
    """Return the gripper servo's angle in rad for an opening in m, NaN where the linkage has none."""
    try:
        return wx250s.servo_from_opening(opening)
    except ValueError:
        return math.nan


def _finger(angle: float) -> float:
    """Return where the finger is, m, with the gripper servo at ``angle``, at most a quarter turn from its middle."""
    return wx250s.finger_from_servo(min(max(angle, -math.pi / 2), math.pi / 2))
