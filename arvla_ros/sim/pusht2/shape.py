"""The T of ``gym-pusht``: outline, contacts, and how it moves when it is pushed. Units are its pixels and rad.

A pose is ``[..., 3]``: x, y of the body's origin, the middle of the bar's outer edge, and its angle. In the body's
frame the bar is 120 x 30 below the origin and the stem 30 x 90 below the bar (y points down, as on a screen).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SIZE = 512
"""Edge of the square table."""
PUSHER_RADIUS = 15.0
OUTLINE: Array = np.array(
    [[-60, 0], [60, 0], [60, 30], [15, 30], [15, 120], [-15, 120], [-15, 30], [-60, 30]], dtype=np.float64
)
"""Corners ``[8, 2]`` in the body's frame, in order around it."""

_CENTRE_OF_MASS = np.array([0.0, 45.0])
# gym-pusht gives the body a mass of 1 and this moment about its centre of mass.
_MOMENT = 3000.0
# How far from a corner a contact stays, so that the round pusher meets the face and not the corner.
_CORNER = 4.0


class Contacts(NamedTuple):
    """Where the T can be pushed, in its own frame."""

    points: Array
    """``[n, 2]`` on the outline."""
    normals: Array
    """``[n, 2]`` unit vectors into the T."""
    twists: Array
    """``[n, 3]``: velocity of the origin and turning rate where the contact point moves inwards at 1 pixel/s."""


def place(poses: Array, points: Array) -> Array:
    """Return ``[..., n, 2]``: points ``[n, 2]`` of the body's frame, with the body at poses ``[..., 3]``."""
    return poses[..., None, :2] + turn(poses[..., 2], points)


def turn(angles: Array, vectors: Array) -> Array:
    """Return ``[..., n, 2]``: vectors ``[n, 2]`` turned by angles ``[...]``."""
    cos, sin = np.cos(angles)[..., None], np.sin(angles)[..., None]
    x, y = vectors[..., 0], vectors[..., 1]
    return np.stack((cos * x - sin * y, sin * x + cos * y), axis=-1)


def move(poses: Array, twists: Array) -> Array:
    """Return the poses ``[..., 3]`` after constant twists ``[..., 3]`` of the body's frame for one unit of time."""
    angle = twists[..., 2]
    # sin(a)/a and (1 - cos(a))/a, which have no hole at 0 in this form.
    along, across = np.sinc(angle / np.pi), np.sin(angle / 2) * np.sinc(angle / 2 / np.pi)
    x = along * twists[..., 0] - across * twists[..., 1]
    y = across * twists[..., 0] + along * twists[..., 1]
    cos, sin = np.cos(poses[..., 2]), np.sin(poses[..., 2])
    return np.stack(
        (poses[..., 0] + cos * x - sin * y, poses[..., 1] + sin * x + cos * y, poses[..., 2] + angle), axis=-1
    )


def apart(poses: Array, goal: Array) -> Array:
    """Return how far poses ``[..., 3]`` are from ``goal [3]``, pixels: the corners' root mean square distance."""
    gap = place(poses, OUTLINE) - place(goal, OUTLINE)
    distance: Array = np.sqrt((gap**2).sum(axis=-1).mean(axis=-1))
    return distance


def clearance(points: Array, pose: Array) -> Array:
    """Return the distance ``[...]`` of points ``[..., 2]`` to a T at ``pose``; 0 inside."""
    cos, sin = np.cos(pose[2]), np.sin(pose[2])
    local = (points - pose[:2]) @ np.array([[cos, -sin], [sin, cos]])
    bar = np.maximum(np.abs(local - [0.0, 15.0]) - [60.0, 15.0], 0.0)
    stem = np.maximum(np.abs(local - [0.0, 60.0]) - [15.0, 60.0], 0.0)
    distance: Array = np.minimum(np.hypot(bar[..., 0], bar[..., 1]), np.hypot(stem[..., 0], stem[..., 1]))
    return distance


def _contacts(spacing: float) -> Contacts:
    """Return contacts along all faces, at most ``spacing`` apart.

    The T has no friction and no momentum: it answers a push with the velocity that an impulse at the contact point,
    along its normal, gives a free body. The twist follows from mass and moment.
    """
    points, normals = [], []
    for corner, following in zip(OUTLINE, np.roll(OUTLINE, -1, axis=0), strict=True):
        along = following - corner
        length = float(np.hypot(*along))
        along /= length
        inside = np.array([-along[1], along[0]])
        # Where stem and bar meet, the pusher touches the other face too.
        first, last = (PUSHER_RADIUS + 2 if abs(x) == 15 and y == 30 else _CORNER for x, y in (corner, following))
        for at in np.linspace(first, length - last, max(2, int(np.ceil((length - first - last) / spacing)) + 1)):
            points.append(corner + at * along)
            normals.append(inside)
    point, normal = np.stack(points), np.stack(normals)
    lever = point - _CENTRE_OF_MASS
    arm = lever[:, 0] * normal[:, 1] - lever[:, 1] * normal[:, 0]
    give = 1.0 + arm**2 / _MOMENT
    rate = arm / _MOMENT / give
    # The origin moves with the centre of mass and turns about it.
    velocity = normal / give[:, None] + rate[:, None] * np.array([_CENTRE_OF_MASS[1], -_CENTRE_OF_MASS[0]])
    return Contacts(point, normal, np.column_stack((velocity, rate)))


CONTACTS = _contacts(spacing=12.0)
