"""The plot of a run: what the joints did, when pictures were taken, and how old they were at every step."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from arvla_ros.evaluation import panels
from arvla_ros.evaluation.run_log import RunLog

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
    measured, sent = np.array([step.joints for step in steps]), np.array([step.sent for step in steps])
    panels.joints(joints, seconds, measured, sent, log.joint_names)
    seen = np.array([step.staleness_steps >= 0 for step in steps])
    now = np.array([step.step for step in steps], dtype=float)
    panels.anchors(anchors, seconds, now, np.where(seen, [step.anchor_step for step in steps], np.nan))
    panels.staleness_bars(staleness, seconds, np.where(seen, [step.staleness_steps for step in steps], np.nan))
    for number, episode in enumerate(episodes):
        begin, end = (episode.start_ns - start_ns) * 1e-9, (episode.end_ns - start_ns) * 1e-9
        colour = "tab:green" if episode.success else "tab:red"
        panels.shade((joints, anchors, staleness), begin, end, colour)
        # At two heights in turn: short episodes are narrower than their instructions.
        height = 1.02 + 0.05 * (number % 2)
        joints.text(begin, height, episode.instruction, transform=joints.get_xaxis_transform(), fontsize=8)
    staleness.set_xlabel("time, s (shaded: episodes; between them the arm goes home)")
    figure.savefig(path, dpi=130)
    plt.close(figure)
