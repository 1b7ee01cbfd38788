"""The picture of a recorded run: modes, commands and measurements by joint, jerk, ages, inference, and why it held."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from arvla_ros.control.control_loop import Mode as StepMode
from arvla_ros.control.guard import Mode as GuardMode
from arvla_ros.evaluation import panels, run_panels
from arvla_ros.evaluation.bag_run import GUARD, STEP, BagRun
from arvla_ros.evaluation.run_figures import mode_name
from arvla_ros.evaluation.run_tracks import ModeTrack, without_numbers

_ACTIVE, _SLOW, _HELD, _MOVING, _OFF, _STOPPED = (
    *("tab:green", "gold", "tab:orange", "tab:blue", "0.8"),
    "tab:red",
)
_GUARD_COLOURS = {
    GuardMode.DISARMED: _OFF,
    GuardMode.ACTIVE: _ACTIVE,
    GuardMode.HOLD: _HELD,
    GuardMode.HOMING: _MOVING,
    GuardMode.ESTOP: _STOPPED,
}
_STEP_COLOURS = {
    StepMode.IDLE: _OFF,
    StepMode.WAITING: _OFF,
    StepMode.NORMAL: _ACTIVE,
    StepMode.LATE: _SLOW,
    StepMode.HOLD: _HELD,
}
_COLOUR_KEY = {
    "active, normal": _ACTIVE,
    "late": _SLOW,
    "hold": _HELD,
    "homing": _MOVING,
    "disarmed, waiting": _OFF,
    "e-stop": _STOPPED,
}
# Reasons explained below the picture; the rest is in the JSON.
_EXPLAINED = 9


def write_picture(run: BagRun, found: dict[str, Any], path: Path) -> None:
    """Write a PNG, 1600 pixels wide.

    Args:
        run: the run.
        found: its ``figures``.
        path: of the PNG.
    """
    reasons = _reasons(run)
    explained = _explanations(reasons, found)
    foot = 0.28 + 0.17 * len(explained)
    height = 17.5 + foot
    figure, grid = plt.subplots(
        7, 2, figsize=(16, height), sharex=True, height_ratios=(0.55, 1, 1, 1, 1, 1, 1), squeeze=False
    )
    figure.subplots_adjust(
        left=0.06, right=0.985, top=1 - 0.95 / height, bottom=(foot + 0.55) / height, hspace=0.3, wspace=0.15
    )
    modes = _join_top(figure, grid)
    _draw_modes(modes, run, reasons)
    cells = grid[1:].reshape(-1)
    for index, name in enumerate(run.names):
        run_panels.draw_joint(cells[index], run, index, name)
    run_panels.draw_speed(cells[7], run)
    run_panels.draw_jerk(cells[8], run)
    run_panels.draw_ages(cells[9], run)
    run_panels.draw_inference(cells[10], run)
    run_panels.draw_changes(cells[11], run)
    for span in run.guard.spans() if run.guard else ():
        if span.mode in (GuardMode.HOLD, GuardMode.ESTOP):
            panels.shade(cells, span.begin_s, span.end_s, _GUARD_COLOURS[GuardMode(span.mode)], 0.12)
    cells[0].set_xlim(run.begin_s, max(run.end_s, run.begin_s + 0.1))
    for axes in grid[-1]:
        axes.set_xlabel("time, s (orange and red: the guard holds)")
    figure.suptitle(_title(run), fontsize=12, x=0.06, y=1 - 0.18 / height, ha="left", va="top")
    figure.text(0.06, 0.1 / height, "\n".join(explained), fontsize=9, va="bottom", linespacing=1.3)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _join_top(figure: Any, grid: Any) -> Axes:
    """Return one panel in place of the two of the first row."""
    spec = grid[0, 0].get_gridspec()
    for axes in grid[0]:
        axes.remove()
    joined: Axes = figure.add_subplot(spec[0, :], sharex=grid[1, 0])
    return joined


def _title(run: BagRun) -> str:
    texts = list(dict.fromkeys(text for _, text in run.instructions))
    asked = ", ".join(f'"{text}"' for text in texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")
    dry = "  DRY RUN: nothing reached the arm" if run.guard is not None and run.guard.dry_run else ""
    damaged = "  CUT OFF" if run.warnings else ""
    return f"{run.folder.name}, {run.begin_s:.1f} to {run.end_s:.1f} s{dry}{damaged}   {asked or 'no instruction'}"


Reasons = dict[tuple[str, int, str], int]
"""Number of each kind of hold: who, mode and reason without its numbers."""


def _reasons(run: BagRun) -> Reasons:
    """Number the reasons, in the order of time."""
    found: list[tuple[float, tuple[str, int, str]]] = []
    for who, track, running in _tracks(run):
        for span in track.spans() if track else ():
            if span.mode not in running:
                found.append((span.begin_s, (who, span.mode, without_numbers(span.reason))))
    ordered = dict.fromkeys(key for _, key in sorted(found))
    return {key: number for number, key in enumerate(ordered, 1)}


def _tracks(run: BagRun) -> tuple[tuple[str, ModeTrack | None, tuple[int, ...]], ...]:
    return (
        ("guard", run.guard, (GuardMode.ACTIVE,)),
        ("expert", run.steps, (StepMode.NORMAL,)),
    )


def _explanations(reasons: Reasons, found: dict[str, Any]) -> list[str]:
    lines = []
    for (who, mode, reason), number in reasons.items():
        part = found["guard"] if who == "guard" else found["control"]
        names: Any = GuardMode if who == "guard" else StepMode
        name = mode_name(names, mode)
        hold = next(each for each in part["holds"] if (each["mode"], without_numbers(each["reason"])) == (name, reason))
        text = textwrap.shorten(hold["reason"] or "no reason given", 130)
        lines.append(f"{number:>2}  {who} {name.lower()}, {hold['count']} x, {hold['seconds']:.1f} s: {text}")
    if len(lines) > _EXPLAINED:
        lines = [*lines[:_EXPLAINED], f"and {len(lines) - _EXPLAINED} more: see the JSON"]
    return lines or ["never held"]


def _draw_modes(axes: Axes, run: BagRun, reasons: Reasons) -> None:
    """Draw a band each for guard and action expert; the numbers are explained below the picture."""
    axes.set_ylim(-0.6, 1.6)
    axes.set_yticks([1, 0], ["guard", "expert"])
    panels.colour_key(axes, _COLOUR_KEY)
    width = run.end_s - run.begin_s
    colours: dict[str, Any] = {"guard": _GUARD_COLOURS, "expert": _STEP_COLOURS}
    for row, (who, track, running) in zip((1, 0), _tracks(run), strict=True):
        if track is None:
            topic = GUARD if who == "guard" else STEP
            axes.text(run.begin_s + 0.5 * width, row, f"no message on {topic}", ha="center", va="center", color="0.35")
            continue
        spans = track.spans()
        panels.band(axes, row, [(each.begin_s, each.end_s, colours[who].get(each.mode, _OFF)) for each in spans])
        free_from = -np.inf
        for span in spans:
            number = reasons.get((who, span.mode, without_numbers(span.reason)))
            middle = 0.5 * (span.begin_s + span.end_s)
            # Numbers that would overlap are left out; their colour shows them.
            if span.mode not in running and number is not None and middle - 0.006 * width > free_from:
                axes.text(middle, row, str(number), ha="center", va="center", fontsize=8, clip_on=True)
                free_from = middle + 0.006 * width
