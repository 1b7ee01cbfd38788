"""Which push comes next: a beam search over sequences of straight pushes, on the T's own equation of motion."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from arvla_ros.sim.pusht2.shape import CONTACTS, OUTLINE, PUSHER_RADIUS, SIZE, Array, apart, move, place

# Lengths of a push as shares of what the T is still away from the goal, and the limits of a push in pixels.
_SHARES: Array = np.array([0.15, 0.3, 0.5, 0.7, 0.9, 1.1, 1.4, 2.0])
_SHORTEST, _LONGEST = 1.0, 160.0
_DEPTH, _WIDTH = 3, 40
# In pixels of way: what a pixel of the remaining distance costs, and what going to another contact does.
_REMAINING, _SWITCH = 30.0, 40.0
# What a pixel too near to the edge costs.
_OUTSIDE = 100.0
# Nearer than this nothing is left to gain: more than 90% of the goal are covered.
_NEAR = 2.0
# Around the T the pusher's way is about this far from its middle.
_DETOUR_RADIUS = 70.0
# How far from the table's edge the T stays, so that the pusher finds room behind it.
_EDGE = 36.0


class Push(NamedTuple):
    """One straight push: the T moves from ``start`` along the contact's twist for ``length`` pixels of the contact."""

    contact: int
    length: float
    start: Array

    def pose(self, length: float) -> Array:
        """Return the T's pose ``[3]`` when the contact has moved by ``length``."""
        return move(self.start, length * CONTACTS.twists[self.contact])

    def pusher(self, pose: Array, gap: float = 0.0) -> Array:
        """Return where the pusher's middle is ``[2]`` when it touches the T at ``pose``, or is ``gap`` away."""
        touching: Array = pushers(pose, gap)[self.contact]
        return touching

    def done(self, pose: Array) -> float:
        """Return how much of the push has been done, pixels, judged from the T's pose."""
        lengths = np.linspace(0.0, self.length, 161)
        moved = move(self.start, lengths[:, None] * CONTACTS.twists[self.contact])
        return float(lengths[apart(moved, pose).argmin()])


def pushers(poses: Array, gap: float = 0.0) -> Array:
    """Return the places ``[..., k, 2]`` of a pusher that touches a T at ``poses [..., 3]`` at every contact."""
    return place(poses, CONTACTS.points - (PUSHER_RADIUS + gap) * CONTACTS.normals)


class _Beam(NamedTuple):
    """Sequences of pushes, the most promising first."""

    poses: Array
    """``[n, 3]`` of the T at their ends."""
    pushers: Array
    """``[n, 2]``, where the pusher is then."""
    spent: Array
    """``[n]`` pixels of way, and what else counts as such."""
    first: Array
    """``[n, 2]``: contact and length of their first pushes."""


def plan_push(pose: Array, goal: Array, pusher: Array, avoid: frozenset[int] = frozenset()) -> Push:
    """Return the first push of the cheapest sequence of up to three that brings the T to the goal.

    Args:
        pose: ``[3]``, of the T.
        goal: ``[3]``, where it shall be.
        pusher: ``[2]``, where the pusher is.
        avoid: Contacts that the first push may not use.
    """
    beam = _Beam(pose[None], pusher[None], np.zeros(1), np.zeros((1, 2)))
    best, best_total = beam.first[0], np.inf
    for depth in range(_DEPTH):
        beam = _extend(beam, goal, avoid if depth == 0 else frozenset(), starts=depth == 0)
        total = _total(beam.spent[0], beam.poses[0], goal)
        if total < best_total:
            best, best_total = beam.first[0], float(total)
    return Push(int(best[0]), float(best[1]), pose)


def _extend(beam: _Beam, goal: Array, avoid: frozenset[int], starts: bool) -> _Beam:
    """Return the best sequences that one more push makes of those in the beam; ``starts`` if it is their first."""
    lengths = np.clip(_SHARES * apart(beam.poses, goal)[:, None], _SHORTEST, _LONGEST)
    # Sequences x contacts x lengths from here on.
    way = lengths[:, None, :]
    moved = move(beam.poses[:, None, None], way[..., None] * CONTACTS.twists[None, :, None])
    travelled = _approach(beam.pushers, beam.poses)[..., None]
    spent = beam.spent[:, None, None] + travelled + _SWITCH + way + _OUTSIDE * _outside(moved)
    spent[:, list(avoid)] = np.inf
    total = _total(spent, moved, goal)
    parent, contact, share = np.unravel_index(np.argsort(total, axis=None)[:_WIDTH], total.shape)
    poses = moved[parent, contact, share]
    return _Beam(
        poses,
        pushers(poses)[np.arange(len(poses)), contact],
        spent[parent, contact, share],
        np.column_stack((contact, lengths[parent, share])) if starts else beam.first[parent],
    )


def _total(spent: Array, poses: Array, goal: Array) -> Array:
    return spent + _REMAINING * np.maximum(apart(poses, goal) - _NEAR, 0.0)


def _approach(pushers_at: Array, poses: Array) -> Array:
    """Return how far it is ``[n, k]`` from ``pushers_at [n, 2]`` around a T at ``poses [n, 3]`` to every contact."""
    goals = pushers(poses)
    middle = place(poses, OUTLINE.mean(axis=0)[None])
    straight = np.linalg.norm(goals - pushers_at[:, None], axis=-1)
    there, here = goals - middle, pushers_at[:, None] - middle
    angle = np.arctan2(there[..., 1], there[..., 0]) - np.arctan2(here[..., 1], here[..., 0])
    around = _DETOUR_RADIUS * np.abs((angle + np.pi) % (2 * np.pi) - np.pi)
    reachable = ((goals > 0) & (goals < SIZE)).all(axis=-1)
    distance: Array = np.where(reachable, np.maximum(straight, around), np.inf)
    return distance


def _outside(poses: Array) -> Array:
    """Return by how many pixels a T at poses ``[..., 3]`` comes too near to the table's edge."""
    from_middle = np.abs(place(poses, OUTLINE) - SIZE / 2).max(axis=(-1, -2))
    excess: Array = np.maximum(from_middle - (SIZE / 2 - _EDGE), 0.0)
    return excess
