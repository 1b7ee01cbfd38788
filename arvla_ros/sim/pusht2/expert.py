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
# A push that has come this near to its end is over; one that gains less than so much in so many steps is given up.
_SHORT_OF_END, _PROGRESS, _PATIENCE = 0.4, 0.2, 8
# So many steps are enough to go around the T.
_LONGEST_WAY = 60
# A push that has moved the T by less than this is not tried again at once.
_CHANGE = 2.0


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
    """Drives one episode, in a style and an order of the goals that it draws."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.style = PushStyle.draw(rng)
        self._order = rng.permutation(list(GOALS)).tolist()
        self._push: Push | None = None
        self._pushing = False
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
        if self._push is None or (not self._pushing and self._in_vain(block, self._push)):
            self._push = self._plan(agent, block, GOALS[left[0]])
        if not self._pushing:
            before_contact = self._push.pusher(block, _APPROACH_GAP)
            if np.hypot(*(agent[:2] - before_contact)) > _ARRIVED:
                return next_target(agent, self._way, block, self.style.travel_reach)
            self._pushing, self._waited = True, 0
        return self._continue(block, self._push)

    def _plan(self, agent: Array, block: Array, goal: Array) -> Push:
        push = plan_push(block, goal, agent[:2], self._avoid)
        self._way = find_way(agent[:2], push.pusher(block, _APPROACH_GAP), block)
        self._pushing, self._best, self._waited = False, 0.0, 0
        return push

    def _in_vain(self, block: Array, push: Push) -> bool:
        """Return whether there is no point in going on to the contact."""
        self._waited += 1
        if self._waited > _LONGEST_WAY:
            self._avoid |= {push.contact}
            return True
        return bool(apart(block, push.start) > _DISTURBED)

    def _continue(self, block: Array, push: Push) -> Array:
        """Return the target that goes on pushing; at the end of the push, forget it."""
        done = push.done(block)
        if done > self._best + _PROGRESS:
            self._best, self._waited = done, 0
        self._waited += 1
        remaining = push.length - done
        if remaining < _SHORT_OF_END or self._waited > _PATIENCE:
            # A push that changes little would be planned again, for ever.
            changed = apart(block, push.start) > _CHANGE
            self._avoid = frozenset() if changed else self._avoid | {push.contact}
            self._push = None
        return push.pusher(push._replace(start=block).pose(min(remaining, self.style.push_reach)))
