"""The scripted expert of PushT2: plans a push, goes around the T, pushes, and plans anew from what came of it.

It acts through the environment's action alone. It remembers which goal is done, as a person would.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from arvla_ros.sim.pusht2.env import GOALS
from arvla_ros.sim.pusht2.planner import Push, plan_push
from arvla_ros.sim.pusht2.shape import Array, apart
from arvla_ros.sim.pusht2.travel import find_way, next_target

# The pusher goes to a place this far before the contact, then straight on.
_APPROACH_GAP = 5.0
_ARRIVED = 3.0
# A T that has moved this much while nobody meant to push it calls for a new plan.
_DISTURBED = 2.0
# A push that has come this near to its end is over; one that does not get on for this many steps is given up.
_SHORT_OF_END, _PATIENCE = 0.4, 8


@dataclass(frozen=True)
class PushStyle:
    """How one demonstrator moves; people differ."""

    travel_reach: float = 90.0
    """How far ahead the pusher's target is on its way around the T, pixels; the speed is about five times this a s."""
    push_reach: float = 30.0
    """The same while it pushes."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> PushStyle:
        """Draw a demonstrator."""
        return cls(rng.uniform(60.0, 110.0), rng.uniform(22.0, 40.0))


class PushT2Expert:
    """Drives one episode after another; ``reset`` in between."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.reset()

    def reset(self) -> None:
        """Forget the episode, draw a style and the goal to begin with."""
        self.style = PushStyle.draw(self._rng)
        self._order = list(self._rng.permutation(list(GOALS)))
        self._push: Push | None = None
        self._reached: tuple[str, ...] = ()
        self._avoid: frozenset[int] = frozenset()

    def action(self, agent: Array, block: Array, reached: tuple[str, ...]) -> Array:
        """Return where the pusher goes next ``[2]``.

        Args:
            agent: ``[4]``, place and velocity of the pusher.
            block: ``[3]``, pose of the T.
            reached: Names of the goals that are done.
        """
        if reached != self._reached:
            self._push, self._reached, self._avoid = None, reached, frozenset()
        left = [name for name in self._order if name not in reached]
        if not left:
            return agent[:2]
        if self._push is None:
            self._plan(agent, block, GOALS[left[0]])
        push = self._push
        assert push is not None
        if not self._pushing:
            if apart(block, push.start) > _DISTURBED:
                self._plan(agent, block, GOALS[left[0]])
                push = self._push
            before_contact = push.pusher(block, _APPROACH_GAP)
            if np.hypot(*(agent[:2] - before_contact)) > _ARRIVED:
                return next_target(agent, self._way, block, self.style.travel_reach)
            self._pushing = True
        return self._continue(agent, block, push)

    def _plan(self, agent: Array, block: Array, goal: Array) -> None:
        self._push = plan_push(block, goal, agent[:2], self._avoid)
        self._way = find_way(agent[:2], self._push.pusher(block, _APPROACH_GAP), block)
        self._pushing, self._best, self._waited = False, 0.0, 0

    def _continue(self, agent: Array, block: Array, push: Push) -> Array:
        done = push.done(block)
        if done > self._best + 0.2:
            self._best, self._waited = done, 0
        self._waited += 1
        remaining = push.length - done
        if remaining < _SHORT_OF_END or self._waited > _PATIENCE:
            self._avoid = frozenset() if remaining < _SHORT_OF_END else self._avoid | {push.contact}
            self._push = None
        ahead = Push(push.contact, push.length, block).pose(min(remaining, self.style.push_reach))
        return push.pusher(ahead)
