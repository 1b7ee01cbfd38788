"""What a run's topics said, as arrays, one track a topic."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

AGES = ("ready", "first_used", "commanded", "sent")
"""Fields of AgeBudget.msg: seconds from capture until then."""


@dataclass(frozen=True)
class Span:
    """A stretch of time in one mode, for one reason; numbers in the reason may change meanwhile."""

    begin_s: float
    end_s: float
    mode: int
    reason: str


@dataclass(frozen=True)
class Track:
    """Messages of one topic; ``n`` of them."""

    seconds: Array
    """``[n]``, when they were stamped; ascending."""

    def periods(self) -> Array:
        """Return the time between them ``[n - 1]``, s."""
        return np.diff(self.seconds)


@dataclass(frozen=True)
class ModeTrack(Track):
    """Messages that tell a mode and the age of the picture that led there."""

    modes: npt.NDArray[np.int64]
    reasons: list[str]
    ages: Array
    """``[n, 4]``, s, by ``AGES``; NaN where it is not known."""

    def spans(self) -> list[Span]:
        """Return the stretches of time in one mode."""
        keys = [(int(mode), without_numbers(reason)) for mode, reason in zip(self.modes, self.reasons, strict=True)]
        starts = [place for place in range(len(keys)) if place == 0 or keys[place] != keys[place - 1]]
        ends = [*starts[1:], len(keys) - 1]
        return [
            Span(float(self.seconds[start]), float(self.seconds[end]), keys[start][0], self.reasons[start])
            for start, end in zip(starts, ends, strict=True)
        ]


@dataclass(frozen=True)
class GuardTrack(ModeTrack):
    """What /guard/state said."""

    requested: Array
    """``[n, 7]``, joints in rad and gripper opening in m; NaN where nothing was asked."""
    sent: Array
    """The same of what was sent."""
    limited: list[tuple[str, ...]]
    refused: npt.NDArray[np.int64]
    dry_run: bool


@dataclass(frozen=True)
class StepTrack(ModeTrack):
    """What /action_expert/step said."""

    staleness: Array
    """``[n]``, s; NaN without a picture."""
    inference: Array
    """``[n]``, s."""
    missed: npt.NDArray[np.int64]
    """``[n]``, missed ticks since the node started."""


@dataclass(frozen=True)
class JointTrack(Track):
    """What the driver measured."""

    positions: Array
    """``[n, 7]``, joints in rad and gripper opening in m."""


def without_numbers(reason: str) -> str:
    """Return a reason with its numbers left out, to tell one kind of reason from another."""
    return re.sub(r"-?\d+(\.\d+)?", "…", reason)
