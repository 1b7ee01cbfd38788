"""``arvla report``: the figures, the film and the plot of a run that the ``rollout`` node has logged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from arvla_ros.evaluation.film import write_film
from arvla_ros.evaluation.plot import write_plot
from arvla_ros.evaluation.run_log import RunLog
from arvla_ros.evaluation.summary import summarize


@dataclass(frozen=True)
class ReportConfig:
    """Options of ``arvla report``."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Folder of the run: what the launch argument ``report`` named."""


def report(config: ReportConfig) -> int:
    """Print the figures, write ``demo.mp4`` and ``demo.png`` into the folder; return 1 if no episode succeeded.

    Raises:
        RunLogError: the folder holds no whole run with an episode.
    """
    log = RunLog.load(config.folder)
    summary = summarize(log)
    film, plot = config.folder / "demo.mp4", config.folder / "demo.png"
    write_film(log, film)
    write_plot(log, plot)
    print(f"\n{summary.table()}\n\nfilm: {film}\nplot: {plot}")
    return 0 if summary.successes else 1
