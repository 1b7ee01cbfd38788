"""Reads LeRobotDataset v3.0, ours and others: columns as arrays, frames decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arvla_ros.episodes.layout import DatasetError, FilePlace, Info
from arvla_ros.episodes.metadata import flatten, load_episodes, load_tasks, read_table
from arvla_ros.episodes.video import decode, decode_picture


class LeRobotDataset:
    """The episodes in a folder.

    Attributes:
        root: The folder.
        info: What ``info.json`` says.
        tasks: Every task, by its ``task_index``.
    """

    def __init__(self, root: str | Path) -> None:
        """Open a dataset.

        Raises:
            DatasetError: it is missing, damaged, not of version 3.0, or without episodes.
        """
        self.root = Path(root)
        self.info = Info.load(self.root)
        if not self.info.total_episodes:
            raise DatasetError(f"{self.root} holds no episode: record some with `arvla sim record`")
        self._rows = load_episodes(self.root, self.info)
        self.tasks = load_tasks(self.root)
        self._cached: tuple[Path, pa.Table] | None = None

    def __len__(self) -> int:
        """Return the number of episodes."""
        return len(self._rows)

    def __getitem__(self, index: int) -> StoredEpisode:
        """Return an episode; nothing of it is read yet.

        Raises:
            IndexError: there is none of this index.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"{self.root} has episodes 0 to {len(self) - 1}, not {index}")
        return StoredEpisode(self, self._rows[index])

    def __iter__(self) -> Iterator[StoredEpisode]:
        """Return the episodes in their order."""
        return (self[index] for index in range(len(self)))

    def require(self, *features: str) -> None:
        """Make sure that there are these features.

        Raises:
            DatasetError: one is missing; the message lists those there are.
        """
        missing = [name for name in features if name not in self.info.features]
        if missing:
            raise DatasetError(f"{self.root} has no {', '.join(missing)}; it has {', '.join(self.info.features)}")

    def table(self, path: Path) -> pa.Table:
        """Read a data file; the last one is kept, for episodes are read in their order mostly."""
        if self._cached is None or self._cached[0] != path:
            self._cached = (path, read_table(path))
        return self._cached[1]


class StoredEpisode:
    """One episode of a dataset.

    Attributes:
        index: Its number.
        length: Its number of steps ``T``.
        tasks: What it is a demonstration of.
    """

    def __init__(self, dataset: LeRobotDataset, row: dict[str, Any]) -> None:
        self._dataset, self._row = dataset, row
        self.index: int = row["episode_index"]
        self.length: int = row["length"]
        self.tasks: list[str] = row["tasks"]

    def __len__(self) -> int:
        """Return ``T``."""
        return self.length

    @property
    def task(self) -> str:
        """The instruction: the first of ``tasks``."""
        return self.tasks[0]

    def column(self, name: str) -> npt.NDArray[Any]:
        """Read a feature that is no camera: ``[T, …]``, or ``[T]`` where its shape is ``[1]``.

        Raises:
            DatasetError: there is none of this name, or its file is missing or damaged.
        """
        features = self._dataset.info.features
        columns = [key for key in features if key not in self._dataset.info.cameras]
        if name not in columns:
            raise DatasetError(f"{self._dataset.root} has no column {name!r}; it has {', '.join(columns)}")
        shape = () if features[name].shape == (1,) else features[name].shape
        dtype = "str" if features[name].dtype == "string" else features[name].dtype
        rows, path = self._rows()
        try:
            return flatten(rows[name]).reshape(self.length, *shape).astype(dtype)
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"{path}: {name} of episode {self.index} is not as info.json says: {error}") from error

    def frames(self, camera: str, steps: Sequence[int] | npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.uint8]:
        """Decode what a camera saw, RGB ``[n, H, W, 3]``.

        Args:
            camera: Name of the feature.
            steps: ``[n]`` which steps, in any order; all without it.

        Raises:
            DatasetError: there is no such camera, or its file is missing, damaged, or lacks a frame.
            IndexError: there is no such step.
        """
        info = self._dataset.info
        if camera not in info.cameras:
            known = ", ".join(info.cameras) or "none"
            raise DatasetError(f"{self._dataset.root} has no camera {camera!r}; its cameras are {known}")
        wanted = np.arange(self.length) if steps is None else np.arange(self.length)[np.asarray(steps, dtype=np.int64)]
        if not info.features[camera].is_video:
            return self._pictures(camera, wanted)
        prefix = f"videos/{camera}"
        place = FilePlace(self._row[f"{prefix}/chunk_index"], self._row[f"{prefix}/file_index"])
        times = self._row[f"{prefix}/from_timestamp"] + self.column("timestamp")[wanted].astype(np.float64)
        try:
            return decode(self._dataset.root / info.video_path(camera, place), times)
        except DatasetError as error:
            raise DatasetError(f"episode {self.index}: {error}") from error

    def _pictures(self, camera: str, steps: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Decode pictures that lie in the data files."""
        rows, path = self._rows()
        try:
            return np.stack([decode_picture(picture["bytes"]) for picture in rows[camera].take(steps).to_pylist()])
        except (KeyError, TypeError, DatasetError) as error:
            raise DatasetError(f"{path}: {camera} of episode {self.index} holds no pictures: {error}") from error

    def _rows(self) -> tuple[pa.Table, Path]:
        """Return the episode's rows and the file they are from."""
        place = FilePlace(self._row["data/chunk_index"], self._row["data/file_index"])
        path = self._dataset.root / self._dataset.info.data_path(place)
        table = self._dataset.table(path)
        try:
            first = self._row["dataset_from_index"] - table["index"][0].as_py()
            rows = table.slice(first, self.length)
            found = rows["episode_index"].unique().to_pylist()
        except (KeyError, IndexError, pa.ArrowException) as error:
            raise DatasetError(f"{path} is no data file of LeRobot v3.0: {error}") from error
        if found != [self.index] or len(rows) != self.length:
            raise DatasetError(
                f"{path} has {len(rows)} rows of episodes {found} where meta/episodes says that the {self.length} of "
                f"episode {self.index} lie: the dataset is damaged"
            )
        return rows, path
