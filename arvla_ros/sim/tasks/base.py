"""What a task is to the world: objects, layouts, instructions, and a judge of what happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from arvla_ros.sim.props import Prop

Array = npt.NDArray[np.float64]


class TaskError(ValueError):
    """A task, an object or an instruction that does not exist; the message lists those that do."""


@dataclass(frozen=True)
class ObjectPose:
    """Where an upright object stands: m and rad in ``base_link``."""

    x: float
    y: float
    yaw: float


@dataclass(frozen=True)
class Scenario:
    """How one episode begins."""

    instruction: str
    objects: dict[str, ObjectPose]
    arm: Array
    """Arm joints ``[6]`` in rad."""
    opening: float
    """Between the fingers, m."""


@dataclass(frozen=True)
class TaskStatus:
    """How an episode stands."""

    score: float
    """The task's rubric, 0 to 1."""
    success: bool
    """Reached now or earlier in this episode."""
    elapsed: float
    """Simulated s since the reset."""
    detail: str
    milestones: tuple[str, ...] = ()
    """What has been reached so far, in order, by the names of the task; a task may have none."""


class Scene(Protocol):
    """What a judge and an expert may look at: the world's geometry."""

    @property
    def elapsed(self) -> float:
        """Simulated s since the reset."""

    def object_pose(self, name: str) -> Array:
        """Return the pose ``[4, 4]`` of the middle of an object's underside in ``base_link``."""

    def fingertips(self) -> Array:
        """Return the pose ``[4, 4]`` of the point between the fingertips in ``base_link``, x along the fingers."""


class Judge(Protocol):
    """Scores one episode. It is shown the scene at a steady rate from the reset on."""

    def observe(self, scene: Scene) -> None:
        """Take note of the scene as it is now."""

    def status(self) -> TaskStatus:
        """Return the score so far."""


class Task(Protocol):
    """A task: which objects lie where, what is asked for, and whether it was done."""

    @property
    def name(self) -> str:
        """Name on the command line and in files."""

    @property
    def props(self) -> tuple[Prop, ...]:
        """The objects, the same in every episode."""

    @property
    def instructions(self) -> tuple[str, ...]:
        """Every instruction that the task can give: a closed vocabulary."""

    @property
    def time_limit_s(self) -> float:
        """Simulated s after which an episode is over."""

    def sample(self, rng: np.random.Generator) -> Scenario:
        """Draw how an episode begins."""

    def judge(self, instruction: str) -> Judge:
        """Return the judge of a new episode with this instruction.

        Raises:
            TaskError: the task knows no such instruction.
        """
