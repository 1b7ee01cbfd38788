"""Finishes an MCAP file whose recording was cut off: in place, up to its last whole chunk."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from mcap.exceptions import McapError
from mcap.records import Channel, Chunk, ChunkIndex, Footer, McapRecord, Message, Schema
from mcap.stream_reader import StreamReader, breakup_chunk

from arvla_ros.episodes.layout import DatasetError
from arvla_ros.episodes.mcap_file import MAGIC, Summary, message_indexes

_RECORD_HEAD = 9


class RepairError(DatasetError):
    """A file that cannot be repaired; the message says why."""


@dataclass
class _Scan:
    """What is whole in a file.

    Attributes:
        summary: of the chunks that are whole.
        indexes: of each chunk, where its messages lie: log time and place within it, by channel.
        finished: whether the file has its own end.
    """

    summary: Summary = field(default_factory=Summary)
    indexes: list[dict[int, list[tuple[int, int]]]] = field(default_factory=list)
    finished: bool = False


def repair(path: Path) -> Summary:
    """Finish a file if it lacks its end, and return what is in it.

    Chunks are only ever dropped from the end, and only to find room for the summary where the disk is full.

    Raises:
        RepairError: it is no MCAP file written by this package.
        OSError: it cannot be read, or not written even with its last chunks dropped.
    """
    with path.open("r+b") as file:
        scan = _scan(file, path)
        if not scan.finished:
            _finish(file, scan)
    return scan.summary


def _scan(file: BinaryIO, path: Path) -> _Scan:
    if file.read(len(MAGIC)) != MAGIC:
        raise RepairError(f"{path} does not begin as an MCAP file: nothing was recorded in it")
    scan = _Scan()
    position = file.tell()
    try:
        for record in StreamReader(file, skip_magic=True, emit_chunks=True).records:
            if isinstance(record, Chunk):
                if not _take_chunk(scan, record, position, file.tell()):
                    break
            elif isinstance(record, Footer):
                scan.finished = True
                break
            position = file.tell()
    except (McapError, struct.error, UnicodeDecodeError, ValueError, MemoryError):
        pass  # cut off in the middle of a record
    scan.finished = scan.finished and file.read(len(MAGIC)) == MAGIC
    return scan


def _take_chunk(scan: _Scan, chunk: Chunk, start: int, end: int) -> bool:
    """Add a chunk to what is whole; return False for one that is not."""
    whole = len(chunk.data) == chunk.uncompressed_size and not chunk.compression
    if not whole or zlib.crc32(chunk.data) != chunk.uncompressed_crc:
        return False
    index: dict[int, list[tuple[int, int]]] = {}
    place = 0
    for record in breakup_chunk(chunk):
        if isinstance(record, Message):
            index.setdefault(record.channel_id, []).append((record.log_time, place))
            place += _RECORD_HEAD + 22 + len(record.data)
        else:
            _take_definition(scan.summary, record)
            place += _length_at(chunk.data, place)
    for channel, entries in index.items():
        scan.summary.counts[channel] = scan.summary.counts.get(channel, 0) + len(entries)
    offsets, indexes = message_indexes(index, end)
    scan.summary.chunks.append(
        ChunkIndex(
            chunk_length=end - start,
            chunk_start_offset=start,
            compression="",
            compressed_size=len(chunk.data),
            message_end_time=chunk.message_end_time,
            message_index_length=len(indexes),
            message_index_offsets=offsets,
            message_start_time=chunk.message_start_time,
            uncompressed_size=chunk.uncompressed_size,
        )
    )
    scan.indexes.append(index)
    return True


def _take_definition(summary: Summary, record: McapRecord) -> None:
    if isinstance(record, Schema):
        summary.schemas[record.id] = record
    elif isinstance(record, Channel):
        summary.channels[record.id] = record


def _length_at(data: bytes, place: int) -> int:
    """Return the bytes of the record at a place, its head included."""
    return _RECORD_HEAD + int(struct.unpack_from("<Q", data, place + 1)[0])


def _finish(file: BinaryIO, scan: _Scan) -> None:
    """Write the indexes of the last chunk and the summary behind what is whole."""
    while True:
        chunks = scan.summary.chunks
        if chunks:
            end = chunks[-1].chunk_start_offset + chunks[-1].chunk_length
            tail = message_indexes(scan.indexes[-1], end)[1]
        else:
            end, tail = _after_header(file), b""
        file.truncate(end)
        file.seek(end)
        try:
            file.write(tail + scan.summary.encode(end + len(tail)))
            file.flush()
            return
        except OSError:
            if not chunks:
                raise
            _drop_last_chunk(scan)


def _drop_last_chunk(scan: _Scan) -> None:
    scan.summary.chunks.pop()
    for channel, entries in scan.indexes.pop().items():
        scan.summary.counts[channel] -= len(entries)


def _after_header(file: BinaryIO) -> int:
    """Return where the first record after the header begins; a file cut off before that gets none."""
    file.seek(len(MAGIC))
    head = file.read(_RECORD_HEAD)
    if len(head) < _RECORD_HEAD:
        return len(MAGIC)
    end = len(MAGIC) + _RECORD_HEAD + int(struct.unpack("<BQ", head)[1])
    return end if end <= file.seek(0, 2) else len(MAGIC)
