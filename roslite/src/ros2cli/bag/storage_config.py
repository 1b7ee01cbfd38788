"""How MCAP files are written, by name or by file, as rosbag2's MCAP plugin knows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from .api import failure
from .compression import LEVELS
from .mcap_writer import McapOptions

_PRESETS = {
    "": McapOptions(),
    "none": McapOptions(),
    "zstd_fast": McapOptions(compression="zstd", level="Fastest"),
    "zstd_small": McapOptions(chunk_size=4 * 1024 * 1024, compression="zstd", level="Slowest"),
}
_COMPRESSIONS = {"None": "", "Lz4": "lz4", "Zstd": "zstd"}


def mcap_options(preset: str, path: str | None) -> McapOptions:
    """Return the options of a `--storage-preset-profile`, changed by a `--storage-config-file`.

    Raises:
        CommandError: there is no such preset or file, or it asks for what is not there.
    """
    if preset not in _PRESETS:
        known = ", ".join(f"'{name}'" for name in _PRESETS if name)
        raise failure(f"unknown MCAP storage preset profile (valid options are {known}): {preset}")
    options = _PRESETS[preset]
    if path is None:
        return options
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise failure(f"cannot read storage configuration '{path}': {error}") from error
    if not isinstance(content, dict):
        raise failure(f"storage configuration '{path}' holds no dictionary")
    for name, value in content.items():
        options = _changed(options, name, value, path)
    return options


def _changed(options: McapOptions, name: str, value: Any, path: str) -> McapOptions:
    if name == "compression" and value in _COMPRESSIONS:
        return replace(options, compression=_COMPRESSIONS[value])
    if name == "compressionLevel" and value in LEVELS:
        return replace(options, level=value)
    if name == "chunkSize" and isinstance(value, int) and value > 0:
        return replace(options, chunk_size=value)
    raise failure(
        f"storage configuration '{path}': '{name}: {value}' is not supported; there are compression "
        f"({', '.join(_COMPRESSIONS)}), compressionLevel ({', '.join(LEVELS)}) and chunkSize (bytes)"
    )
