"""Recorded episodes on disk: one folder each, which ``ros2 bag`` accepts, and what is known of it in ``episode.json``.

While an episode is being recorded its folder ends in ``.recording``; finishing it is one rename. What a crash left is
repaired by ``recover``, which the recorder calls at its start.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from arvla_ros.episodes.layout import DatasetError
from arvla_ros.episodes.mcap_file import Summary
from arvla_ros.episodes.mcap_repair import RepairError, repair

INFO_FILE = "episode.json"
METADATA_FILE = "metadata.yaml"
_METADATA_VERSION = 5  # what Humble writes; later distributions read it too
_RECORDING = ".recording"
_FINISHED = re.compile(r"episode_(\d{6,})")
_LOCK_FILE = ".recorder.lock"


@dataclass(frozen=True)
class EpisodeInfo:
    """What is known of an episode apart from its messages."""

    episode: int
    task: str = ""
    instruction: str = ""
    operator: str = ""
    started: str = ""
    """When, ISO 8601 with the offset from UTC."""
    kept: bool | None = None
    """Whether it is to be learned from; None: nobody has said, as after a crash."""
    score: float | None = None
    """Rubric, 0 to 1."""
    notes: str = ""
    checkpoint: str = ""
    """``model_id`` of the policy, where one drove."""
    messages: int = 0
    duration_s: float = 0.0
    dropped: dict[str, int] = field(default_factory=dict)
    """Messages by topic that came but were not written."""
    recovered: bool = False
    """Whether recording was cut off, so that the end is missing."""
    error: str = ""
    """Why recording ended, if nobody ended it."""

    def write(self, folder: Path) -> None:
        """Write it into an episode's folder, all at once.

        Raises:
            OSError: that is not possible; what was there before is still there.
        """
        _replace(folder / INFO_FILE, json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, folder: Path) -> EpisodeInfo:
        """Read it from an episode's folder; fields of a later version are left out.

        Raises:
            DatasetError: there is none, or it makes no sense.
        """
        path = folder / INFO_FILE
        try:
            held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            known = {each.name for each in dataclasses.fields(cls)}
            return cls(**{name: value for name, value in held.items() if name in known})
        except FileNotFoundError as error:
            raise DatasetError(f"{folder} has no {INFO_FILE}: it is no recorded episode") from error
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DatasetError(f"{path} cannot be read: {error}; delete it, the messages are in the bag") from error


def recording_folder(directory: Path, episode: int) -> Path:
    """Return where an episode lies while it is being recorded."""
    return directory / f"episode_{episode:06d}{_RECORDING}"


def bag_file(folder: Path) -> Path:
    """Return the MCAP file of an episode's folder, recording or finished."""
    return folder / f"{folder.name.removesuffix(_RECORDING)}_0.mcap"


def finish(folder: Path, summary: Summary, info: EpisodeInfo) -> Path:
    """Give a folder whose MCAP file is complete its metadata and its final name, and return it.

    Raises:
        OSError: that is not possible; ``recover`` can do it later.
    """
    finished = folder.with_name(folder.name.removesuffix(_RECORDING))
    info.write(folder)
    _replace(folder / METADATA_FILE, _metadata(summary, bag_file(folder).name))
    folder.rename(finished)
    _sync(finished.parent)
    return finished


def rename(folder: Path, episode: int) -> Path:
    """Give an episode's folder, under whatever name, another number, and return it.

    The bag's file keeps its name, which its metadata tell.

    Raises:
        OSError: that is not possible.
    """
    finished = folder.with_name(f"episode_{episode:06d}")
    dataclasses.replace(EpisodeInfo.read(folder), episode=episode).write(folder)
    folder.rename(finished)
    _sync(finished.parent)
    return finished


def episodes(directory: Path) -> list[Path]:
    """Return the folders of the finished episodes, by number."""
    found = [(int(match[1]), path) for path in directory.glob("episode_*") if (match := _FINISHED.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def unfinished(directory: Path) -> list[Path]:
    """Return the folders of episodes that were cut off, or are being recorded."""
    return sorted(directory.glob(f"episode_*{_RECORDING}"))


def next_number(directory: Path) -> int:
    """Return the number after the highest one in use."""
    names = [path.name.removesuffix(_RECORDING) for path in directory.glob("episode_*")]
    return 1 + max((int(match[1]) for name in names if (match := _FINISHED.fullmatch(name))), default=-1)


def recover(directory: Path) -> list[tuple[Path, str]]:
    """Finish what a crash left, and return each folder with what became of it.

    The caller holds ``exclusive(directory)``. A folder that cannot be repaired stays as it is.
    """
    outcomes = []
    for folder in unfinished(directory):
        try:
            summary = repair(bag_file(folder))
            info = _info_of(folder)
            messages, duration_s = sum(summary.counts.values()), (summary.end_ns - summary.start_ns) * 1e-9
            info = dataclasses.replace(info, recovered=True, messages=messages, duration_s=duration_s)
            finished = finish(folder, summary, info)
            outcomes.append((finished, f"repaired: {messages} messages, {duration_s:.1f} s, kept: not said"))
        except FileNotFoundError:
            outcomes.append((folder, "holds no bag: nothing was recorded; delete it"))
        except (RepairError, OSError) as error:
            outcomes.append((folder, f"cannot be repaired: {error}"))
    return outcomes


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Keep other recorders out of a directory.

    Raises:
        DatasetError: another one is at work in it.
        OSError: it cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / _LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DatasetError(
                f"{directory}: another recorder is at work in it; stop it, or use a directory of your own"
            ) from error
        yield


def _info_of(folder: Path) -> EpisodeInfo:
    """Return what is known of an unfinished episode; its number, if the crash left nothing else."""
    try:
        return EpisodeInfo.read(folder)
    except DatasetError:
        return EpisodeInfo(int(folder.name.removesuffix(_RECORDING).removeprefix("episode_")))


def _metadata(summary: Summary, file: str) -> str:
    """Return ``metadata.yaml`` as rosbag2 writes it."""
    start, duration = {"nanoseconds_since_epoch": summary.start_ns}, {"nanoseconds": summary.end_ns - summary.start_ns}
    messages = sum(summary.counts.values())
    topics = [
        {
            "topic_metadata": {
                "name": channel.topic,
                "type": summary.schemas[channel.schema_id].name,
                "serialization_format": "cdr",
                "offered_qos_profiles": channel.metadata.get("offered_qos_profiles", ""),
            },
            "message_count": summary.counts.get(channel.id, 0),
        }
        for channel in summary.channels.values()
    ]
    content = {
        "version": _METADATA_VERSION,
        "storage_identifier": "mcap",
        "duration": duration,
        "starting_time": start,
        "message_count": messages,
        "topics_with_message_count": topics,
        "compression_format": "",
        "compression_mode": "",
        "relative_file_paths": [file],
        "files": [{"path": file, "starting_time": dict(start), "duration": dict(duration), "message_count": messages}],
    }
    return str(yaml.safe_dump({"rosbag2_bagfile_information": content}, sort_keys=False))


def _replace(path: Path, text: str) -> None:
    """Write a file so that after a crash either the old or the new text is there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _sync(directory: Path) -> None:
    """Let a rename reach the disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
