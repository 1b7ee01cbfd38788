"""Demonstrations on disk: one folder, a ``dataset.json`` and one compressed ``.npz`` an episode, no pickle.

``dataset.json``: format, task, contract, seed, disturbances, versions. ``episode_000012.npz``: the fields of
``Demonstration`` as arrays, strings as unicode arrays. An episode file appears under its name only when it is complete.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arvla_ros.robots.contract import ContractError, RobotContract

FORMAT = "arvla_ros demonstrations 1"
_INDEX = "dataset.json"


class DemonstrationError(ValueError):
    """Demonstrations are missing, foreign or damaged; the message names file and remedy."""


@dataclass(frozen=True)
class Demonstration:
    """One episode of ``T`` control steps."""

    seed: int
    """The environment's seed: ``RolloutEnv.reset(seed)`` gives the same beginning."""
    instruction: str
    success: bool
    images: npt.NDArray[np.uint8]
    """``[T, H, W, 3]``: the policy image at each step, before the action."""
    states: npt.NDArray[np.float32]
    """``[T, 7]``: the policy state at each step."""
    actions: npt.NDArray[np.float32]
    """``[T, 7]``: what the expert wants in that state: the label."""
    executed: npt.NDArray[np.float32]
    """``[T, 7]``: what was executed: the label, or the label and a push."""
    target: int
    """Which object the instruction names: a row of ``objects``."""
    goal: npt.NDArray[np.float32]
    """``[3]``: where the fingertips are to be, m in ``base_link``, as the episode begins."""
    objects: npt.NDArray[np.float32]
    """``[n, 3]``: the middle of each object's underside, in the order of the task's props, as the episode begins."""

    def __len__(self) -> int:
        """Return ``T``."""
        return len(self.states)


@dataclass(frozen=True)
class DatasetInfo:
    """What all episodes of a folder share."""

    task: str
    object_names: tuple[str, ...]
    seed: int
    disturb: float
    contract: RobotContract
    versions: dict[str, str]


class DemonstrationSet:
    """The demonstrations in a folder, read one by one as they are asked for."""

    def __init__(self, folder: str | Path) -> None:
        """Open a folder that ``arvla sim record`` wrote.

        Raises:
            DemonstrationError: it is missing, foreign, or holds no episode.
        """
        self.folder = Path(folder)
        self.info = read_info(self.folder)
        self._files = sorted(self.folder.glob("episode_*.npz"))
        if not self._files:
            raise DemonstrationError(f"{self.folder} holds no episode: record some with `arvla sim record`")

    def __len__(self) -> int:
        """Return the number of episodes."""
        return len(self._files)

    def __getitem__(self, index: int) -> Demonstration:
        """Read an episode.

        Raises:
            DemonstrationError: its file is damaged or foreign.
        """
        return read_episode(self._files[index], self.info.contract)

    def __iter__(self) -> Iterator[Demonstration]:
        """Read the episodes in their order."""
        return (self[index] for index in range(len(self)))


def episode_path(folder: Path, index: int) -> Path:
    """Return where episode ``index`` lies."""
    return folder / f"episode_{index:06d}.npz"


def write_info(folder: Path, info: DatasetInfo) -> None:
    """Make ``folder`` a dataset, or check that it is one of the same kind, so that recording can go on.

    Raises:
        DemonstrationError: it holds demonstrations of another kind; the message names the first difference.
    """
    wanted = {"format": FORMAT, **asdict(info), "contract": info.contract.to_dict()}
    wanted = json.loads(json.dumps(wanted))
    index = folder / _INDEX
    if index.exists():
        held = _read_json(index)
        differing = [key for key in wanted if held.get(key) != wanted[key]]
        if differing:
            key = differing[0]
            raise DemonstrationError(
                f"{folder} holds demonstrations with {key} {held.get(key)!r}, not {wanted[key]!r}: "
                "choose another folder, or delete this one"
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    _replace(index, json.dumps(wanted, indent=1).encode())


def read_info(folder: Path) -> DatasetInfo:
    """Read ``dataset.json``.

    Raises:
        DemonstrationError: it is missing or not of this format.
    """
    index = folder / _INDEX
    if not index.is_file():
        raise DemonstrationError(f"{folder} has no {_INDEX}: record demonstrations there with `arvla sim record`")
    held = _read_json(index)
    if held.get("format") != FORMAT:
        raise DemonstrationError(f"{index} has format {held.get('format')!r}, expected {FORMAT!r}")
    try:
        return DatasetInfo(
            task=str(held["task"]),
            object_names=tuple(held["object_names"]),
            seed=int(held["seed"]),
            disturb=float(held["disturb"]),
            contract=RobotContract.from_dict(held["contract"]),
            versions=dict(held["versions"]),
        )
    except KeyError as error:
        raise DemonstrationError(f"{index} lacks {error}") from error
    except (ContractError, TypeError, ValueError) as error:
        raise DemonstrationError(f"{index}: {error}") from error


def write_episode(path: Path, demonstration: Demonstration) -> None:
    """Write an episode; its file is there whole or not at all."""
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez_compressed(file, **asdict(demonstration))
    part.replace(path)


def read_episode(path: Path, contract: RobotContract) -> Demonstration:
    """Read an episode and check it against the contract.

    Raises:
        DemonstrationError: the file is damaged, or its arrays are not those of an episode.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays: dict[str, Any] = {field.name: archive[field.name] for field in fields(Demonstration)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DemonstrationError(f"{path} is no readable episode ({error}): delete it and record again") from error
    steps, size = len(arrays["states"]), contract.state_size
    expected = {
        "images": (steps, contract.image_height, contract.image_width, 3),
        "states": (steps, size),
        "actions": (steps, size),
        "executed": (steps, size),
        "goal": (3,),
    }
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise DemonstrationError(f"{path}: {name} has shape {list(arrays[name].shape)}, expected {list(shape)}")
    for name, kind in (("seed", int), ("target", int), ("success", bool), ("instruction", str)):
        arrays[name] = kind(arrays[name].item())
    return Demonstration(**arrays)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        held = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DemonstrationError(f"{path} is not readable JSON: {error}") from error
    if not isinstance(held, dict):
        raise DemonstrationError(f"{path} holds no JSON object")
    return held


def _replace(path: Path, content: bytes) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
