"""The scripted expert of *stack3*: grasp, place, return to neutral, and the same again with the other cup.

It follows a plan, but looks before every stage: what it holds, what covers the battery and what is stacked decide what
comes next, so that a failed grasp is tried again, and after a push it goes on from wherever hand and cups are then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arvla_ros.robots import wx250s
from arvla_ros.sim.props import CUP_END, Prop
from arvla_ros.sim.tasks.base import Array
from arvla_ros.sim.tasks.stack3 import BATTERY, CUPS, PROPS, covering_cup, is_stacked, other_cup
from arvla_ros.sim.world import WidowXWorld

# Heights of ee_gripper_link above the table, m; fingertips are 17 mm lower.
_GRASP, _LIFT, _RETREAT, _NEUTRAL = 0.065, 0.163, 0.190, 0.240
_OVER_TOP = 0.095
# After letting go, straight up by this much before any other way, m.
_CLEAR = 0.050
# A cup is lowered to this much above its seat and falls the rest, m.
_DROP = 0.001
_CLOSE_STEPS, _OPEN_STEPS, _SETTLE_STEPS = 3, 3, 1
_OPEN, _CLOSED = wx250s.OPENING_UPPER, wx250s.OPENING_LOWER
# Closed around a cup the fingers stay 64 mm apart, and within this of its axis.
_HELD_OPENING, _HELD_RADIUS = 0.05, 0.03
# The hand trails what it was told by 60 ms. When it trails by more than twice that, the plan waits for it; when it is
# further away than any such lag, the plan is made anew. A movement ends when the hand has arrived.
_LONGEST_LAG_S, _REPLAN_DISTANCE, _ARRIVED = 0.12, 0.08, 0.004
# Where something is in the way, waiting for the hand ends after this many steps.
_PATIENCE_STEPS = 8
# The held cup is above its seat when its axis is this close, m.
_ALIGNED = 0.0025
# Farther from the base than this, or tilted more, no cup can be taken and nothing be put; m.
_REACH, _MAX_TILT = 0.45, np.radians(30)
_MISS_DISTANCE = 0.045
_LONGEST_STEP = 0.3
_VIA_LOWER, _VIA_UPPER = np.array([0.14, -0.05, 0.23]), np.array([0.20, 0.05, 0.28])
_JITTER = 0.008


@dataclass(frozen=True)
class Stack3Style:
    """How one demonstrator moves; people differ."""

    level_speed: float = 0.25
    """Of the hand, m/s."""
    vertical_speed: float = 0.15
    """When descending and lifting, m/s."""
    hover: float = 0.115
    """Height of the hand over a cup before it descends, m."""
    aim_error: float = 0.0
    """Standard deviation of where a cup is grasped, m along x and y."""
    wrist: float = 0.0
    """Largest turn of the fingers away from straight ahead, rad."""
    pause: float = 0.0
    """Probability of stopping for 1 to 4 steps at the end of a movement."""
    miss: float = 0.0
    """Probability of a grasp that closes above or beside the cup."""

    @classmethod
    def draw(cls, rng: np.random.Generator, miss: float = 0.0) -> Stack3Style:
        """Draw a demonstrator, who misses a grasp with probability ``miss``."""
        return cls(
            level_speed=rng.uniform(0.20, 0.28),
            vertical_speed=rng.uniform(0.12, 0.17),
            hover=rng.uniform(0.110, 0.135),
            aim_error=0.0015,
            wrist=0.35,
            pause=rng.uniform(0.0, 0.25),
            miss=miss,
        )


class Stack3Expert:
    """Solves *stack3* once; every episode needs a new one. Which cup comes first is the toss of a coin."""

    def __init__(self, rng: np.random.Generator, style: Stack3Style | None = None, control_rate_hz: float = 10.0):
        self.style = style or Stack3Style()
        self._rng = rng
        self._period_s = 1 / control_rate_hz
        self._first = CUPS[rng.integers(2)]
        self._plan: Iterator[None] | None = None
        self._position = np.zeros(3)
        self._wrist = 0.0
        self._opening = _OPEN

    def action(self, world: WidowXWorld) -> npt.NDArray[np.float32]:
        """Return the policy action ``[7]``, joint deltas, for the world as it is now."""
        state = world.state()
        if self._plan is None or self._distance(state) > _REPLAN_DISTANCE:
            self._position = wx250s.forward_kinematics(state[:6])[:3, 3]
            self._wrist = float(state[5])
            self._plan = self._solve(world)
        next(self._plan)
        delta = self._joints() - state[:6]
        delta *= min(1.0, _LONGEST_STEP / max(np.abs(delta).max(), 1e-9))
        return np.append(delta, self._opening).astype(np.float32)

    def _joints(self) -> Array:
        """Return the arm joints ``[6]`` for where the plan leads; from where there are none, the way is back."""
        try:
            return wx250s.gripper_down(self._position, self._wrist)
        except ValueError:
            return wx250s.READY

    def _solve(self, world: WidowXWorld) -> Iterator[None]:
        """Do whatever comes next, until nothing does; each ``None`` is one control step."""
        while True:
            covering, held = covering_cup(world), self._held(world)
            cup = held or (self._first if covering is None else other_cup(covering))
            done = covering is not None and is_stacked(world, covering)
            if done or not (_in_reach(world, cup) and _in_reach(world, covering or BATTERY)):
                yield from self._return_to_neutral(world)
            elif held is None:
                yield from self._grasp(world, cup)
            else:
                yield from self._place(world, cup, covering)
                yield from self._return_to_neutral(world)

    def _grasp(self, world: WidowXWorld, cup: Prop) -> Iterator[None]:
        """Close the fingers around a cup; a grasp that turns out empty is opened again above it."""
        aim, foot = self._rng.normal(0.0, self.style.aim_error, 2), world.object_pose(cup.name)[2, 3]
        height, hover = foot + _GRASP, foot + self.style.hover
        if self._rng.random() < self.style.miss:
            if self._rng.random() < 0.5:
                height = foot + _OVER_TOP
            else:
                aim += self._beside(world, cup)
        wrist = self._rng.uniform(-self.style.wrist, self.style.wrist)
        yield from self._open_and_rise(world, hover)
        yield from self._move(world, _level(world, cup) + aim, hover, self.style.level_speed, wrist)
        yield from self._move(world, _level(world, cup) + aim, height, self.style.vertical_speed)
        self._opening = _CLOSED
        yield from self._wait(_CLOSE_STEPS)
        if self._held(world) is None:
            yield from self._open_and_rise(world, hover)

    def _place(self, world: WidowXWorld, cup: Prop, covering: Prop | None) -> Iterator[None]:
        """Carry the held cup over the battery, or over the cup that covers it, set it down and let go."""
        seat, height = (BATTERY, 0.0) if covering is None else (covering, CUP_END)
        yield from self._move(world, self._position[:2], _LIFT, self.style.vertical_speed)
        in_hand = _level(world, cup) - self._hand(world)[:2]
        yield from self._move(world, _level(world, seat) - in_hand, _LIFT, self.style.level_speed)
        while np.hypot(*(correction := _level(world, seat) - _level(world, cup))) > _ALIGNED:
            if self._held(world) is None:
                return
            yield from self._move(world, self._position[:2] + correction, _LIFT, 0.1)
        down = world.object_pose(cup.name)[2, 3] - height - _DROP
        yield from self._move(world, self._position[:2], self._position[2] - down, 0.7 * self.style.vertical_speed)
        yield from self._open_and_rise(world, self._position[2] + _CLEAR)

    def _return_to_neutral(self, world: WidowXWorld) -> Iterator[None]:
        """Draw the hand back to where it says nothing about what it has done, by a way that is drawn anew, and rest."""
        yield from self._open_and_rise(world, _RETREAT)
        via = self._rng.uniform(_VIA_LOWER, _VIA_UPPER)
        neutral = wx250s.forward_kinematics(wx250s.READY)[:3, 3] + self._rng.uniform(-_JITTER, _JITTER, 3)
        for point in (via, neutral):
            yield from self._move(world, point[:2], point[2], self.style.level_speed, 0.0)
        yield from self._wait(int(self._rng.integers(3, 9)))

    def _open_and_rise(self, world: WidowXWorld, height: float) -> Iterator[None]:
        """Let go, and rise to ``height`` unless the hand is higher."""
        if self._opening != _OPEN:
            self._opening = _OPEN
            yield from self._wait(_OPEN_STEPS)
        if self._position[2] < height:
            yield from self._move(world, self._position[:2], height, self.style.vertical_speed)

    def _move(
        self, world: WidowXWorld, level: Array, height: float, speed: float, wrist: float | None = None
    ) -> Iterator[None]:
        """Lead the hand in a straight line at ``speed``, and let it arrive."""
        goal, turn_to = np.append(level, height), self._wrist if wrist is None else wrist
        patience = _PATIENCE_STEPS
        while (distance := float(np.linalg.norm(goal - self._position))) > 1e-6:
            patience -= 1
            if self._distance(world.state()) < speed * _LONGEST_LAG_S or patience < 0:
                patience = _PATIENCE_STEPS
                share = min(1.0, speed * self._period_s / distance)
                self._position = self._position + share * (goal - self._position)
                self._wrist += share * (turn_to - self._wrist)
            yield
        yield from self._wait(_SETTLE_STEPS)
        for _ in range(_PATIENCE_STEPS):
            if self._distance(world.state()) < _ARRIVED:
                break
            yield
        if self._rng.random() < self.style.pause:
            yield from self._wait(int(self._rng.integers(1, 5)))

    def _wait(self, steps: int) -> Iterator[None]:
        for _ in range(steps):
            yield

    def _held(self, world: WidowXWorld) -> Prop | None:
        """Return the cup that the fingers are closed around."""
        if self._opening != _CLOSED or world.state()[6] < _HELD_OPENING:
            return None
        hand = self._hand(world)[:2]
        return next((cup for cup in CUPS if np.hypot(*(_level(world, cup) - hand)) < _HELD_RADIUS), None)

    def _beside(self, world: WidowXWorld, cup: Prop) -> Array:
        """Return the offset ``[2]`` of a grasp in front of or behind the cup, where there is more room."""
        middle = _level(world, cup)
        outward = _MISS_DISTANCE * middle / np.hypot(*middle)
        others = [_level(world, prop) for prop in PROPS if prop != cup]

        def room(offset: Array) -> float:
            return min(float(np.hypot(*(middle + offset - other))) for other in others)

        return max((outward, -outward), key=room)

    def _hand(self, world: WidowXWorld) -> Array:
        position: Array = wx250s.forward_kinematics(world.state()[:6])[:3, 3]
        return position

    def _distance(self, state: npt.NDArray[np.float32]) -> float:
        """Return how far the hand is from where it was led, m."""
        return float(np.linalg.norm(wx250s.forward_kinematics(state[:6])[:3, 3] - self._position))


def _in_reach(world: WidowXWorld, prop: Prop) -> bool:
    """Return whether the hand can get at an object, and the object has not been knocked over."""
    upright = world.object_pose(prop.name)[2, 2] > np.cos(_MAX_TILT)
    return bool(upright and np.hypot(*_level(world, prop)) < _REACH)


def _level(world: WidowXWorld, prop: Prop) -> Array:
    """Return where an object stands, ``[2]`` m in ``base_link``."""
    place: Array = world.object_pose(prop.name)[:2, 3]
    return place
