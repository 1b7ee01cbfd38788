"""Action spaces: what the numbers of a policy's state and action mean, and the target that an action asks for.

Each space is a class with the same three methods: ``state`` from what the joints measure, ``target`` of an action, and
``action``, the inverse of ``target``, for demonstrations. Poses are of the hand's ``ee_gripper_link`` in ``base_link``;
quaternions are x, y, z, w (``rotations``). None of them limits anything: limits are the guard's.

| space | state | action | a target is |
|---|---|---|---|
| ``joint_delta`` | joints, opening | joint changes, opening | measured joints + change |
| ``joint_position`` | joints, opening | joints, opening | the action itself |
| ``ee_delta`` | position, quaternion, opening | shift, quaternion, opening | measured pose, shifted and turned |
| ``bridge`` | position, rpy, gripper | shift, rpy, gripper | the *target before*, shifted and turned |
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
ArrayLike = npt.NDArray[np.floating[Any]]
Vector = npt.NDArray[np.float32]
Scaling = Literal["quantile", "range", "none"]


class Dimension(NamedTuple):
    """One number of a state or an action."""

    name: str
    unit: str
    """Empty where it has none."""
    scaling: Scaling
    """What Q99 mixed normalisation does with it: its 1st and 99th percentile, its least and greatest, or nothing."""


class JointTarget(NamedTuple):
    """Where the arm shall go, as joints ``[n]`` in rad and the opening between the fingers in m."""

    joints: Array
    opening: float


@dataclass(frozen=True)
class EndEffectorTarget:
    """Where the hand shall go.

    Attributes:
        position: ``[3]`` in m, in ``base_link``.
        rotation: ``[4]`` unit quaternion (x, y, z, w), in ``base_link``.
        opening: between the fingers, in m.
    """

    position: Array
    rotation: Array
    opening: float


TargetT = TypeVar("TargetT", JointTarget, EndEffectorTarget)


class ActionSpace(ABC, Generic[TargetT]):
    """The contract of every action space.

    Attributes:
        state_dimensions: what the state ``[S]`` holds.
        action_dimensions: what the action ``[A]`` holds.
    """

    state_dimensions: tuple[Dimension, ...]
    action_dimensions: tuple[Dimension, ...]

    @abstractmethod
    def state(self, joints: ArrayLike, opening: float, previous: ArrayLike | None = None) -> Vector:
        """Return the state ``[S]`` of an arm.

        Args:
            joints: ``[n]``, measured, in rad.
            opening: measured between the fingers, in m.
            previous: ``[S]``, the state before, which a quaternion stays close to; None at the start.
        """

    @abstractmethod
    def target(self, action: ArrayLike, state: ArrayLike, previous: TargetT | None = None) -> TargetT:
        """Return what an action ``[A]`` taken in ``state [S]`` asks for.

        Args:
            action: ``[A]`` in raw units.
            state: ``[S]`` in raw units.
            previous: the target of the step before; None at the start, when the measured pose stands in for it.

        Raises:
            RotationError: a quaternion of the action is zero or not finite.
        """

    @abstractmethod
    def target_from_joints(self, joints: ArrayLike, opening: float) -> TargetT:
        """Return the target that joints ``[n]`` in rad and an opening in m are: of a command that was recorded."""

    @abstractmethod
    def action(self, target: TargetT, state: ArrayLike, previous: TargetT | None = None) -> Vector:
        """Return the action ``[A]`` that ``target`` would turn into this target: its inverse."""


class JointSpace(ActionSpace[JointTarget]):
    """The state is the arm's joints in rad, then the opening between the fingers in m."""

    def __init__(self, joint_names: Sequence[str]) -> None:
        opening = Dimension("opening", "m", "range")
        self.state_dimensions = (*(Dimension(name, "rad", "quantile") for name in joint_names), opening)
        self.action_dimensions = self.state_dimensions

    def state(self, joints: ArrayLike, opening: float, previous: ArrayLike | None = None) -> Vector:
        """Return joints and opening; see ``ActionSpace.state``."""
        return np.append(joints, opening).astype(np.float32)

    def target_from_joints(self, joints: ArrayLike, opening: float) -> JointTarget:
        """Return joints and opening; see ``ActionSpace.target_from_joints``."""
        return JointTarget(joints.astype(np.float64), opening)


class JointDelta(JointSpace):
    """Joints move by the action from where they are measured; the opening is absolute."""

    def target(self, action: ArrayLike, state: ArrayLike, previous: JointTarget | None = None) -> JointTarget:
        """Return measured joints + action; see ``ActionSpace.target``."""
        return JointTarget(state[:-1].astype(np.float64) + action[:-1].astype(np.float64), float(action[-1]))

    def action(self, target: JointTarget, state: ArrayLike, previous: JointTarget | None = None) -> Vector:
        """Return target - measured joints; see ``ActionSpace.action``."""
        return np.append(target.joints - state[:-1], target.opening).astype(np.float32)


class JointPosition(JointSpace):
    """Joints go to the action, whatever is measured; the opening is absolute."""

    def target(self, action: ArrayLike, state: ArrayLike, previous: JointTarget | None = None) -> JointTarget:
        """Return the action; see ``ActionSpace.target``."""
        return JointTarget(action[:-1].astype(np.float64), float(action[-1]))

    def action(self, target: JointTarget, state: ArrayLike, previous: JointTarget | None = None) -> Vector:
        """Return the target; see ``ActionSpace.action``."""
        return np.append(target.joints, target.opening).astype(np.float32)
