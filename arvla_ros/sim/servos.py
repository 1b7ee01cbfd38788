"""The seven servos: a motion profile before each position loop, and what a loop without a position to hold does.

The arm's servos count in rad, the gripper's, as its finger moves, in m. Sources of the figures: the XM430-W350 and
XL430-W250 data sheets of Dynamixel, and the servo configuration of ``interbotix_ros_manipulators``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
import numpy.typing as npt

from arvla_ros.robots import wx250s
from arvla_ros.sim.rendering import mujoco

Array = npt.NDArray[np.float64]

COUNT = 7
"""Six joints of the arm, and the gripper as the last."""
GRIPPER = COUNT - 1
FULL_PWM = 885

# Finger travel for a turn of the gripper's servo, m/rad: the crank's mean over its range.
FINGER_PER_RAD = (wx250s.FINGER_UPPER - wx250s.FINGER_LOWER) / (
    wx250s.servo_from_opening(wx250s.OPENING_UPPER) - wx250s.servo_from_opening(wx250s.OPENING_LOWER)
)
_PER_RAD = np.array([1.0] * GRIPPER + [FINGER_PER_RAD])
LOWER: Array = np.array([*wx250s.ARM_LOWER, wx250s.FINGER_LOWER])
UPPER: Array = np.array([*wx250s.ARM_UPPER, wx250s.FINGER_UPPER])
# What "without limit" comes to: as much as gets anywhere in one physics step.
_UNLIMITED_SPEED, _UNLIMITED_RAMP = 1e3, 1e9
# The arm's Velocity_Limit register, rad/s; the gripper's own speed is that of its position loop.
_FASTEST = np.array([wx250s.ARM_VELOCITY] * GRIPPER + [_UNLIMITED_SPEED])

MOTORS_PER_JOINT = np.array([1, 2, 2, 1, 1, 1, 1])
"""Shoulder and elbow are driven by two motors that share the torque."""
# At 12 V: XM430, and XL430 for wrist_rotate and the gripper.
_STALL_TORQUE = MOTORS_PER_JOINT * [4.1, 4.1, 4.1, 4.1, 4.1, 1.5, 1.5]  # N m
_NO_LOAD_SPEED = np.array([4.8, 4.8, 4.8, 4.8, 4.8, 6.4, 6.4])  # rad/s
MILLIAMPERE_PER_NEWTON_METRE = 2300 / 4.1
"""An XM430 draws 2.3 A at its stall torque."""
# What is left without a motor: the damping of the published model, N m s/rad.
_FREE_DAMPING = 0.1


class Loop(Enum):
    """What a servo regulates."""

    POSITION = auto()
    """The goal, which walks to the target along the profile."""
    VELOCITY = auto()
    """A goal that moves at the commanded speed, up to the joint's limit."""
    PWM = auto()
    """Voltage at the motor; gravity and contact decide where that ends."""
    CURRENT = auto()
    """Torque of the motor; gravity and contact decide where that ends."""
    OFF = auto()
    """Nothing: the joint is limp and gravity takes it."""


@dataclass(frozen=True)
class Profile:
    """How a goal gets to its target; 0 is without limit.

    With ``timed``, ``first`` is the duration of the whole move and ``second`` that of its ramp, at most half of it, in
    s; otherwise ``first`` is the speed in rad/s and ``second`` the acceleration in rad/s².
    """

    first: float = 0.0
    second: float = 0.0
    timed: bool = False


class Servos:
    """Acts through the model's actuators; call ``plan``, or ``step`` before each physics step.

    Attributes:
        target: ``[7]`` where each goal is going, rad and m.
        goal: ``[7]`` what each position loop holds now, rad and m.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        """Take over the first seven actuators of a model, as position servos without a profile."""
        self._model = model
        self._dt = float(model.opt.timestep)
        self._dofs = np.array([model.jnt_dofadr[joint] for joint in model.actuator_trnid[:COUNT, 0]])
        self._qpos = np.array([model.jnt_qposadr[joint] for joint in model.actuator_trnid[:COUNT, 0]])
        self._gains = model.actuator_gainprm[:COUNT, 0].copy()
        self._biases = model.actuator_biasprm[:COUNT, :3].copy()
        self._damping = model.dof_damping[self._dofs].copy()
        self._profiles = [Profile()] * COUNT
        self._loops = [Loop.POSITION] * COUNT
        self._has_goal = np.ones(COUNT, dtype=bool)
        self._speed_limit, self._ramp = _FASTEST.copy(), np.full(COUNT, _UNLIMITED_RAMP)
        self.start(np.zeros(COUNT))

    def start(self, positions: Array) -> None:
        """Be at rest at ``positions [7]``, with nothing commanded."""
        self.target, self.goal = positions.copy(), positions.copy()
        self._speed, self._effort = np.zeros(COUNT), np.zeros(COUNT)

    def loop(self, servo: int) -> Loop:
        """Return what a servo regulates."""
        return self._loops[servo]

    def configure(self, servo: int, loop: Loop, profile: Profile, stiffness: float = 1.0) -> None:
        """Set loop and profile; ``stiffness`` is the position gain as a share of the usual one."""
        self._loops[servo], self._profiles[servo] = loop, profile
        self._has_goal[servo] = has_goal = loop in (Loop.POSITION, Loop.VELOCITY)
        gain, bias = stiffness * self._gains[servo], self._biases[servo] * [1.0, stiffness, np.sqrt(stiffness)]
        damping = self._damping[servo]
        if not has_goal:
            gain, bias, self._effort[servo] = 1.0, np.zeros(3), 0.0
            # The joint's own damping, not the actuator's: that would jump between the ends of its force range.
            braking = _STALL_TORQUE[servo] / _NO_LOAD_SPEED[servo] if loop is Loop.PWM else _FREE_DAMPING
            damping += braking / _PER_RAD[servo] ** 2
        self._model.actuator_gainprm[servo, 0] = gain
        self._model.actuator_biasprm[servo, :3] = bias
        self._model.dof_damping[self._dofs[servo]] = damping

    def hold(self, servo: int, data: mujoco.MjData) -> None:
        """Make the place where a servo is now its goal, as it does itself when its torque comes on."""
        self.target[servo] = self.goal[servo] = data.qpos[self._qpos[servo]]
        self._speed[servo] = self._effort[servo] = data.qfrc_applied[self._dofs[servo]] = 0.0

    def move_to(self, servo: int, position: float) -> None:
        """Command a position, rad or m; a position loop stops at the joint's limits. A new profile begins."""
        target = min(max(position, LOWER[servo]), UPPER[servo])
        profile, fastest = self._profiles[servo], _FASTEST[servo]
        self.target[servo] = target
        if profile.timed and profile.first:
            # What is left after the ramp from the speed that the goal has now, all in the time that is left then.
            ramp_s = min(profile.second, profile.first / 2)
            way = target - self.goal[servo] - self._speed[servo] * ramp_s / 2
            speed = way / (profile.first - ramp_s)
            ramp = max(abs(speed), abs(speed - self._speed[servo])) / ramp_s if ramp_s else 0.0
            speed = abs(speed)
        else:
            speed = (0.0 if profile.timed else profile.first) * _PER_RAD[servo]
            ramp = (0.0 if profile.timed else profile.second) * _PER_RAD[servo]
        self._speed_limit[servo] = min(speed or fastest, fastest)
        self._ramp[servo] = ramp or _UNLIMITED_RAMP

    def turn(self, servo: int, speed: float) -> None:
        """Command a speed, rad/s, which lasts until the next command or the joint's limit."""
        speed *= _PER_RAD[servo]
        self.target[servo] = UPPER[servo] if speed > 0 else LOWER[servo] if speed < 0 else self.goal[servo]
        self._speed_limit[servo] = min(abs(speed), _FASTEST[servo])
        self._ramp[servo] = _UNLIMITED_RAMP

    def push(self, servo: int, effort: float) -> None:
        """Command a share of full voltage, or a current in mA, by the loop; it lasts until the next command."""
        per_motor = effort / MILLIAMPERE_PER_NEWTON_METRE * MOTORS_PER_JOINT[servo]
        torque = effort * _STALL_TORQUE[servo] if self._loops[servo] is Loop.PWM else per_motor
        self._effort[servo] = torque / _PER_RAD[servo]

    def plan(self, steps: int) -> Array | None:
        """Move the goals by some physics steps at once, and return them after each, ``[steps, 7]``.

        None, and nothing moves, where a servo holds no position or has a ramp: then ``step`` is called for each. All
        at once, because NumPy calls for every single step would cost as much as the step.
        """
        if not self._has_goal.all() or (self._ramp < _UNLIMITED_RAMP).any():
            return None
        way = self.target - self.goal
        furthest = self._speed_limit * self._dt * np.arange(1, steps + 1)[:, None]
        goals: Array = np.where(np.abs(way) <= furthest, self.target, self.goal + np.copysign(furthest, way))
        self.goal = goals[-1].copy()
        self._speed = np.where(self.goal == self.target, 0.0, np.copysign(self._speed_limit, way))
        return goals

    def step(self, data: mujoco.MjData) -> None:
        """Move the goals by one physics step."""
        way = self.target - self.goal
        wanted = np.copysign(np.minimum(self._speed_limit, np.sqrt(2 * self._ramp * np.abs(way))), way)
        change = self._ramp * self._dt
        self._speed = np.clip(wanted, self._speed - change, self._speed + change)
        step = self._speed * self._dt
        arrives = (np.abs(way) <= np.abs(step)) & (step * way >= 0)
        self.goal = np.where(arrives, self.target, self.goal + step)
        self._speed[arrives] = 0.0
        if self._has_goal.all():
            data.ctrl[:COUNT] = self.goal
            return
        limp = ~self._has_goal
        data.ctrl[:COUNT] = np.where(limp, self._effort, self.goal)
        # Only a loop that holds a position carries its share of the arm's weight.
        data.qfrc_applied[self._dofs] = np.where(limp, -data.qfrc_gravcomp[self._dofs], 0.0)
