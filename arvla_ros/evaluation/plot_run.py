"""``arvla plot run``: one picture of a recorded run, and its figures as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from arvla_ros.episodes.layout import DatasetError
from arvla_ros.evaluation.bag_run import read_run
from arvla_ros.evaluation.run_figures import figures, table
from arvla_ros.evaluation.run_picture import write_picture


@dataclass(frozen=True)
class PlotRunConfig:
    """Options of ``arvla plot run``."""

    bag: Annotated[Path, tyro.conf.Positional]
    """Folder of the bag, of `ros2 bag record` or of the recorder."""
    out: Path | None = None
    """The picture, a PNG; the figures go beside it as JSON. Without it, run.png in the working directory."""
    start: float = 0.0
    """Where to begin, s since the first stamp in the bag."""
    end: float = float("inf")
    """Where to end."""
    prefix: str = "wx250s"
    """Namespace of the driver (robot_name)."""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise DatasetError(f"--start {self.start:g} must not be negative, and be less than --end {self.end:g}")


def plot_run(config: PlotRunConfig) -> int:
    """Print the figures, and write picture and JSON; return the exit code.

    Raises:
        BagError: the folder is no bag, or nothing of a run is in it.
        OSError: the picture cannot be written.
    """
    run = read_run(config.bag, config.prefix.strip("/"), config.start, config.end)
    for warning in run.warnings:
        print(f"warning: {warning}")
    found = figures(run)
    picture = config.out or Path("run.png")
    numbers = picture.with_suffix(".json")
    picture.parent.mkdir(parents=True, exist_ok=True)
    write_picture(run, found, picture)
    numbers.write_text(json.dumps(found, indent=2))
    print(f"{table(found)}\n\npicture: {picture}\nfigures: {numbers}")
    return 0
