"""Compression of chunks."""

from __future__ import annotations

from typing import cast

import lz4.frame
from backports import zstd

from .mcap import McapError

LEVELS = ("Fastest", "Fast", "Default", "Slow", "Slowest")
_ZSTD_LEVELS = dict(zip(LEVELS, (-5, -3, 1, 5, 19), strict=True))
_LZ4_LEVELS = dict(zip(LEVELS, (-8, -4, 0, 4, 12), strict=True))


def compress(data: bytes | bytearray, compression: str, level: str) -> bytes | bytearray:
    """Compress by ``zstd``, ``lz4`` or, if ``""``, not at all."""
    if compression == "zstd":
        return zstd.compress(data, _ZSTD_LEVELS[level])
    if compression == "lz4":
        return cast(bytes, lz4.frame.compress(data, compression_level=_LZ4_LEVELS[level]))
    return data


def decompress(data: memoryview, compression: str) -> memoryview:
    """Undo :func:`compress`.

    Raises:
        McapError: the data are damaged, or the compression is unknown.
    """
    try:
        if compression == "zstd":
            return memoryview(zstd.decompress(data))
        if compression == "lz4":
            return memoryview(lz4.frame.decompress(data))
    except (zstd.ZstdError, RuntimeError) as error:
        raise McapError(f"a chunk is damaged: {error}") from error
    if compression:
        raise McapError(f"unknown compression '{compression}'")
    return data
