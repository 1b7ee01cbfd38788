"""``arvla episodes list|info|verify|score|recover|merge``: what lies in a folder of episodes, and its upkeep."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path

import tyro

from arvla_ros.episodes.bags import Bag
from arvla_ros.episodes.episode_folder import (
    INFO_FILE,
    EpisodeInfo,
    episodes,
    exclusive,
    next_number,
    recover,
    rename,
    unfinished,
)
from arvla_ros.episodes.layout import DatasetError

_KEPT = {True: "kept", False: "not kept", None: "not said"}


@dataclass(frozen=True)
class DirectoryConfig:
    """Which episodes."""

    directory: tyro.conf.Positional[Path]
    """Folder of recorded episodes."""


@dataclass(frozen=True)
class EpisodeConfig:
    """Which episode."""

    episode: tyro.conf.Positional[Path]
    """Its folder."""


@dataclass(frozen=True)
class ScoreEpisodeConfig:
    """What is to be said of an episode."""

    episode: tyro.conf.Positional[Path]
    """Its folder."""
    score: float | None = None
    """Rubric, 0 to 1."""
    kept: bool | None = None
    """Whether it is to be learned from."""
    notes: str | None = None
    """Anything else."""

    def __post_init__(self) -> None:
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise DatasetError(f"score {self.score:g} is not between 0 and 1")


@dataclass(frozen=True)
class MergeConfig:
    """What is to be put together."""

    sources: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of recorded episodes; they are left empty."""
    into: Path
    """Folder that gets them, numbered on from its own."""


def list_episodes(config: DirectoryConfig) -> int:
    """Print a line an episode, and what they come to."""
    found = _episodes(config.directory)
    print(f"{'episode':<16}{'s':>7}{'messages':>10}  {'score':<6}{'':<9} task, instruction")
    for folder in found:
        info = EpisodeInfo.read(folder)
        score = "" if info.score is None else f"{info.score:.2f}"
        print(
            f"{folder.name:<16}{info.duration_s:>7.1f}{info.messages:>10}  {score:<6}{_KEPT[info.kept]:<9} "
            f"{info.task}, {info.instruction!r}{_remarks(info)}"
        )
    for folder in unfinished(config.directory):
        print(f"{folder.name:<16} unfinished: being recorded, or cut off; `arvla episodes recover {config.directory}`")
    infos = [EpisodeInfo.read(folder) for folder in found]
    kept = sum(info.kept is True for info in infos)
    print(f"{len(infos)} episodes, {kept} kept, {sum(info.duration_s for info in infos) / 60:.1f} minutes")
    return 0


def show(config: EpisodeConfig) -> int:
    """Print all that is known of an episode, and its topics."""
    info = EpisodeInfo.read(config.episode)
    for name, value in dataclasses.asdict(info).items():
        print(f"{name:<12} {value}")
    with Bag(config.episode) as bag:
        for topic, count in sorted(bag.counts.items()):
            rate = f"{count / info.duration_s:8.1f} Hz" if info.duration_s else ""
            print(f"{topic:<36} {bag.types[topic]:<40} {count:>7} {rate}")
    return 0


def verify(config: DirectoryConfig) -> int:
    """Read every message of every episode; return 1 if one is damaged, or holds not what it says."""
    problems = 0
    for folder in _episodes(config.directory):
        try:
            info = EpisodeInfo.read(folder)
            with Bag(folder) as bag:
                read = sum(1 for _ in bag.read())
            if read != info.messages:
                raise DatasetError(f"{read} messages, its {INFO_FILE} says {info.messages}")
        except DatasetError as error:
            problems += 1
            print(f"{folder.name}: {error}")
        else:
            print(f"{folder.name}: {read} messages, whole{_remarks(info)}")
    return 1 if problems else 0


def score(config: ScoreEpisodeConfig) -> int:
    """Say of an episode how well it went, and whether it is to be learned from."""
    info = EpisodeInfo.read(config.episode)
    said = {name: value for name in ("score", "kept", "notes") if (value := getattr(config, name)) is not None}
    if not said:
        raise DatasetError("nothing to say: give --score, --kept or --notes")
    dataclasses.replace(info, **said).write(config.episode)
    return 0


def recover_all(config: DirectoryConfig) -> int:
    """Repair what a crash left; return 1 if something cannot be repaired."""
    _episodes(config.directory, empty=True)
    with exclusive(config.directory):
        outcomes = recover(config.directory)
    for folder, outcome in outcomes:
        print(f"{folder.name}: {outcome}")
    print(f"{len(outcomes)} unfinished episodes")
    return 1 if unfinished(config.directory) else 0


def merge(config: MergeConfig) -> int:
    """Move episodes into one folder, numbered on."""
    moved = 0
    with exclusive(config.into):
        for source in config.sources:
            if source.resolve() == config.into.resolve():
                raise DatasetError(f"{source} is the folder that the episodes are to go into")
            with exclusive(source):
                for folder in _episodes(source):
                    number = next_number(config.into)
                    # Copied whole under a name that nobody takes for an episode, then renamed.
                    copy = config.into / f".{folder.name}.merging"
                    shutil.rmtree(copy, ignore_errors=True)
                    shutil.copytree(folder, copy)
                    rename(copy, number)
                    shutil.rmtree(folder)
                    moved += 1
    print(f"{config.into}: {moved} episodes more, {len(episodes(config.into))} in all")
    return 0


def _episodes(directory: Path, empty: bool = False) -> list[Path]:
    if not directory.is_dir():
        raise DatasetError(f"{directory} is no folder")
    found = episodes(directory)
    if not found and not empty and not unfinished(directory):
        raise DatasetError(
            f"{directory} holds no episodes (episode_000000, …): `ros2 launch arvla_ros record.launch.py`"
        )
    return found


def _remarks(info: EpisodeInfo) -> str:
    remarks = [*(["recovered"] if info.recovered else []), *([info.error] if info.error else [])]
    remarks += [f"{sum(info.dropped.values())} messages dropped"] if info.dropped else []
    return f" ({', '.join(remarks)})" if remarks else ""
