"""The picture of a recorded run: modes, commands and measurements by joint, jerk, ages, inference, and why it held."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from arvla_ros.control.control_loop import Mode as StepMode
from arvla_ros.control.guard import Mode as GuardMode
from arvla_ros.evaluation import panels
from arvla_ros.evaluation.bag_run import AGES, GUARD, STEP, BagRun, ModeTrack, without_numbers
from arvla_ros.evaluation.run_figures import jerk, largest, mode_name, speed
from arvla_ros.robots import wx250s

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
# Of a joint panel, rad, and of the gripper's, m: less is noise.
_SMALLEST_RANGE = (0.05, 0.004)
# Reasons explained below the picture; the rest is in the JSON.
_EXPLAINED = 9
_AGE_COLOURS = ("tab:purple", "tab:cyan", "tab:orange", "tab:red")


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
        _draw_joint(cells[index], run, index, name)
    _draw_speed(cells[7], run)
    _draw_jerk(cells[8], run)
    _draw_ages(cells[9], run)
    _draw_inference(cells[10], run)
    _draw_guard_cost(cells[11], run)
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


def _draw_joint(axes: Axes, run: BagRun, index: int, name: str) -> None:
    unit, scale = ("mm", 1e3) if name == "gripper" else ("rad", 1.0)
    axes.set_ylabel(f"{name}, {unit}")
    if run.guard is None and run.joints is None:
        panels.missing(axes, f"no message on {GUARD} and /{run.robot_name}/joint_states")
        return
    if run.guard is not None:
        guard = run.guard
        panels.curve(
            axes, guard.seconds, scale * guard.requested[:, index], "requested", color=panels.REQUESTED, linewidth=2.4
        )
        panels.curve(axes, guard.seconds, scale * guard.sent[:, index], "sent", color=panels.SENT)
    if run.joints is not None:
        style = {"color": panels.MEASURED, "linestyle": ":", "linewidth": 1.4}
        panels.curve(axes, run.joints.seconds, scale * run.joints.positions[:, index], "measured", **style)
    panels.at_least(axes, scale * _SMALLEST_RANGE[name == "gripper"])
    if name == "gripper":
        panels.limits(axes, scale * wx250s.OPENING_LOWER, scale * wx250s.OPENING_UPPER)
    else:
        panels.limits(axes, wx250s.ARM_LOWER[index], wx250s.ARM_UPPER[index])
    if run.guard is not None:
        panels.ticks(axes, _limited_at(run, name), "limited by the guard")
    _legend(axes)


def _limited_at(run: BagRun, name: str) -> Iterable[float]:
    assert run.guard is not None
    for second, limited in zip(run.guard.seconds, run.guard.limited, strict=True):
        if any(what == name or what.endswith(f":{name}") or what == "workspace" for what in limited):
            yield float(second)


def _draw_speed(axes: Axes, run: BagRun) -> None:
    axes.set_ylabel("speed, rad/s")
    if run.guard is None:
        panels.missing(axes, f"no message on {GUARD}")
        return
    fastest = largest(speed(run.guard))
    panels.curve(axes, run.guard.seconds, fastest, "sent, fastest joint", color=panels.SENT)
    panels.limits(axes, wx250s.ARM_VELOCITY)
    _legend(axes)


def _draw_jerk(axes: Axes, run: BagRun) -> None:
    axes.set_ylabel("jerk, rad/s³")
    if run.guard is None:
        panels.missing(axes, f"no message on {GUARD}")
        return
    panels.curve(axes, run.guard.seconds, largest(jerk(run.guard)), "sent, largest of the joints", color=panels.SENT)
    _legend(axes)


def _draw_ages(axes: Axes, run: BagRun) -> None:
    """Draw how old the picture was when it was processed, first used, turned into a command, and sent."""
    axes.set_ylabel("age of the picture, ms")
    drawn = False
    if run.steps is not None:
        panels.curve(axes, run.steps.seconds, 1e3 * run.steps.staleness, "at each step (staleness)", color="0.6")
        drawn = True
    for column, (name, colour) in enumerate(zip(AGES, _AGE_COLOURS, strict=True)):
        for track in (run.guard, run.steps):
            if track is not None and np.isfinite(track.ages[:, column]).any():
                panels.curve(axes, track.seconds, 1e3 * track.ages[:, column], name.replace("_", " "), color=colour)
                drawn = True
                break
    if not drawn:
        panels.missing(axes, f"no age budget: no message on {STEP}, and none in {GUARD}")
        return
    axes.set_ylim(bottom=0)
    _legend(axes)


def _draw_inference(axes: Axes, run: BagRun) -> None:
    axes.set_ylabel("inference, ms")
    if run.steps is None:
        panels.missing(axes, f"no message on {STEP}")
        return
    panels.curve(axes, run.steps.seconds, 1e3 * run.steps.inference, "action expert, one step", color="tab:purple")
    axes.set_ylim(bottom=0)
    rises = np.flatnonzero(np.diff(run.steps.missed) > 0) + 1
    panels.ticks(axes, run.steps.seconds[rises], "missed tick")
    _legend(axes)


def _draw_guard_cost(axes: Axes, run: BagRun) -> None:
    """Draw what the guard changed of what was asked, and when it refused a command."""
    axes.set_ylabel("requested - sent, rad")
    if run.guard is None:
        panels.missing(axes, f"no message on {GUARD}")
        return
    changed = largest((run.guard.requested - run.guard.sent)[:, :6])
    panels.curve(axes, run.guard.seconds, changed, "largest of the joints", color=panels.REQUESTED)
    rises = np.flatnonzero(np.diff(run.guard.refused) > 0) + 1
    panels.ticks(axes, run.guard.seconds[rises], "command refused")
    _legend(axes)


def _legend(axes: Axes) -> None:
    """Explain the curves above the panel, where they cannot hide them."""
    handles = axes.get_legend_handles_labels()[0]
    if handles:
        axes.legend(
            fontsize=8, ncol=len(handles), frameon=False, loc="lower right", bbox_to_anchor=(1.0, 0.97), borderpad=0.1
        )
    axes.grid(alpha=0.25)
