"""Stack3: cover the battery with one cup, then stack the *other* cup on it.

On the table stand a battery and two cups that look the same, upside down, all three at random places of the same
rectangle, at least 90 mm apart. Once the battery is covered it cannot be seen, and nothing in a picture tells which cup
hides it: whoever wants to take the other one has to remember.

Score: 0.25 once a cup has been picked, 0.5 once the battery has been covered, 0.75 once the other cup has been picked
while the first one covers the battery, 1.0 once it has stood on that cup for half a second, let go. A step counts only
after the one before it, and what has been reached stays reached. A cup is *picked* while its rim is 20 mm above the
table and its top lies between the fingers. The battery is *covered* while a cup stands flat on the table around it. A
cup is *stacked* while it sits on the covering cup's closed end, nested and upright.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from arvla_ros.robots import wx250s
from arvla_ros.sim.props import CUP_END, Prop
from arvla_ros.sim.tasks.base import Array, CameraPose, ObjectPose, Scenario, Scene, TaskError, TaskStatus

_RED = (0.84, 0.10, 0.08, 1.0)
BATTERY = Prop("battery", "battery", (0.10, 0.24, 0.86, 1.0))
CUPS = (Prop("cup A", "cup", _RED), Prop("cup B", "cup", _RED))
PROPS = (BATTERY, *CUPS)
INSTRUCTIONS = (
    "cover the battery with a cup and stack the other cup on top",
    "put a cup over the battery, then put the other cup on it",
    "hide the battery under one cup and stack the second cup on the first",
)

X_RANGE, Y_RANGE = (0.20, 0.36), (-0.14, 0.14)
"""Where objects stand, m in ``base_link``: one rectangle for all three, so that no place tells cup from battery."""
SEPARATION = 0.09
"""Smallest distance between two objects' middles, m."""
START_LOWER, START_UPPER = np.array([0.12, -0.02, 0.22]), np.array([0.16, 0.02, 0.26])
"""Box in which ``ee_gripper_link`` starts, around ``wx250s.READY``; m in ``base_link``."""

CAMERA = CameraPose(position=(0.02, -0.32, 0.42), look_at=(0.29, 0.01, 0.02), fovy=48.0)
"""Beside the base and looking over the table, much as BridgeData V2 has it; every object stands inside the picture."""

MILESTONES = ("first cup picked", "battery covered", "other cup picked", "other cup stacked")
"""What each quarter of the score stands for."""

PICK_HEIGHT = 0.020
PICK_RADIUS = 0.035
PICK_TILT = math.radians(45)
FLAT = 0.003
COVER_RADIUS = 0.018
STACK_OFFSET = 0.003
MAX_TILT = math.radians(3)
RELEASE_DISTANCE = 0.035
HOLD_S = 0.5


def other_cup(cup: Prop) -> Prop:
    """Return the cup that ``cup`` is not."""
    return CUPS[1 - CUPS.index(cup)]


def is_picked(scene: Scene, cup: Prop) -> bool:
    """Return whether the hand has lifted this cup."""
    pose = scene.object_pose(cup.name)
    upright = pose[2, 2] > math.cos(PICK_TILT)
    return bool(pose[2, 3] > PICK_HEIGHT and upright and _to_fingertips(pose, cup, scene) < PICK_RADIUS)


def covering_cup(scene: Scene) -> Prop | None:
    """Return the cup that stands flat on the table around the battery."""
    battery = scene.object_pose(BATTERY.name)
    if battery[2, 3] > BATTERY.height:  # it stands on a cup, not in it
        return None
    return next((cup for cup in CUPS if _stands_around(scene.object_pose(cup.name), battery)), None)


def is_stacked(scene: Scene, lower: Prop) -> bool:
    """Return whether the other cup sits on ``lower``, nested, upright and let go."""
    upper = other_cup(lower)
    above, below = scene.object_pose(upper.name), scene.object_pose(lower.name)
    x, y, height = (above[:3, 3] - below[:3, 3]) @ below[:3, :3]
    seated = abs(height - CUP_END) < FLAT and math.hypot(x, y) < STACK_OFFSET
    return bool(seated and _upright(above) and _to_fingertips(above, upper, scene) > RELEASE_DISTANCE)


def _stands_around(cup: Array, battery: Array) -> bool:
    flat = _upright(cup) and abs(cup[2, 3]) < FLAT
    return bool(flat and math.dist(cup[:2, 3], battery[:2, 3]) < COVER_RADIUS)


def _upright(pose: Array) -> bool:
    return bool(pose[2, 2] > math.cos(MAX_TILT))


def _to_fingertips(pose: Array, cup: Prop, scene: Scene) -> float:
    """Return how far the fingertips are from the middle of the cup's top, m."""
    return math.dist(scene.fingertips()[:3, 3], pose[:3, 3] + pose[:3, 2] * cup.height)


class Stack3:
    """The task; see the module."""

    name = "stack3"
    props = PROPS
    camera = CAMERA
    instructions = INSTRUCTIONS
    time_limit_s = 40.0

    def sample(self, rng: np.random.Generator) -> Scenario:
        """Draw layout, start pose and instruction."""
        places = _draw_places(rng)
        return Scenario(
            instruction=str(rng.choice(INSTRUCTIONS)),
            objects={
                prop.name: ObjectPose(x, y, rng.uniform(-np.pi, np.pi))
                for prop, (x, y) in zip(PROPS, places.tolist(), strict=True)
            },
            arm=wx250s.gripper_down(rng.uniform(START_LOWER, START_UPPER)),
            opening=wx250s.OPENING_UPPER,
        )

    def judge(self, instruction: str) -> Stack3Judge:
        """Return a judge; every instruction asks for the same."""
        if instruction not in INSTRUCTIONS:
            raise TaskError(
                f"instruction {instruction!r} is none of task stack3: say {' or '.join(map(repr, INSTRUCTIONS))}"
            )
        return Stack3Judge()


class Stack3Judge:
    """Climbs the milestones, and counts how often the battery was uncovered again."""

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._reached = 0
        self._covering: Prop | None = None
        self._stacked_since: float | None = None
        self._uncovered = 0

    def observe(self, scene: Scene) -> None:
        """Take note of cups, battery and hand."""
        self._elapsed = scene.elapsed
        covering = covering_cup(scene)
        self._uncovered += self._covering is not None and covering is None
        self._covering = covering
        other = None if covering is None else other_cup(covering)
        if self._reached == 0 and any(is_picked(scene, cup) for cup in CUPS):
            self._reached = 1
        if self._reached == 1 and covering is not None:
            self._reached = 2
        if self._reached == 2 and other is not None and is_picked(scene, other):
            self._reached = 3
        if self._reached == 3 and self._has_stood(covering is not None and is_stacked(scene, covering)):
            self._reached = 4

    def _has_stood(self, stacked: bool) -> bool:
        """Return whether the stack has stood for long enough, given whether it stands now."""
        if not stacked:
            self._stacked_since = None
        elif self._stacked_since is None:
            self._stacked_since = self._elapsed
        return self._stacked_since is not None and self._elapsed - self._stacked_since >= HOLD_S - 1e-9

    def status(self) -> TaskStatus:
        """Return the score so far."""
        reached = MILESTONES[: self._reached]
        detail = reached[-1] if reached else "no cup picked"
        if self._uncovered:
            detail += f", battery uncovered again {self._uncovered}x"
        return TaskStatus(
            score=self._reached / len(MILESTONES),
            success=self._reached == len(MILESTONES),
            elapsed=self._elapsed,
            detail=detail,
            milestones=reached,
        )


def _draw_places(rng: np.random.Generator) -> Array:
    """Return ``[3, 2]`` places in the rectangle, all at least ``SEPARATION`` apart."""
    while True:
        places = rng.uniform((X_RANGE[0], Y_RANGE[0]), (X_RANGE[1], Y_RANGE[1]), size=(len(PROPS), 2))
        if min(np.hypot(*(a - b)) for a, b in itertools.combinations(places, 2)) >= SEPARATION:
            return places
