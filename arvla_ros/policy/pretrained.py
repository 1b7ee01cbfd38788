"""Pretrained models in Hugging Face format: where their files are, whether they are whole, what identifies them."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from safetensors import SafetensorError, safe_open

CONFIG, TOKENIZER, WEIGHTS, INDEX = "config.json", "tokenizer.json", "model.safetensors", "model.safetensors.index.json"

_HUB_ID = re.compile(r"[\w-]+/[\w.-]+")
_HUB_FILES = ("*.json", "model*.safetensors")
_CHUNK_BYTES = 1 << 24


class PretrainedError(ValueError):
    """A pretrained model that cannot be had or used; one line that says which, why and what to do."""


def find_pretrained(source: str, relative_to: Path | None = None) -> Path:
    """Return the folder of a pretrained model; what the hub's cache holds is not fetched again.

    Args:
        source: a folder, or the id of a model on the Hugging Face hub (``google/paligemma-3b-pt-224``).
        relative_to: the folder from which a relative ``source`` starts; default is the current one.

    Raises:
        PretrainedError: neither such a folder, nor in the cache, nor to be had from the hub.
    """
    folder = (relative_to or Path()) / source
    if folder.is_dir():
        return folder
    if not _HUB_ID.fullmatch(source):
        raise PretrainedError(f"pretrained model {folder}: no such folder; give one, or a hub id such as google/model")
    try:
        return _from_hub(source, only_cached=True)
    except (OSError, PretrainedError):
        pass  # not there, or not all of it
    try:
        return _from_hub(source, only_cached=False)
    # OSError is also: no network, no such model, a licence that was not accepted. Offline, half a model is returned.
    except (OSError, PretrainedError) as error:
        raise PretrainedError(
            f"pretrained model {source}: no folder {folder}, not in the hub's cache, and not to be had from the hub "
            f"({_first_line(error)}); go online and log in, or give a folder"
        ) from error


def read_config(folder: Path) -> dict[str, Any]:
    """Return the ``config.json`` of a model.

    Raises:
        PretrainedError: it is missing or is not a JSON object.
    """
    file = _file(folder, CONFIG)
    try:
        config = json.loads(file.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PretrainedError(f"{file}: not JSON ({error}); fetch the model again") from error
    if not isinstance(config, dict):
        raise PretrainedError(f"{file}: not a JSON object but {type(config).__name__}; fetch the model again")
    return config


def weight_files(folder: Path) -> list[Path]:
    """Return the weights of a model, one file or all shards of its index, sorted by name.

    Raises:
        PretrainedError: one is missing, or the index cannot be read.
    """
    if not (folder / INDEX).is_file():
        return [_file(folder, WEIGHTS)]
    try:
        names = sorted(set(json.loads((folder / INDEX).read_text())["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PretrainedError(f"{folder / INDEX}: not an index of shards ({error!r}); fetch the model again") from error
    return [_file(folder, name) for name in names]


def check_weights(folder: Path) -> None:
    """Check that every file of weights is whole, by its header; reads no tensor.

    Raises:
        PretrainedError: one is missing or cut off.
    """
    for file in weight_files(folder):
        try:
            with safe_open(file, framework="pt"):
                pass
        except (SafetensorError, OSError) as error:
            raise PretrainedError(f"{file}: not a whole safetensors file ({error}); fetch the model again") from error


def model_id(folder: Path) -> str:
    """Return what identifies the weights: SHA-256, in hex, over names, sizes and contents of their files.

    Raises:
        PretrainedError: as ``weight_files``.
    """
    digest = hashlib.sha256()
    for file in weight_files(folder):
        digest.update(f"{file.name} {file.stat().st_size}\n".encode())
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()


def _from_hub(source: str, *, only_cached: bool) -> Path:
    folder = Path(snapshot_download(source, allow_patterns=list(_HUB_FILES), local_files_only=only_cached))
    weight_files(folder)
    return folder


def _file(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise PretrainedError(f"pretrained model {folder}: {name} is missing; fetch the model again")
    return folder / name


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
