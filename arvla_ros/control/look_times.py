"""How often perception looks of late, and how long it takes from the capture of a picture to its prefix."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

_KEPT = 200
_WINDOW_S = 30.0


@dataclass(frozen=True)
class Look:
    """One look.

    Attributes:
        done_s: when its prefix was ready, on a clock that is never set.
        image_age_s: from the oldest picture's capture to the beginning of the look.
        compute_s: from there to the prefix.
        ready_age_s: from capture to the prefix.
    """

    done_s: float
    image_age_s: float
    compute_s: float
    ready_age_s: float


class LookTimes:
    """Keeps the looks of the last 30 s, 200 at the most."""

    def __init__(self) -> None:
        self._looks: deque[Look] = deque(maxlen=_KEPT)

    def add(self, look: Look) -> None:
        """Take note of a look."""
        self._looks.append(look)

    def figures(self, now_s: float) -> dict[str, str]:
        """Return rate (Hz) and times (ms: median, 99th percentile) as text, nothing if there were no looks."""
        looks = [look for look in list(self._looks) if now_s - look.done_s <= _WINDOW_S]
        if not looks:
            return {}
        figures = {
            name: "{:.1f}, {:.1f}".format(
                *np.percentile([getattr(look, f"{name}_s") for look in looks], (50, 99)) * 1e3
            )
            for name in ("image_age", "compute", "ready_age")
        }
        named = {f"{name}_p50_p99_ms": text for name, text in figures.items()}
        took_s = looks[-1].done_s - looks[0].done_s
        if took_s > 0:
            named["achieved_rate_hz"] = f"{(len(looks) - 1) / took_s:.2f}"
        return named
