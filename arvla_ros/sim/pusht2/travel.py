"""How the pusher gets around the T without touching it."""

from __future__ import annotations

import itertools

import numpy as np

from arvla_ros.sim.pusht2.shape import OUTLINE, PUSHER_RADIUS, SIZE, Array, clearance, place

# Between the pusher's rim and the T, pixels: on a planned way, at its corners, and in what is predicted of a step.
_ROOM, _CORNER_ROOM, _TOUCH = 1.5, 9.0, 0.5
_SPACING = 4.0
# gym-pusht drives the pusher as a spring of 100/s^2 and a damper of 20/s, in steps of 0.01 s.
_STIFFNESS, _DAMPING, _STEP_S = 100.0, 20.0, 0.01


def _corners() -> Array:
    """Return way points ``[6, 2]`` outside the T's convex corners, in its frame."""
    offset = (PUSHER_RADIUS + _CORNER_ROOM) / np.sqrt(2)
    signs = np.array([[-1, -1], [1, -1], [1, 1], [0, 0], [1, 1], [-1, 1], [0, 0], [-1, 1]])
    convex = signs.any(axis=1)
    corners: Array = OUTLINE[convex] + offset * signs[convex]
    return corners


_CORNERS = _corners()


def find_way(start: Array, goal: Array, block: Array) -> Array:
    """Return a way ``[n, 2]`` from ``start`` to ``goal`` that clears a T at pose ``block``, points 4 pixels apart.

    It first leaves the T straight, where it starts close to it, and then takes the shortest way along the corners of
    the T. Where there is none, it is straight.
    """
    free = _leave(start, block)
    nodes = [free, *np.clip(place(block, _CORNERS), 4.0, SIZE - 4.0), goal]
    count = len(nodes)
    length = np.full((count, count), np.inf)
    for i, j in itertools.combinations(range(count), 2):
        points = _sample(np.stack((nodes[i], nodes[j])))
        if (clearance(points, block) > PUSHER_RADIUS + _ROOM).all():
            length[i, j] = length[j, i] = np.hypot(*(nodes[i] - nodes[j]))
    route = _shortest(length)
    return _sample(np.stack([start, *(nodes[i] for i in route)]))


def next_target(agent: Array, way: Array, block: Array, reach: float) -> Array:
    """Return the target ``[2]`` for the next 0.1 s: the farthest point of the way that the pusher can head for safely.

    Args:
        agent: ``[4]``, place and velocity of the pusher.
        way: ``[n, 2]``, as from ``find_way``.
        block: ``[3]``, pose of the T.
        reach: How far ahead on the way to look at most, pixels: the larger, the faster.
    """
    nearest = int(np.linalg.norm(way - agent[:2], axis=1).argmin())
    ahead = way[nearest : nearest + 1 + round(reach / _SPACING)]
    space = clearance(_predict(agent, ahead), block).min(axis=0)
    limit = min(PUSHER_RADIUS + _TOUCH, float(clearance(agent[:2], block)) - 0.05)
    safe = np.flatnonzero(space >= limit)
    target: Array = ahead[safe[-1] if len(safe) else min(1, len(ahead) - 1)]
    return target


def _predict(agent: Array, targets: Array) -> Array:
    """Return the places ``[20, n, 2]`` that the pusher passes in 0.2 s on its way to each of ``targets [n, 2]``."""
    at, velocity = np.tile(agent[:2], (len(targets), 1)), np.tile(agent[2:], (len(targets), 1))
    passed = []
    for _ in range(20):
        velocity = velocity + _STEP_S * (_STIFFNESS * (targets - at) - _DAMPING * velocity)
        at = at + _STEP_S * velocity
        passed.append(at)
    return np.stack(passed)


def _leave(start: Array, block: Array) -> Array:
    """Return the nearest place that the T leaves free, straight away from it."""
    missing = PUSHER_RADIUS + 2 * _ROOM - float(clearance(start, block))
    if missing <= 0:
        return start
    around = np.linspace(-np.pi, np.pi, 32, endpoint=False)
    candidates = start + (missing + 2.0) * np.column_stack((np.cos(around), np.sin(around)))
    free: Array = candidates[clearance(candidates, block).argmax()]
    return free


def _sample(corners: Array) -> Array:
    points = [corners[0][None]]
    for here, there in itertools.pairwise(corners):
        count = max(1, int(np.ceil(np.hypot(*(there - here)) / _SPACING)))
        points.append(here + (there - here) * np.linspace(1 / count, 1, count)[:, None])
    return np.concatenate(points)


def _shortest(length: Array) -> list[int]:
    """Return the shortest route from the first node to the last by Dijkstra's algorithm; straight if there is none."""
    count = len(length)
    distance, before, left = np.full(count, np.inf), np.zeros(count, int), set(range(count))
    distance[0] = 0.0
    while left:
        node = min(left, key=lambda index: float(distance[index]))
        left.remove(node)
        shorter = distance[node] + length[node] < distance
        distance[shorter], before[shorter] = (distance[node] + length[node])[shorter], node
    if not np.isfinite(distance[-1]):
        return [0, count - 1]
    route = [count - 1]
    while route[-1] != 0:
        route.append(int(before[route[-1]]))
    return route[::-1]
