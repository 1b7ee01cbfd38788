"""Reach: bring the fingertips 2 cm above the object that the instruction names.

On the table stand a blue battery, a green battery and a red cup, at random places. The *goal* is the point 20 mm above
the middle of the named object's top. The episode succeeds once the point between the fingertips (17.4 mm beyond
``ee_gripper_link``) has stayed within 15 mm of the goal, with the fingers within 20 degrees of straight down and the
object upright, for 0.5 s without a break. Nothing has to be touched.

The objects are at least 90 mm apart and the places span 160 x 280 mm, so neither the middle of all places nor another
object's goal lies within reach of the tolerance: image and instruction are both needed.

Score: 1 after success; before, the share of the way from the start to the goal that is covered now, below 1.
"""

from __future__ import annotations

import itertools

import numpy as np

from arvla_ros.robots import wx250s
from arvla_ros.sim.props import Prop
from arvla_ros.sim.tasks.base import Array, ObjectPose, Scenario, Scene, TaskError, TaskStatus

PROPS = (
    Prop("blue battery", "battery", (0.10, 0.24, 0.86, 1.0)),
    Prop("green battery", "battery", (0.08, 0.62, 0.16, 1.0)),
    Prop("red cup", "cup", (0.84, 0.10, 0.08, 1.0)),
)
TEMPLATES = ("reach the {}", "go to the {}", "move above the {}", "move the hand to the {}", "hover over the {}")

X_RANGE, Y_RANGE = (0.20, 0.36), (-0.14, 0.14)
"""Where objects stand, m in ``base_link``."""
SEPARATION = 0.09
"""Smallest distance between two objects' middles, m."""
START_LOWER, START_UPPER = np.array([0.11, -0.05, 0.21]), np.array([0.17, 0.05, 0.27])
"""Box in which ``ee_gripper_link`` starts, around ``wx250s.READY``; m in ``base_link``."""
OPENING = wx250s.OPENING_UPPER
"""Between the fingers, throughout; m."""

CLEARANCE = 0.020
TOLERANCE = 0.015
HOLD_S = 0.5
MAX_TILT = np.radians(20)
MAX_OBJECT_TILT = np.radians(20)


def goal_above(scene: Scene, target: Prop) -> Array:
    """Return the goal ``[3]``: the point above the middle of the target's top, m in ``base_link``."""
    pose = scene.object_pose(target.name)
    goal: Array = pose[:3, 3] + pose[:3, 2] * target.height
    goal[2] += CLEARANCE
    return goal


class Reach:
    """The task; see the module."""

    name = "reach"
    props = PROPS
    camera = None
    instructions = tuple(template.format(prop.name) for prop, template in itertools.product(PROPS, TEMPLATES))
    time_limit_s = 8.0

    def sample(self, rng: np.random.Generator) -> Scenario:
        """Draw layout, start pose and instruction."""
        places = _draw_places(rng, len(PROPS))
        return Scenario(
            instruction=str(rng.choice(self.instructions)),
            objects={
                prop.name: ObjectPose(x, y, rng.uniform(-np.pi, np.pi))
                for prop, (x, y) in zip(PROPS, places.tolist(), strict=True)
            },
            arm=wx250s.gripper_down(rng.uniform(START_LOWER, START_UPPER)),
            opening=OPENING,
        )

    def target(self, instruction: str) -> Prop:
        """Return the object that an instruction names.

        Raises:
            TaskError: it is none of the task's instructions.
        """
        if instruction not in self.instructions:
            raise TaskError(
                f"instruction {instruction!r} is none of task reach: say one of "
                f"{', '.join(map(repr, TEMPLATES))} with one of {', '.join(prop.name for prop in PROPS)}"
            )
        return next(prop for prop in PROPS if instruction.endswith(prop.name))

    def judge(self, instruction: str) -> ReachJudge:
        """Return a judge for the object that ``instruction`` names."""
        return ReachJudge(self.target(instruction))


class ReachJudge:
    """Measures how far the fingertips are from the goal, and for how long they have been there."""

    def __init__(self, target: Prop) -> None:
        self._target = target
        self._elapsed = 0.0
        self._first_distance = 0.0
        self._distance = float("inf")
        self._there_since: float | None = None
        self._success = False

    def observe(self, scene: Scene) -> None:
        """Take note of the fingertips and the target."""
        self._elapsed = scene.elapsed
        fingertips = scene.fingertips()
        first = np.isinf(self._distance)
        self._distance = float(np.linalg.norm(fingertips[:3, 3] - goal_above(scene, self._target)))
        if first:
            self._first_distance = self._distance
        down = -fingertips[2, 0] > np.cos(MAX_TILT)
        upright = scene.object_pose(self._target.name)[2, 2] > np.cos(MAX_OBJECT_TILT)
        if not (self._distance <= TOLERANCE and down and upright):
            self._there_since = None
        elif self._there_since is None:
            self._there_since = self._elapsed
        elif self._elapsed - self._there_since >= HOLD_S - 1e-9:
            self._success = True

    def status(self) -> TaskStatus:
        """Return the score so far."""
        progress = 1.0 - self._distance / self._first_distance if self._first_distance else 0.0
        return TaskStatus(
            score=1.0 if self._success else float(np.clip(progress, 0.0, 0.99)),
            success=self._success,
            elapsed=self._elapsed,
            detail=f"{1000 * self._distance:.0f} mm from 2 cm above the {self._target.name}",
        )


def _draw_places(rng: np.random.Generator, count: int) -> Array:
    """Return ``[count, 2]`` places in the rectangle, all at least ``SEPARATION`` apart."""
    while True:
        places = rng.uniform((X_RANGE[0], Y_RANGE[0]), (X_RANGE[1], Y_RANGE[1]), size=(count, 2))
        gaps = [np.hypot(*(a - b)) for a, b in itertools.combinations(places, 2)]
        if min(gaps) >= SEPARATION:
            return places
