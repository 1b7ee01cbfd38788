"""The control table of one Dynamixel servo, as far as anything here reads or writes it."""

from __future__ import annotations

import math

from arvla_ros.sim.servos import Loop, Profile

OPERATING_MODES = {
    "current": 0,
    "velocity": 1,
    "position": 3,
    "linear_position": 3,
    "ext_position": 4,
    "current_based_position": 5,
    "pwm": 16,
}
"""Values of Operating_Mode by the driver's names."""
TIME_PROFILE = 0x04
"""The bit of Drive_Mode that makes profiles count in ms."""
GAINS = (
    "Position_P_Gain",
    "Position_I_Gain",
    "Position_D_Gain",
    "Feedforward_1st_Gain",
    "Feedforward_2nd_Gain",
    "Velocity_P_Gain",
    "Velocity_I_Gain",
)
"""In the order of the driver's MotorGains."""

VELOCITY_UNIT = 0.229 * 2 * math.pi / 60
"""rad/s for a step of Profile_Velocity."""
ACCELERATION_UNIT = 214.577 * 2 * math.pi / 3600
"""rad/s² for a step of Profile_Acceleration."""

_LOOPS = {
    0: Loop.CURRENT,
    1: Loop.VELOCITY,
    3: Loop.POSITION,
    4: Loop.POSITION,
    5: Loop.POSITION,
    16: Loop.PWM,
}
_XL430 = ("wrist_rotate", "gripper")
_CURRENT_MODES = (0, 5)
_EEPROM = ("Operating_Mode", "Drive_Mode")
# The limits could be written on the arm, but nobody should.
_READ_ONLY = ("Hardware_Error_Status", "Min_Position_Limit", "Max_Position_Limit", "Velocity_Limit")
# As the arm's configuration writes them; 4096 counts a turn, 2048 is 0 rad.
_POSITION_LIMITS = {"shoulder": (819, 3345), "elbow": (648, 3094), "wrist_angle": (910, 3447)}


class RegisterError(ValueError):
    """There is no such register, or the servo does not take this value now."""


class Registers(dict[str, int]):
    """Register values by name. EEPROM outlasts a reboot, RAM does not."""

    def __init__(self, motor: str) -> None:
        """Hold what the servo of this joint has after it was switched on, with its torque then switched on."""
        super().__init__()
        self._motor = motor
        low, high = _POSITION_LIMITS.get(motor, (0, 4095))
        self.update(Operating_Mode=3, Drive_Mode=0, Velocity_Limit=131, Min_Position_Limit=low, Max_Position_Limit=high)
        self.reboot()
        self["Torque_Enable"] = 1

    def reboot(self) -> None:
        """Set RAM to what it is after power-on; torque is off."""
        self.update(Torque_Enable=0, Hardware_Error_Status=0, Bus_Watchdog=0, Profile_Velocity=0)
        self.update(Profile_Acceleration=0, **dict.fromkeys(GAINS, 0))
        proportional, velocity_integral = (640, 1000) if self._motor in _XL430 else (800, 1920)
        self.update(Position_P_Gain=proportional, Velocity_P_Gain=100, Velocity_I_Gain=velocity_integral)
        self._usual_gain = proportional

    def read(self, register: str) -> int:
        """Return a register.

        Raises:
            RegisterError: it is none of those simulated.
        """
        if register not in self:
            raise RegisterError(f"no register {register!r} in the simulated servo: only {', '.join(sorted(self))}")
        return self[register]

    def write(self, register: str, value: int) -> None:
        """Set a register as a write over the bus does.

        Raises:
            RegisterError: there is none of this name, or the servo refuses the value, or refuses it with torque on.
        """
        self.read(register)
        if register in _READ_ONLY:
            raise RegisterError(f"register {register} of {self._motor} can only be read")
        if register in _EEPROM and self["Torque_Enable"]:
            raise RegisterError(f"register {register} of {self._motor} is locked while its torque is on")
        if value < 0:
            raise RegisterError(f"register {register} of {self._motor} takes no negative value, such as {value}")
        if register == "Operating_Mode" and value not in self.modes:
            raise RegisterError(f"register Operating_Mode of {self._motor} takes {sorted(self.modes)}, not {value}")
        self[register] = value

    @property
    def modes(self) -> set[int]:
        """The values of Operating_Mode that this servo has."""
        return set(_LOOPS) - set(_CURRENT_MODES if self._motor in _XL430 else ())

    @property
    def loop(self) -> Loop:
        """What Operating_Mode makes the servo regulate."""
        return _LOOPS[self["Operating_Mode"]]

    @property
    def profile(self) -> Profile:
        """The profile of the registers in s, or in rad/s and rad/s²."""
        velocity, acceleration = self["Profile_Velocity"], self["Profile_Acceleration"]
        if self["Drive_Mode"] & TIME_PROFILE:
            return Profile(velocity / 1000, acceleration / 1000, timed=True)
        return Profile(velocity * VELOCITY_UNIT, acceleration * ACCELERATION_UNIT)

    @property
    def stiffness(self) -> float:
        """Position_P_Gain as a share of what the servo comes with."""
        return self["Position_P_Gain"] / self._usual_gain
