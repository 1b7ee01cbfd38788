"""Reads what an MCAP file holds without trusting its end, and finishes a file whose recording was cut off."""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from pathlib import Path

from . import mcap
from .compression import decompress


@dataclass
class Scan:
    """What was found in a file.

    Attributes:
        summary: all messages of it.
        is_complete: whether the file has its own end.
        end: bytes up to the end of the last record that is whole.
    """

    summary: mcap.Summary = field(default_factory=mcap.Summary)
    is_complete: bool = False
    end: int = 0


def scan(path: Path) -> Scan:
    """Look through a file.

    Raises:
        McapError: it is no MCAP file, or damaged in the middle.
        OSError: it cannot be read.
    """
    return _scan(path)[0]


def repair(path: Path) -> Scan:
    """Finish a file that lacks its end, in place, and return what is in it; a whole file is left alone.

    Raises:
        McapError: it is no MCAP file, or damaged in the middle.
        OSError: it cannot be read or written.
    """
    found, last_index = _scan(path)
    if not found.is_complete:
        with path.open("r+b") as file:
            chunks = found.summary.chunks
            if chunks and last_index:
                # The indexes behind the last chunk may be cut off: they are written anew.
                found.end = chunks[-1].offset + chunks[-1].length
                chunks[-1].index_offsets, indexes = mcap.message_indexes(last_index, found.end)
                chunks[-1].index_length = len(indexes)
            else:
                indexes = b""
            file.truncate(found.end)
            file.seek(found.end)
            file.write(indexes + found.summary.encode(found.end + len(indexes)))
    return found


_Index = dict[int, list[tuple[int, int]]]


def _scan(path: Path) -> tuple[Scan, _Index]:
    """Return what is in a file, and what is in its last chunk if nothing but indexes follows."""
    data = _map(path)
    found, last_index = Scan(end=len(mcap.MAGIC)), _Index()
    damage: mcap.McapError | None = None
    for opcode, place, content in mcap.records(data, len(mcap.MAGIC)):
        if damage:
            raise damage
        if opcode == mcap.DATA_END:
            found.is_complete = data[-len(mcap.MAGIC) :] == mcap.MAGIC
            break
        end = place + mcap.RECORD.size + len(content)
        try:
            if opcode == mcap.CHUNK:
                last_index = _scan_chunk(found.summary, place, content)
            elif opcode == mcap.MESSAGE_INDEX and found.summary.chunks:
                chunk = found.summary.chunks[-1]
                chunk.index_offsets[mcap.Cursor(content).number("<H")] = place
                chunk.index_length += end - place
            else:
                last_index = _Index()
                _scan_record(found.summary, opcode, content)
        except mcap.McapError as error:
            # The last record may be there but empty, as after a power cut; behind it nothing may follow.
            damage = error
        else:
            found.end = end
    return found, last_index


def _map(path: Path) -> memoryview:
    with path.open("rb") as file:
        if file.read(len(mcap.MAGIC)) != mcap.MAGIC:
            raise mcap.McapError(f"'{path}' is no MCAP file")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _scan_record(summary: mcap.Summary, opcode: int, content: memoryview) -> None:
    if opcode == mcap.SCHEMA:
        schema = mcap.parse_schema(content)
        summary.schemas[schema.id] = schema
    elif opcode == mcap.CHANNEL:
        channel = mcap.parse_channel(content)
        summary.channels[channel.id] = channel
    elif opcode == mcap.MESSAGE:
        channel_id, _, log_time, _ = mcap.MESSAGE_START.unpack_from(content)
        summary.note(channel_id, [log_time])


def _scan_chunk(summary: mcap.Summary, place: int, content: memoryview) -> _Index:
    chunk = mcap.Chunk.parse(content)
    records = decompress(chunk.data, chunk.compression)
    chunk.check(records)
    index = _Index()
    for opcode, offset, inner in mcap.records(records):
        if opcode == mcap.MESSAGE:
            channel_id, _, log_time, _ = mcap.MESSAGE_START.unpack_from(inner)
            index.setdefault(channel_id, []).append((log_time, offset))
        else:
            _scan_record(summary, opcode, inner)
    for channel_id, entries in index.items():
        summary.note(channel_id, [log_time for log_time, _ in entries])
    length = mcap.RECORD.size + len(content)
    summary.chunks.append(
        mcap.ChunkIndex(
            chunk.start_time, chunk.end_time, place, length, {}, 0, chunk.compression, len(chunk.data), chunk.size
        )
    )
    return index
