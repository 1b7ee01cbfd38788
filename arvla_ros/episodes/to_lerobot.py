"""``arvla episodes to-lerobot``: recorded episodes become a LeRobot v3.0 dataset; what cannot is told and left out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import tyro
from tqdm import tqdm

from arvla_ros.episodes.episode_folder import INFO_FILE, EpisodeInfo, episodes, unfinished
from arvla_ros.episodes.from_bag import Converted, convert, episode_format
from arvla_ros.episodes.layout import INFO_PATH, DatasetError
from arvla_ros.episodes.lerobot_writer import LeRobotWriter
from arvla_ros.robots.contract import RobotContract

PREFIX_AGES_PATH = Path("meta/prefix_ages.json")
_AGE_BIN_S = 0.05


@dataclass(frozen=True)
class ToLeRobotConfig:
    """What to convert, and where to."""

    directory: tyro.conf.Positional[Path]
    """Folder of recorded episodes, or one bag."""
    out: Path
    """Folder of the dataset; a new one."""
    contract: str = "wx250s"
    """How topics become observations and actions: a name in config/, or a YAML file."""
    all: bool = False
    """Episodes too that nobody has kept: failed ones, and those of which nobody has said."""
    instruction: str = ""
    """What was asked for, where an episode does not tell."""


def to_lerobot(config: ToLeRobotConfig) -> int:
    """Convert; return 0 if every episode that was asked for is in the dataset, else 1.

    Raises:
        DatasetError: there is nothing to convert, or the dataset cannot be written.
        ContractError: the contract cannot be read.
    """
    contract = RobotContract.load(config.contract)
    bags = list(_bags(config))
    if not bags:
        raise DatasetError(f"{config.directory}: no episode to convert; --all takes those that were not kept too")
    if (config.out / INFO_PATH).exists():
        raise DatasetError(f"{config.out} holds a dataset: choose another folder, or delete it")
    source = {"contract": contract.to_dict(), "bags": [str(bag) for bag in bags], "arvla_ros": version("arvla_ros")}
    problems: list[str] = []
    ages: list[float] = []
    with LeRobotWriter(config.out, episode_format(contract), source) as writer:
        for bag in tqdm(bags, unit="episode", desc="convert"):
            try:
                converted = convert(bag, contract, _instruction(bag) or config.instruction)
                writer.append(converted.episode)
            except DatasetError as error:
                problems.append(f"{bag.name} left out: {error}")
                continue
            ages += converted.prefix_ages_s
            problems += _gaps(bag, converted)
        count = len(writer)
    if ages:
        _write_ages(config.out / PREFIX_AGES_PATH, ages)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{config.out}: {count} of {len(bags)} episodes")
    return 0 if count == len(bags) else 1


def _bags(config: ToLeRobotConfig) -> Iterator[Path]:
    """Yield the folders to convert, and say what is left out."""
    if (config.directory / "metadata.yaml").exists():
        yield config.directory
        return
    for folder in unfinished(config.directory):
        print(f"{folder.name} left out: unfinished; `arvla episodes recover {config.directory}`", file=sys.stderr)
    for folder in episodes(config.directory) or sorted(
        path.parent for path in config.directory.glob("*/metadata.yaml")
    ):
        if not (folder / INFO_FILE).exists() or config.all or EpisodeInfo.read(folder).kept:
            yield folder
        else:
            kept = EpisodeInfo.read(folder).kept
            why = "not kept" if kept is False else "nobody has said whether it is kept: `arvla episodes score`"
            print(f"{folder.name} left out: {why}", file=sys.stderr)


def _instruction(bag: Path) -> str:
    return EpisodeInfo.read(bag).instruction if (bag / INFO_FILE).exists() else ""


def _gaps(bag: Path, converted: Converted) -> list[str]:
    """Return what is to be told of an episode whose topics paused."""
    steps = len(converted.episode.columns["action"])
    return [
        f"{bag.name}: at {count} of {steps} steps nothing came on {topic} within half a step"
        for topic, count in converted.gaps.items()
        if count
    ]


def _write_ages(path: Path, ages: list[float]) -> None:
    """Write how old the policy's picture was, as a histogram that training can draw its staleness from."""
    edges = np.arange(0.0, max(ages) + 2 * _AGE_BIN_S, _AGE_BIN_S)
    counts, _ = np.histogram(ages, edges)
    content = {"bin_s": _AGE_BIN_S, "counts": counts.tolist(), "unit": "s from capture to control step"}
    path.write_text(json.dumps(content, indent=1) + "\n")
