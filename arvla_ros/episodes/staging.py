"""Complete episodes that wait to be put into the files of a dataset, a folder each.

Encoding an episode needs nothing of the dataset but its format, so any process can do it; a folder gets its final name
only when it is complete, so whatever was killed leaves nothing that looks like an episode.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from arvla_ros.episodes.layout import INDEX_FEATURES, VIDEO, DatasetError, Feature, Info
from arvla_ros.episodes.statistics import Stats, describe, describe_images, from_lists, to_lists
from arvla_ros.episodes.video import VideoSettings, encode

_DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")
_DATA, _SUMMARY = "data.parquet", "episode.json"


@dataclass(frozen=True)
class EpisodeFormat:
    """What all episodes of a dataset share."""

    fps: int
    """Steps a second."""
    features: Mapping[str, Feature]
    """What the caller gives, columns and cameras; ``INDEX_FEATURES`` are added."""
    robot_type: str | None = None
    video: VideoSettings = field(default_factory=VideoSettings)
    data_file_mb: float = 100
    """A data file gets no further episode beyond this; MiB, as in ``info.json``."""
    video_file_mb: float = 200
    """The same of a video file."""

    def info(self) -> Info:
        """Return what ``info.json`` says of a dataset without episodes.

        Raises:
            DatasetError: a feature cannot be stored.
        """
        if self.fps < 1:
            raise DatasetError(f"a dataset has a whole, positive number of steps a second, not {self.fps}")
        features = {name: self._checked(name, feature) for name, feature in self.features.items()}
        return Info(
            fps=self.fps,
            features={**features, **INDEX_FEATURES},
            robot_type=self.robot_type,
            data_files_size_in_mb=self.data_file_mb,
            video_files_size_in_mb=self.video_file_mb,
        )

    def _checked(self, name: str, feature: Feature) -> Feature:
        if name in INDEX_FEATURES or "/" in name:
            raise DatasetError(f"feature {name!r}: the name is taken, or has a slash; choose another")
        if feature.dtype == VIDEO:
            if len(feature.shape) != 3 or feature.shape[2] != 3 or feature.shape[0] % 2 or feature.shape[1] % 2:
                raise DatasetError(f"camera {name!r} has shape {list(feature.shape)}, expected [even, even, 3]")
            return Feature(VIDEO, feature.shape, feature.names, self.video.info(*feature.shape[:2], self.fps))
        if len(feature.shape) != 1 or feature.dtype not in _DTYPES:
            raise DatasetError(
                f"feature {name!r} is {feature.dtype} {list(feature.shape)}, expected [n] of {', '.join(_DTYPES)}"
            )
        return feature


@dataclass(frozen=True)
class Episode:
    """An episode of ``T`` steps, at the steady rate of its dataset."""

    task: str
    """The instruction."""
    columns: Mapping[str, npt.NDArray[Any]]
    """``[T, n]``, or ``[T]`` for a feature of shape ``[1]``."""
    frames: Mapping[str, npt.NDArray[np.uint8]]
    """``[T, H, W, 3]`` by camera, RGB."""

    @classmethod
    def from_steps(cls, task: str, steps: Sequence[Mapping[str, npt.ArrayLike]], form: EpisodeFormat) -> Episode:
        """Put together what was taken down step by step, in the types of ``form``."""
        stacked = {
            name: np.array([step[name] for step in steps], dtype="uint8" if feature.is_video else feature.dtype)
            for name, feature in form.features.items()
        }
        cameras = {name for name in stacked if form.features[name].is_video}
        return cls(
            task,
            {name: values for name, values in stacked.items() if name not in cameras},
            {name: stacked[name] for name in cameras},
        )


@dataclass(frozen=True)
class StagedEpisode:
    """One of the folders."""

    folder: Path
    task: str
    length: int
    stats: dict[str, Stats]

    @classmethod
    def open(cls, folder: Path) -> StagedEpisode:
        """Read what ``stage`` wrote."""
        summary = json.loads((folder / _SUMMARY).read_text())
        stats = {name: from_lists(values) for name, values in summary["stats"].items()}
        return cls(folder, summary["task"], summary["length"], stats)

    def table(self) -> pa.Table:
        """Read the columns, all but the indices that depend on what else is in the dataset."""
        return pq.read_table(self.folder / _DATA)

    @property
    def data_size(self) -> int:
        """Of the columns as a file, bytes."""
        return (self.folder / _DATA).stat().st_size

    def video(self, camera: str) -> Path:
        """Return the file of a camera."""
        return self.folder / f"{camera}.mp4"

    def video_size(self, camera: str) -> int:
        """Of the file of a camera, bytes."""
        return self.video(camera).stat().st_size


def stage(folder: Path, form: EpisodeFormat, episode: Episode) -> None:
    """Check, encode and describe an episode, into a folder of its own.

    Raises:
        DatasetError: the episode is empty, or is not what the format says.
    """
    length = _check(form, episode)
    columns = {name: np.asarray(values) for name, values in episode.columns.items()}
    columns["frame_index"] = np.arange(length, dtype=np.int64)
    columns["timestamp"] = (columns["frame_index"] / form.fps).astype(np.float32)
    features = {**form.features, **INDEX_FEATURES}
    arrays = {name: _to_arrow(features[name], columns[name]) for name in features if name in columns}
    stats = {name: describe(columns[name]) for name in arrays}
    folder.mkdir()
    for camera, frames in episode.frames.items():
        encode(folder / f"{camera}.mp4", frames, form.fps, form.video)
        stats[camera] = describe_images(frames)
    pq.write_table(pa.table(arrays), folder / _DATA)
    summary = {
        "task": episode.task,
        "length": length,
        "stats": {name: to_lists(values) for name, values in stats.items()},
    }
    (folder / _SUMMARY).write_text(json.dumps(summary))


def _check(form: EpisodeFormat, episode: Episode) -> int:
    """Return the length of an episode that is what the format says."""
    given: dict[str, npt.NDArray[Any]] = {**episode.columns, **episode.frames}
    for wrong, what in (
        (form.features.keys() - given.keys(), "lacks"),
        (given.keys() - form.features.keys(), "has, unlike the dataset,"),
    ):
        if wrong:
            raise DatasetError(f"an episode {what} {', '.join(sorted(wrong))}")
    length = len(next(iter(given.values())))
    if length == 0:
        raise DatasetError("an episode has no steps: do not write it")
    for name, values in given.items():
        feature = form.features[name]
        dtype = "uint8" if feature.is_video else feature.dtype
        shapes = [(length, *feature.shape), *([(length,)] if feature.shape == (1,) else [])]
        if values.shape not in shapes or values.dtype != dtype:
            raise DatasetError(
                f"{name} is {values.dtype} {list(values.shape)} in an episode, expected {dtype} {list(shapes[0])}"
            )
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise DatasetError(f"{name} is not finite at step {int(np.argwhere(~np.isfinite(values))[0][0])}")
    return length


def _to_arrow(feature: Feature, values: npt.NDArray[Any]) -> pa.Array:
    kind = feature.arrow_type()
    if not pa.types.is_fixed_size_list(kind):
        return pa.array(values.reshape(-1), type=kind)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1), type=kind.value_type), type=kind)
