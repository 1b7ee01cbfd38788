"""The panels of a recorded run, each of which says so where the bag lacks its topic."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes

from arvla_ros.evaluation import panels
from arvla_ros.evaluation.bag_run import GUARD, STEP, BagRun
from arvla_ros.evaluation.run_figures import jerk, largest, speed
from arvla_ros.evaluation.run_tracks import AGES
from arvla_ros.robots import wx250s

# Of a joint panel, rad, and of the gripper's, m: less is noise.
_SMALLEST_RANGE = (0.05, 0.004)
_AGE_COLOURS = ("tab:purple", "tab:cyan", "tab:orange", "tab:red")


def draw_joint(axes: Axes, run: BagRun, index: int, name: str) -> None:
    """Draw what was requested, sent and measured of a joint, or of the gripper, with the guard's position limits."""
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


def draw_speed(axes: Axes, run: BagRun) -> None:
    """Draw the speed of the sent commands."""
    axes.set_ylabel("speed, rad/s")
    if run.guard is None:
        panels.missing(axes, f"no message on {GUARD}")
        return
    fastest = largest(speed(run.guard))
    panels.curve(axes, run.guard.seconds, fastest, "sent, fastest joint", color=panels.SENT)
    axes.set_ylim(bottom=0)
    panels.limits(axes, wx250s.ARM_VELOCITY)
    _legend(axes)


def draw_jerk(axes: Axes, run: BagRun) -> None:
    """Draw the jerk of the sent commands."""
    axes.set_ylabel("jerk, rad/s³")
    if run.guard is None:
        panels.missing(axes, f"no message on {GUARD}")
        return
    panels.curve(axes, run.guard.seconds, largest(jerk(run.guard)), "sent, largest of the joints", color=panels.SENT)
    axes.set_ylim(bottom=0)
    _legend(axes)


def draw_ages(axes: Axes, run: BagRun) -> None:
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


def draw_inference(axes: Axes, run: BagRun) -> None:
    """Draw what a step of the action expert costs, and the ticks that it missed."""
    axes.set_ylabel("inference, ms")
    if run.steps is None:
        panels.missing(axes, f"no message on {STEP}")
        return
    panels.curve(axes, run.steps.seconds, 1e3 * run.steps.inference, "action expert, one step", color="tab:purple")
    axes.set_ylim(bottom=0)
    rises = np.flatnonzero(np.diff(run.steps.missed) > 0) + 1
    panels.ticks(axes, run.steps.seconds[rises], "missed tick")
    _legend(axes)


def draw_changes(axes: Axes, run: BagRun) -> None:
    """Draw what the guard changed of what was asked, and when it refused a command."""
    axes.set_ylabel("requested - sent, rad")
    if run.guard is None:
        panels.missing(axes, f"no message on {GUARD}")
        return
    changed = largest((run.guard.requested - run.guard.sent)[:, :6])
    panels.curve(axes, run.guard.seconds, changed, "largest of the joints", color=panels.REQUESTED)
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(useOffset=False)
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
