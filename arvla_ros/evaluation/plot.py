"""The plot of a run: what the joints did, when pictures were taken, and how old they were at every step."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from arvla_ros.evaluation.run_log import RunLog, StepRecord

# Episodes shown: more would be too small to read.
SHOWN = 6


def write_plot(log: RunLog, path: Path) -> None:
    """Write a PNG with joint trajectories, prefix anchors and staleness over the first episodes of a run."""
    episodes = log.episodes[:SHOWN]
    start_ns, end_ns = episodes[0].start_ns, episodes[-1].end_ns
    steps = [step for step in log.steps if start_ns <= step.time_ns < end_ns]
    figure, (joints, anchors, staleness) = plt.subplots(
        3, 1, figsize=(12, 8), sharex=True, height_ratios=(3, 2, 1.4), constrained_layout=True
    )
    seconds = np.array([(step.time_ns - start_ns) * 1e-9 for step in steps])
    _plot_joints(joints, seconds, steps, log.joint_names)
    _plot_anchors(anchors, seconds, steps)
    _plot_staleness(staleness, seconds, steps)
    for number, episode in enumerate(episodes):
        begin, end = (episode.start_ns - start_ns) * 1e-9, (episode.end_ns - start_ns) * 1e-9
        colour = "tab:green" if episode.success else "tab:red"
        for axes in (joints, anchors, staleness):
            axes.axvspan(begin, end, color=colour, alpha=0.07, linewidth=0)
        # At two heights in turn: short episodes are narrower than their instructions.
        height = 1.02 + 0.05 * (number % 2)
        joints.text(begin, height, episode.instruction, transform=joints.get_xaxis_transform(), fontsize=8)
    staleness.set_xlabel("time, s (shaded: episodes; between them the arm goes home)")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _plot_joints(axes: Axes, seconds: np.ndarray, steps: list[StepRecord], names: list[str]) -> None:
    measured, sent = np.array([step.joints for step in steps]), np.array([step.sent for step in steps])
    for index, name in enumerate(names):
        (line,) = axes.plot(seconds, measured[:, index], label=name, linewidth=1.6)
        axes.plot(seconds, sent[:, index], ":", color=line.get_color(), linewidth=1.0)
    axes.set_ylabel("joints, rad\n(dotted: sent by the guard)")
    axes.legend(ncol=len(names), fontsize=8, loc="lower center", frameon=False)
    axes.margins(x=0.01, y=0.15)


def _plot_anchors(axes: Axes, seconds: np.ndarray, steps: list[StepRecord]) -> None:
    """Step index against the step that its picture is anchored at: the gap between the two is the staleness."""
    seen = np.array([step.staleness_steps >= 0 for step in steps])
    now = np.array([step.step for step in steps], dtype=float)
    anchor = np.where(seen, [step.anchor_step for step in steps], np.nan)
    axes.fill_between(seconds, anchor, now, step="post", color="tab:orange", alpha=0.25, linewidth=0)
    axes.step(seconds, now, where="post", color="black", linewidth=1.2, label="step of the expert")
    axes.step(seconds, anchor, where="post", color="tab:orange", linewidth=1.6, label="anchor of its picture")
    axes.set_ylabel("steps since\nthe last reset")
    axes.legend(fontsize=8, loc="upper left", frameon=False)


def _plot_staleness(axes: Axes, seconds: np.ndarray, steps: list[StepRecord]) -> None:
    stale = np.array([np.nan if step.staleness_steps < 0 else step.staleness_steps for step in steps])
    axes.bar(seconds, stale, width=0.08, color="tab:orange")
    axes.set_ylabel("staleness,\nsteps")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
