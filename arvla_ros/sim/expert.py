"""Scripted experts: what a policy should do next in the state the world is in now.

They drive through the policy's own actions. The expert of *reach* keeps no plan, so it can label any state that a
policy, a disturbance or a person has brought about; that of *stack3* keeps one and makes it anew after a push.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from arvla_ros.robots import wx250s
from arvla_ros.sim.stack3_expert import Stack3Expert, Stack3Style
from arvla_ros.sim.tasks import TaskError
from arvla_ros.sim.tasks.base import Array
from arvla_ros.sim.tasks.reach import OPENING, Reach, goal_above
from arvla_ros.sim.world import WidowXWorld

# How far the fingertips reach beyond ee_gripper_link.
_FINGERTIP_REACH = 0.0174
# Within this level distance of the goal the hand comes straight down.
_FUNNEL_RADIUS = 0.02


class Expert(Protocol):
    """Something that knows what to do. Where it keeps a plan, it serves one episode."""

    def action(self, world: WidowXWorld) -> npt.NDArray[np.float32]:
        """Return the policy action ``[7]`` for the world as it is now."""


@dataclass(frozen=True)
class ReachStyle:
    """How one demonstrator moves; people differ."""

    gain: float = 0.38
    """Share of the remaining way that one step asks for: the hand slows down as it arrives."""
    longest_step: float = 0.16
    """Largest joint delta of a step, rad."""
    approach_height: float = 0.05
    """How far above the goal the hand travels, m."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> ReachStyle:
        """Draw a demonstrator."""
        return cls(rng.uniform(0.3, 0.45), rng.uniform(0.12, 0.20), rng.uniform(0.03, 0.07))


def reach_action(state: npt.NDArray[np.float32], goal: Array, style: ReachStyle) -> npt.NDArray[np.float32]:
    """Return the action ``[7]`` that brings the fingertips to ``goal``, fingers down, from any policy state.

    The hand aims at a point above the goal that sinks onto it as the level distance shrinks, so that it passes over
    what stands in between; every joint goes its share of the way, all slowed alike where one would be too fast.

    Args:
        state: ``[7]``, arm joints in rad and opening in m.
        goal: ``[3]``, where the fingertips are to be, m in ``base_link``.
        style: Speed and approach.
    """
    hand = wx250s.forward_kinematics(state[:6])
    fingertips = hand[:3, 3] + _FINGERTIP_REACH * hand[:3, 0]
    level = np.hypot(*(fingertips - goal)[:2])
    above = min(max(level - _FUNNEL_RADIUS, 0.0), style.approach_height)
    aim = goal + np.array([0.0, 0.0, above + _FINGERTIP_REACH])
    way = wx250s.gripper_down(aim) - state[:6]
    delta = style.gain * way
    delta *= min(1.0, style.longest_step / max(np.abs(delta).max(), 1e-9))
    return np.append(delta, OPENING).astype(np.float32)


class ReachExpert:
    """Solves *reach* for the object that the world's instruction names."""

    def __init__(self, style: ReachStyle | None = None) -> None:
        self.style = style or ReachStyle()
        self._task = Reach()

    def action(self, world: WidowXWorld) -> npt.NDArray[np.float32]:
        """Return the policy action ``[7]`` for the world as it is now."""
        goal = goal_above(world, self._task.target(world.instruction))
        return reach_action(world.state(), goal, self.style)


def _draw_reach_expert(rng: np.random.Generator, miss: float) -> Expert:
    return ReachExpert(ReachStyle.draw(rng))


def _draw_stack3_expert(rng: np.random.Generator, miss: float) -> Expert:
    return Stack3Expert(rng, Stack3Style.draw(rng, miss))


_EXPERTS: dict[str, Callable[[np.random.Generator, float], Expert]] = {
    "reach": _draw_reach_expert,
    "stack3": _draw_stack3_expert,
}


def make_expert(task: str, rng: np.random.Generator, miss: float = 0.0) -> Expert:
    """Return an expert for one episode of a task, with a style drawn from ``rng``.

    Args:
        task: Name of the task.
        rng: Where the style, and what the expert leaves to chance, are drawn from.
        miss: Probability that it misses a grasp on purpose, to show how one recovers; where there are grasps.

    Raises:
        TaskError: there is none for this task.
    """
    if task not in _EXPERTS:
        raise TaskError(f"no scripted expert for task {task!r}; there is one for {', '.join(_EXPERTS)}")
    return _EXPERTS[task](rng, miss)


class Disturbance:
    """Pushes that come and go: what is executed differs from what the expert wanted, and it has to recover."""

    def __init__(self, rng: np.random.Generator, probability: float = 0.12, sigma: float = 0.05) -> None:
        """Create a disturbance.

        Args:
            rng: Where pushes are drawn from.
            probability: Of a push beginning in a step; it lasts 1 to 3 steps.
            sigma: Standard deviation of a push in every arm joint, rad a step (about 20 mm at the hand).
        """
        self._rng = rng
        self._probability = probability
        self._sigma = sigma
        self._left = 0
        self._push = np.zeros(6)

    def __call__(self, action: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the action ``[7]`` to execute in place of ``action``."""
        if self._left == 0 and self._rng.random() < self._probability:
            self._left = int(self._rng.integers(1, 4))
            self._push = self._rng.normal(0.0, self._sigma, 6)
        if self._left == 0:
            return action
        self._left -= 1
        pushed: npt.NDArray[np.float32] = action.copy()
        pushed[:6] += self._push
        return pushed
