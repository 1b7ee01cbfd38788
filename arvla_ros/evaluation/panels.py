"""What the plots of runs are drawn from: one kind of curve each, on axes whose x is time in s."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib

matplotlib.use("Agg")

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

Numbers = npt.NDArray[np.floating[Any]]

SENT, REQUESTED, MEASURED, PICTURE = "tab:blue", "tab:orange", "black", "tab:orange"
_SMALL = 8


def joints(axes: Axes, seconds: Numbers, measured: Numbers, sent: Numbers, names: Sequence[str]) -> None:
    """Draw all joints ``[n, k]`` on one panel, measured and, dotted, sent."""
    for index, name in enumerate(names):
        (line,) = axes.plot(seconds, measured[:, index], label=name, linewidth=1.6)
        axes.plot(seconds, sent[:, index], ":", color=line.get_color(), linewidth=1.0)
    axes.set_ylabel("joints, rad\n(dotted: sent by the guard)")
    axes.legend(ncol=len(names), fontsize=_SMALL, loc="lower center", frameon=False)
    axes.margins(x=0.01, y=0.15)


def anchors(axes: Axes, seconds: Numbers, steps: Numbers, anchored: Numbers) -> None:
    """Draw step indices against the steps that their pictures are anchored at: the gap between is the staleness."""
    axes.fill_between(seconds, anchored, steps, step="post", color=PICTURE, alpha=0.25, linewidth=0)
    axes.step(seconds, steps, where="post", color="black", linewidth=1.2, label="step of the expert")
    axes.step(seconds, anchored, where="post", color=PICTURE, linewidth=1.6, label="anchor of its picture")
    axes.set_ylabel("steps since\nthe last reset")
    axes.legend(fontsize=_SMALL, loc="upper left", frameon=False)


def staleness_bars(axes: Axes, seconds: Numbers, steps: Numbers) -> None:
    """Draw the staleness in steps; NaN where there is no picture."""
    axes.bar(seconds, steps, width=0.08, color=PICTURE)
    axes.set_ylabel("staleness,\nsteps")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def curve(axes: Axes, seconds: Numbers, values: Numbers, label: str, **style: Any) -> None:
    """Draw a curve that breaks where values are NaN, and where nothing came for long."""
    if len(seconds) > 1:
        gaps = np.flatnonzero(np.diff(seconds) > max(1.0, 20 * float(np.median(np.diff(seconds)))))
        seconds = np.insert(seconds, gaps + 1, seconds[gaps])
        values = np.insert(values.astype(np.float64), gaps + 1, np.nan)
    axes.plot(seconds, values, label=label, **{"linewidth": 1.2, **style})


def at_least(axes: Axes, height: float) -> None:
    """Widen the range of a panel to ``height``, so that noise does not look like motion."""
    low, high = axes.get_ylim()
    if high - low < height:
        middle = 0.5 * (low + high)
        axes.set_ylim(middle - 0.5 * height, middle + 0.5 * height)


def limits(axes: Axes, *values: float) -> None:
    """Draw limits as dashed lines, without making room for those far away."""
    low, high = axes.get_ylim()
    for value in values:
        axes.axhline(value, color="tab:red", linestyle="--", linewidth=0.9)
    room = 0.5 * (high - low)
    inside = [value for value in values if low - room <= value <= high + room]
    axes.set_ylim(min([low, *(value - 0.02 * room for value in inside)]), max([high, *inside]))


def ticks(axes: Axes, seconds: Iterable[float], label: str, colour: str = "tab:red") -> None:
    """Mark moments at the foot of a panel."""
    moments = list(seconds)
    if moments:
        foot = axes.get_xaxis_transform()
        axes.plot(
            moments, [0.03] * len(moments), "|", color=colour, markersize=8, transform=foot, label=label, clip_on=False
        )


def shade(panels: Iterable[Axes], begin_s: float, end_s: float, colour: str, alpha: float = 0.07) -> None:
    """Colour a stretch of time."""
    for axes in panels:
        axes.axvspan(begin_s, end_s, color=colour, alpha=alpha, linewidth=0)


def band(axes: Axes, row: float, spans: Iterable[tuple[float, float, str]]) -> None:
    """Fill the band around ``row`` with stretches of time: begin, end, colour."""
    for begin_s, end_s, colour in spans:
        axes.barh(row, end_s - begin_s, left=begin_s, height=0.8, color=colour, linewidth=0)


def colour_key(axes: Axes, colours: dict[str, str]) -> None:
    """Explain the colours above a panel, in one row."""
    patches = [Patch(color=colour, label=name) for name, colour in colours.items()]
    axes.legend(
        handles=patches, ncol=len(patches), fontsize=_SMALL, frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0)
    )


def missing(axes: Axes, what: str) -> None:
    """Say in an empty panel what the bag lacks."""
    axes.text(0.5, 0.5, what, transform=axes.transAxes, ha="center", va="center", color="0.35", wrap=True)
    axes.set_yticks([])
