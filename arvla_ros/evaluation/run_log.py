"""What one run of the whole stack left behind: every step, every prefix, every frame, every episode.

A folder with ``run.json`` (episodes) and ``run.npz`` (arrays; no pickle). Times are ROS time in ns.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class RunLogError(ValueError):
    """A folder that should hold a run does not; the message says what is wrong with it."""


@dataclass(frozen=True)
class Episode:
    """One episode: which layout, what was asked for, how it ended."""

    seed: int
    instruction: str
    start_ns: int
    end_ns: int
    success: bool
    score: float
    detail: str


@dataclass(frozen=True)
class StepRecord:
    """One tick of the action expert, as ActionStep told it, with what the guard had sent by then."""

    time_ns: int
    step: int
    anchor_step: int
    staleness_steps: int
    staleness_s: float
    inference_s: float
    mode: int
    missed_ticks: int
    joints: Sequence[float]
    sent: Sequence[float]


@dataclass(frozen=True)
class PrefixRecord:
    """One prefix: when its image was captured, when it arrived, how long the backbone took."""

    capture_ns: int
    received_ns: int
    compute_s: float


@dataclass(frozen=True)
class Frame:
    """One camera frame as JPEG."""

    capture_ns: int
    jpeg: bytes


@dataclass
class RunLog:
    """One run."""

    control_rate_hz: float
    joint_names: list[str]
    episodes: list[Episode] = field(default_factory=list)
    steps: list[StepRecord] = field(default_factory=list)
    prefixes: list[PrefixRecord] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    def save(self, folder: Path) -> None:
        """Write the run into ``folder``, which is made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        about = {
            "control_rate_hz": self.control_rate_hz,
            "joint_names": self.joint_names,
            "episodes": [asdict(episode) for episode in self.episodes],
        }
        (folder / "run.json").write_text(json.dumps(about, indent=2))
        arrays = {**_columns("step", self.steps), **_columns("prefix", self.prefixes)}
        arrays["frame_capture_ns"] = np.array([frame.capture_ns for frame in self.frames], dtype=np.int64)
        arrays["frame_end"] = np.cumsum([len(frame.jpeg) for frame in self.frames], dtype=np.int64)
        arrays["frame_jpeg"] = np.frombuffer(b"".join(frame.jpeg for frame in self.frames), dtype=np.uint8)
        with (folder / "run.npz").open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path) -> RunLog:
        """Read a run.

        Raises:
            RunLogError: the folder does not hold a whole run.
        """
        try:
            about = json.loads((folder / "run.json").read_text())
            with np.load(folder / "run.npz", allow_pickle=False) as arrays:
                return cls._from_parts(about, dict(arrays))
        except FileNotFoundError as error:
            raise RunLogError(f"{folder}: no {Path(error.filename).name}; did the run end by itself?") from error
        except (json.JSONDecodeError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
            raise RunLogError(f"{folder}: not a run of this version ({error})") from error

    @classmethod
    def _from_parts(cls, about: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> RunLog:
        ends = arrays["frame_end"].tolist()
        jpeg = arrays["frame_jpeg"].tobytes()
        captures = arrays["frame_capture_ns"].tolist()
        return cls(
            control_rate_hz=float(about["control_rate_hz"]),
            joint_names=list(about["joint_names"]),
            episodes=[Episode(**episode) for episode in about["episodes"]],
            steps=[StepRecord(**row) for row in _rows("step", arrays)],
            prefixes=[PrefixRecord(**row) for row in _rows("prefix", arrays)],
            frames=[
                Frame(capture, jpeg[start:end])
                for capture, start, end in zip(captures, [0, *ends[:-1]], ends, strict=True)
            ],
        )


def _columns(prefix: str, records: Sequence[StepRecord] | Sequence[PrefixRecord]) -> dict[str, npt.NDArray[Any]]:
    rows = [asdict(record) for record in records]
    return {f"{prefix}.{name}": np.array([row[name] for row in rows]) for name in (rows[0] if rows else {})}


def _rows(prefix: str, arrays: dict[str, npt.NDArray[Any]]) -> list[dict[str, Any]]:
    columns = {key.split(".", 1)[1]: array.tolist() for key, array in arrays.items() if key.startswith(f"{prefix}.")}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
