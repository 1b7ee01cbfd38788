"""The layout of a LeRobotDataset v3.0: where files lie, what a feature is, and what ``info.json`` says.

Source: https://github.com/huggingface/lerobot, ``src/lerobot/datasets``; ``docs/datasets.md`` shows it by example.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

CODEBASE_VERSION = "v3.0"
VIDEO = "video"
IMAGE = "image"
INFO_PATH = Path("meta/info.json")
STATS_PATH = Path("meta/stats.json")
TASKS_PATH = Path("meta/tasks.parquet")
EPISODES_FOLDER = Path("meta/episodes")
_EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
_DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
_VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
_V21_REMEDY = "convert it with LeRobot's `python -m lerobot.datasets.v30.convert_dataset_v21_to_v30 --repo-id=NAME`"


class DatasetError(ValueError):
    """A dataset is missing, foreign, damaged, or was given what does not fit; the message names file and remedy."""


@dataclass(frozen=True)
class Feature:
    """One column, or one camera."""

    dtype: str
    """A numpy name (``float32``, ``int64``, ``bool``), ``string``, ``video``, or ``image``: pictures in the columns."""
    shape: tuple[int, ...]
    """Of one step; ``[H, W, 3]`` of a camera."""
    names: Any = None
    """A name a number; public datasets also nest them."""
    info: dict[str, Any] | None = None
    """How a camera was encoded."""

    @property
    def is_video(self) -> bool:
        """Whether this is a camera."""
        return self.dtype == VIDEO

    def arrow_type(self) -> pa.DataType:
        """Return the type of its column: a scalar for shape ``[1]``, else a list of fixed size."""
        scalar = pa.bool_() if self.dtype == "bool" else pa.type_for_alias(self.dtype)
        return scalar if self.shape == (1,) else pa.list_(scalar, self.shape[0])

    def to_dict(self) -> dict[str, Any]:
        """Return it as ``info.json`` holds it."""
        names = list(self.names) if isinstance(self.names, tuple) else self.names
        fields: dict[str, Any] = {"dtype": self.dtype, "shape": list(self.shape), "names": names}
        return fields if self.info is None else {**fields, "info": self.info}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Feature:
        """Read it from ``info.json``; raises KeyError or TypeError where that is wrong."""
        return cls(str(fields["dtype"]), tuple(map(int, fields["shape"])), fields.get("names"), fields.get("info"))


INDEX_FEATURES = {
    "timestamp": Feature("float32", (1,)),
    "frame_index": Feature("int64", (1,)),
    "episode_index": Feature("int64", (1,)),
    "index": Feature("int64", (1,)),
    "task_index": Feature("int64", (1,)),
}
"""What every dataset has; the writer fills them in."""


class FilePlace(NamedTuple):
    """Which of the numbered files."""

    chunk_index: int
    file_index: int

    def after(self, chunks_size: int) -> FilePlace:
        """Return the next place, at ``chunks_size`` files a chunk."""
        if self.file_index + 1 < chunks_size:
            return FilePlace(self.chunk_index, self.file_index + 1)
        return FilePlace(self.chunk_index + 1, 0)


def episodes_path(place: FilePlace) -> Path:
    """Return where a file of ``meta/episodes`` lies, below the dataset's folder."""
    return Path(_EPISODES_PATH.format(**place._asdict()))


@dataclass(frozen=True)
class Info:
    """What ``meta/info.json`` says."""

    fps: int
    features: dict[str, Feature]
    robot_type: str | None = None
    total_episodes: int = 0
    total_frames: int = 0
    total_tasks: int = 0
    chunks_size: int = 1000
    data_files_size_in_mb: float = 100
    video_files_size_in_mb: float = 200
    data_pattern: str = _DATA_PATH
    video_pattern: str | None = _VIDEO_PATH

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the features that are pictures."""
        return tuple(name for name, feature in self.features.items() if feature.dtype in (VIDEO, IMAGE))

    @property
    def videos(self) -> tuple[str, ...]:
        """Names of the cameras that have video files."""
        return tuple(name for name, feature in self.features.items() if feature.is_video)

    @property
    def columns(self) -> dict[str, Feature]:
        """The features that are columns of the data files."""
        return {name: feature for name, feature in self.features.items() if not feature.is_video}

    def data_path(self, place: FilePlace) -> Path:
        """Return where a data file lies, below the dataset's folder."""
        return Path(self.data_pattern.format(**place._asdict()))

    def video_path(self, camera: str, place: FilePlace) -> Path:
        """Return where a camera's file lies, below the dataset's folder."""
        return Path((self.video_pattern or _VIDEO_PATH).format(video_key=camera, **place._asdict()))

    def to_dict(self) -> dict[str, Any]:
        """Return it as the file holds it."""
        return {
            "codebase_version": CODEBASE_VERSION,
            "robot_type": self.robot_type,
            "total_episodes": self.total_episodes,
            "total_frames": self.total_frames,
            "total_tasks": self.total_tasks,
            "chunks_size": self.chunks_size,
            "data_files_size_in_mb": self.data_files_size_in_mb,
            "video_files_size_in_mb": self.video_files_size_in_mb,
            "fps": self.fps,
            "splits": {"train": f"0:{self.total_episodes}"},
            "data_path": self.data_pattern,
            "video_path": self.video_pattern if self.videos else None,
            "features": {name: feature.to_dict() for name, feature in self.features.items()},
        }

    @classmethod
    def load(cls, root: Path) -> Info:
        """Read the ``info.json`` of the dataset in ``root``.

        Raises:
            DatasetError: it is missing, damaged, or of another version.
        """
        fields = read_json(root / INFO_PATH, "record a dataset there with `arvla sim record`, or download one")
        version = fields.get("codebase_version")
        if version != CODEBASE_VERSION:
            remedy = _V21_REMEDY if version == "v2.1" else "only that version can be read"
            raise DatasetError(
                f"{root} is a LeRobot dataset of version {version}, expected {CODEBASE_VERSION}: {remedy}"
            )
        try:
            return cls(
                fps=int(fields["fps"]),
                features={name: Feature.from_dict(feature) for name, feature in fields["features"].items()},
                robot_type=fields.get("robot_type"),
                total_episodes=int(fields["total_episodes"]),
                total_frames=int(fields["total_frames"]),
                total_tasks=int(fields["total_tasks"]),
                chunks_size=int(fields["chunks_size"]),
                data_files_size_in_mb=fields.get("data_files_size_in_mb", 100),
                video_files_size_in_mb=fields.get("video_files_size_in_mb", 200),
                data_pattern=str(fields["data_path"]),
                video_pattern=fields.get("video_path"),
            )
        except KeyError as error:
            raise DatasetError(f"{root / INFO_PATH} lacks {error}: it is no LeRobot dataset") from error
        except (AttributeError, TypeError, ValueError) as error:
            raise DatasetError(f"{root / INFO_PATH} is damaged: {error}") from error


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        DatasetError: there is no such file (and ``remedy`` says what to do), or it holds something else.
    """
    if not path.is_file():
        raise DatasetError(f"{path} does not exist: {remedy}")
    try:
        held = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is not readable JSON: {error}") from error
    if not isinstance(held, dict):
        raise DatasetError(f"{path} holds no JSON object")
    return held


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file; it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=4))
    part.replace(path)
