"""The box that no point of the arm may leave."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# m: steps are planned to stay this far inside, for braking that falls between the cycles it was planned for.
MARGIN = 0.002
_ROUNDING = 1e-9


class Workspace:
    """A box in ``base_link``. An arm that is found outside may come nearer, but go no further out.

    Attributes:
        lower: ``[3]`` m.
        upper: ``[3]`` m.
    """

    def __init__(self, points: Callable[[Array], Array], lower: Array, upper: Array) -> None:
        """Create a box around an arm.

        Args:
            points: Returns the points ``[..., p, 3]`` in m that have to stay inside, for joints ``[..., n]`` in rad.
                What lies on straight lines between them is inside with them.
            lower: ``[3]`` in m.
            upper: ``[3]`` in m.
        """
        self.lower = lower
        self.upper = upper
        self._points = points

    def allows(self, here: Array, path: Array) -> bool:
        """Return whether the arm may go from ``here`` ``[n]`` through all poses of ``path [k, n]``, rad."""
        points = self._points(np.concatenate((here[None], path)))
        start = points[0]
        low = np.minimum(self.lower + MARGIN, start) - _ROUNDING
        high = np.maximum(self.upper - MARGIN, start) + _ROUNDING
        return bool(((points >= low) & (points <= high)).all())

    def contains(self, joints: Array) -> bool:
        """Return whether every point is inside for joints ``[n]`` in rad."""
        points = self._points(joints)
        return bool(((points >= self.lower - _ROUNDING) & (points <= self.upper + _ROUNDING)).all())
