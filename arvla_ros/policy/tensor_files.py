"""Named tensors of other programs' safetensors: one file, a folder, or shards behind an index.

Only headers are read to know names and shapes, then the tensors that are asked for: of many gigabytes, only what is
taken costs anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


class TensorFileError(ValueError):
    """Weights that cannot be read; one line that names file and tensor, what is wrong and what to do."""


class TensorFiles:
    """The tensors under ``source``, read when asked for.

    Args:
        source: a ``.safetensors`` file, an index (``.json``, of the Hugging Face format) that tells which file holds
            which tensor, or a folder with ``model.safetensors``, ``model.safetensors.index.json`` or a single
            ``.safetensors`` file, looked for in this order.

    Attributes:
        shapes: the shape of every tensor by its name.

    Raises:
        TensorFileError: there is no such source, a file is missing, damaged or not what the index says.
    """

    def __init__(self, source: str | Path) -> None:
        self.source = Path(source)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._files: dict[str, Path] = {}
        entry = _entry(self.source)
        for file, promised in _shards(entry) if entry.suffix == ".json" else [(entry, None)]:
            shapes = _shapes(file)
            for name in shapes if promised is None else promised:
                if name not in shapes:
                    raise TensorFileError(f"{file}: lacks tensor {name!r} of {entry.name}; copy the folder again")
                self.shapes[name] = shapes[name]
                self._files[name] = file

    def check_shape(self, name: str, expected: Iterable[int]) -> None:
        """Check a tensor before anything is read.

        Raises:
            TensorFileError: there is no such tensor, or it has another shape.
        """
        expected = tuple(expected)
        if name not in self.shapes:
            raise TensorFileError(f"{self.source}: lacks tensor {name!r}, expected {list(expected)}; copy it again")
        if self.shapes[name] != expected:
            raise TensorFileError(
                f"{self._files[name]}: tensor {name!r} is {list(self.shapes[name])}, expected {list(expected)}; "
                "give weights of the same architecture"
            )

    def read(self, name: str, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return one tensor, cast to ``dtype``.

        Raises:
            TensorFileError: it is not of a floating type, or not finite.
            KeyError: there is no such tensor.
        """
        file = self._files[name]
        with safe_open(file, framework="pt") as opened:
            tensor: Tensor = opened.get_tensor(name)
        if not tensor.is_floating_point():
            raise TensorFileError(f"{file}: tensor {name!r} is {tensor.dtype}, expected a floating type; save it again")
        tensor = tensor.to(dtype)
        if not torch.isfinite(tensor).all():
            raise TensorFileError(f"{file}: tensor {name!r} is not finite as {dtype}; give weights of another training")
        return tensor


def _entry(source: Path) -> Path:
    """Return the file to start from."""
    if source.is_file():
        return source
    if not source.is_dir():
        raise TensorFileError(f"weights {source}: no such file or folder; give a .safetensors file or its folder")
    for name in (WEIGHTS, INDEX):
        if (source / name).is_file():
            return source / name
    found = sorted(source.glob("*.safetensors"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "no .safetensors file"
        raise TensorFileError(f"weights {source}: expected {WEIGHTS} or {INDEX}, found {names}; give the file itself")
    return found[0]


def _shards(index: Path) -> list[tuple[Path, list[str]]]:
    """Return every file that an index names, each with the tensors it should hold."""
    try:
        weight_map = json.loads(index.read_text())["weight_map"]
        shards: dict[Path, list[str]] = {}
        for name, file in weight_map.items():
            shards.setdefault(index.parent / file, []).append(name)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise TensorFileError(f"{index}: no readable weight_map ({error!r}); copy the folder again") from error
    return list(shards.items())


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    try:
        with safe_open(file, framework="pt") as opened:
            return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise TensorFileError(f"{file}: not a whole safetensors file ({error}); copy it again") from error
