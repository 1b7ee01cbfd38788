"""Writes LeRobotDataset v3.0: episodes one by one, and whatever is interrupted goes on.

Each episode is complete on disk before the next (``staging``); publishing packs the waiting ones into new files of the
dataset. ``info.json`` comes last and counts what is valid: files beyond its count are overwritten by the next run.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from arvla_ros.episodes.layout import INFO_PATH, DatasetError, Info, read_json, write_json
from arvla_ros.episodes.publishing import publish
from arvla_ros.episodes.staging import Episode, EpisodeFormat, StagedEpisode, stage

SOURCE_PATH = Path("meta/source.json")
_STAGING, _LOCK = ".staging", ".lock"
_DIGITS = 6


class LeRobotWriter:
    """A dataset that grows. As a context manager it publishes, at its end, what is complete, errors or not."""

    def __init__(self, root: str | Path, form: EpisodeFormat, source: Mapping[str, Any] | None = None) -> None:
        """Begin a dataset, or go on with one.

        Args:
            root: Its folder.
            form: What its episodes are.
            source: Where they come from, as JSON; kept in ``meta/source.json``. Going on needs an equal one.

        Raises:
            DatasetError: the format is impossible, the folder holds something else, or somebody else writes there.
        """
        self.root = Path(root)
        self.form = form
        self._staging = self.root / _STAGING
        self._info = self._open(form.info(), dict(source or {}))
        self._lock = _lock(self.root / _LOCK)
        self._staging.mkdir(exist_ok=True)
        for folder in self._staging.iterdir():
            if folder.suffix == ".part" or int(folder.name) < self._info.total_episodes:
                shutil.rmtree(folder)
        self._count = self._info.total_episodes + len(list(self._staging.iterdir()))

    def __len__(self) -> int:
        """Return the number of complete episodes."""
        return self._count

    def append(self, episode: Episode) -> None:
        """Add an episode; it is safe on disk when this returns.

        Raises:
            DatasetError: it is not what the format says.
        """
        folder = self.part(self._count)
        stage(folder, self.form, episode)
        self.adopt(folder)

    def part(self, number: int) -> Path:
        """Return the folder that another process gives to ``stage``, for any number that no other one has."""
        # With the process's id, for of a run that was killed a worker may still be writing.
        return self._staging / f"{number:0{_DIGITS}d}.{os.getpid()}.part"

    def adopt(self, folder: Path) -> None:
        """Add the episode that ``stage`` wrote to ``folder``, as the last one."""
        folder.rename(self._staging / f"{self._count:0{_DIGITS}d}")
        self._count += 1

    def publish(self) -> None:
        """Put all complete episodes into the dataset's files, so that readers see them.

        Raises:
            DatasetError: the dataset cannot be read.
        """
        folders = sorted(folder for folder in self._staging.iterdir() if folder.suffix != ".part")
        if folders:
            self._info = publish(self.root, self._info, [StagedEpisode.open(folder) for folder in folders])
            for folder in folders:
                shutil.rmtree(folder)

    def close(self) -> None:
        """Publish, and leave nothing but the dataset behind."""
        self.publish()
        shutil.rmtree(self._staging)
        (self.root / _LOCK).unlink()
        self._lock.close()

    def __enter__(self) -> LeRobotWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, fresh: Info, source: dict[str, Any]) -> Info:
        """Check that the folder is free or of the same kind; return what of the dataset is valid."""
        wanted = {"fps": fresh.fps, "robot_type": fresh.robot_type, **source}
        path = self.root / SOURCE_PATH
        if path.exists():
            held = read_json(path, "delete the folder")
            key = next((key for key in {**wanted, **held} if held.get(key) != wanted.get(key)), None)
            if key is not None:
                raise DatasetError(
                    f"{self.root} holds episodes with {key} {held.get(key)!r}, not {wanted.get(key)!r}: "
                    "choose another folder, or delete this one"
                )
        elif any(file.suffix != ".part" for file in self.root.rglob("*") if file.is_file()):
            raise DatasetError(f"{self.root} is not empty and not a dataset that arvla wrote: choose another folder")
        else:
            write_json(path, wanted)
        if not (self.root / INFO_PATH).exists():
            return fresh
        info = Info.load(self.root)
        held_features, wanted_features = info.to_dict()["features"], fresh.to_dict()["features"]
        if held_features != wanted_features:
            names = sorted({**held_features, **wanted_features})
            differing = [name for name in names if held_features.get(name) != wanted_features.get(name)]
            raise DatasetError(
                f"{self.root} holds episodes with another {', '.join(differing)}: "
                "choose another folder, or delete this one"
            )
        return info


def _lock(path: Path) -> IO[str]:
    """Return a file that no other process holds; the kernel frees it when this one ends, however it ends."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise DatasetError(f"{path.parent} is being written by another process: wait for it, or end it") from error
    return file
