"""Writes MCAP files in chunks that are handed to the operating system when asked: they outlive the process.

The records are those of the ``mcap`` package; its own writer closes a chunk by size alone, so that a quiet topic could
wait in memory for minutes. Layout: https://mcap.dev/spec; profile, encodings and message indexes as rosbag2 wants them.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    MessageIndex,
    Schema,
    Statistics,
    SummaryOffset,
)

MAGIC = b"\x89MCAP0\r\n"
LIBRARY = "arvla_ros"

_RECORD = struct.Struct("<BQ")
_MESSAGE = struct.Struct("<HIQQ")
_CHUNK = struct.Struct("<QQQIIQ")  # start, end, size, CRC, length of the compression's name (none), size
# Room for four raw 640 x 480 images; a larger message makes its chunk larger.
_CHUNK_BYTES = 4 * 2**20


@dataclass
class Summary:
    """What the end of a file says of all that is before it.

    Attributes:
        schemas: by number.
        channels: by number.
        chunks: where they are, in order.
        counts: messages by channel.
    """

    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    chunks: list[ChunkIndex] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)

    @property
    def start_ns(self) -> int:
        """Log time of the first message; 0 if there is none."""
        return min((chunk.message_start_time for chunk in self.chunks), default=0)

    @property
    def end_ns(self) -> int:
        """Log time of the last message; 0 if there is none."""
        return max((chunk.message_end_time for chunk in self.chunks), default=0)

    def encode(self, position: int) -> bytes:
        """Return the rest of a file whose chunks end at ``position``: end of data, summary, footer."""
        data_end = _encode([DataEnd(0)])
        start = position + len(data_end)
        groups: list[tuple[Opcode, bytes]] = [
            (Opcode.SCHEMA, _encode(list(self.schemas.values()))),
            (Opcode.CHANNEL, _encode(list(self.channels.values()))),
            (Opcode.STATISTICS, _encode([self._statistics()])),
            (Opcode.CHUNK_INDEX, _encode(list(self.chunks))),
        ]
        offsets: list[McapRecord] = []
        at = start
        for opcode, group in groups:
            if group:
                offsets.append(SummaryOffset(opcode, at, len(group)))
            at += len(group)
        summary = b"".join(group for _, group in groups) + _encode(offsets)
        footer = _encode([Footer(start, at, 0)])
        crc = zlib.crc32(footer[:-4], zlib.crc32(summary))
        return data_end + summary + footer[:-4] + struct.pack("<I", crc) + MAGIC

    def _statistics(self) -> Statistics:
        return Statistics(
            message_count=sum(self.counts.values()),
            schema_count=len(self.schemas),
            channel_count=len(self.channels),
            attachment_count=0,
            metadata_count=0,
            chunk_count=len(self.chunks),
            message_start_time=self.start_ns,
            message_end_time=self.end_ns,
            channel_message_counts=self.counts,
        )


class McapFile:
    """A file that is being written.

    Attributes:
        summary: what is in its finished chunks.
    """

    def __init__(self, path: Path) -> None:
        """Create it.

        Raises:
            OSError: it exists, or cannot be written.
        """
        self.summary = Summary()
        self._file = path.open("xb", buffering=0)
        self._position = 0
        self._schemas: dict[str, int] = {}
        # One buffer for all chunks: fresh memory for each would cost more than what is done with it.
        self._buffer, self._size = bytearray(_CHUNK_BYTES), 0
        self._index: dict[int, list[tuple[int, int]]] = {}
        self._append(MAGIC + _encode([Header("ros2", LIBRARY)]))

    def add_channel(self, topic: str, type_name: str, definition: str, offered_qos: str) -> int:
        """Add a topic of CDR messages and return the number that stands for it.

        Args:
            topic: absolute name.
            type_name: ``package/msg/Name``.
            definition: the message definition with those of all types that it uses, as MCAP's ``ros2msg`` has it.
            offered_qos: profiles of the publishers as rosbag2's YAML.
        """
        if type_name not in self._schemas:
            schema = Schema(
                id=len(self._schemas) + 1, name=type_name, encoding="ros2msg", data=definition.encode("utf-8")
            )
            self._schemas[type_name] = schema.id
            self.summary.schemas[schema.id] = schema
            self._put(_encode([schema]))
        channel = Channel(
            id=len(self.summary.channels) + 1,
            topic=topic,
            message_encoding="cdr",
            metadata={"offered_qos_profiles": offered_qos},
            schema_id=self._schemas[type_name],
        )
        self.summary.channels[channel.id] = channel
        self._put(_encode([channel]))
        return channel.id

    def write(self, channel: int, log_ns: int, publish_ns: int, data: bytes) -> None:
        """Add a message of a channel; times in ns since the Unix epoch.

        Raises:
            OSError: there is no room; every chunk that was finished before is there.
        """
        if self._size + len(data) > _CHUNK_BYTES:
            self.flush()
        self._index.setdefault(channel, []).append((log_ns, self._size))
        head = _RECORD.pack(Opcode.MESSAGE, _MESSAGE.size + len(data))
        self._put(head, _MESSAGE.pack(channel, 0, log_ns, publish_ns), data)

    def flush(self) -> None:
        """Finish the chunk and hand it to the operating system.

        Raises:
            OSError: there is no room.
        """
        if not self._index:
            return
        times = [log_ns for entries in self._index.values() for log_ns, _ in entries]
        start, end, size = min(times), max(times), self._size
        with memoryview(self._buffer) as buffer, buffer[:size] as chunk:
            head = _CHUNK.pack(start, end, size, zlib.crc32(chunk), 0, size)
            opening = _RECORD.pack(Opcode.CHUNK, len(head) + size) + head
            offset, length = self._position, len(opening) + size
            offsets, indexes = message_indexes(self._index, offset + length)
            self._append(opening, chunk, indexes)
        self.summary.chunks.append(
            ChunkIndex(
                chunk_length=length,
                chunk_start_offset=offset,
                compression="",
                compressed_size=size,
                message_end_time=end,
                message_index_length=len(indexes),
                message_index_offsets=offsets,
                message_start_time=start,
                uncompressed_size=size,
            )
        )
        for channel, entries in self._index.items():
            self.summary.counts[channel] = self.summary.counts.get(channel, 0) + len(entries)
        self._size, self._index = 0, {}

    def close(self) -> None:
        """Finish the file, without what cannot be written any more.

        Raises:
            OSError: not even the summary finds room; ``mcap_repair`` finishes the file later.
        """
        try:
            try:
                self.flush()
            finally:
                self._append(self.summary.encode(self._position))
        finally:
            self._file.close()

    def __enter__(self) -> McapFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _put(self, *parts: bytes) -> None:
        """Add to the chunk."""
        needed = self._size + sum(map(len, parts))
        if needed > len(self._buffer):
            self._buffer.extend(bytes(needed - len(self._buffer)))
        for part in parts:
            self._buffer[self._size : self._size + len(part)] = part
            self._size += len(part)

    def _append(self, *parts: bytes | memoryview) -> None:
        """Write all of it or, where there is no room, nothing of it."""
        try:
            for part in parts:
                rest = memoryview(part)
                while rest:
                    rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.truncate(self._position)
            self._file.seek(self._position)
            raise
        self._position += sum(map(len, parts))


def message_indexes(index: dict[int, list[tuple[int, int]]], position: int) -> tuple[dict[int, int], bytes]:
    """Return where each channel's index record lies from ``position`` on, and the records."""
    offsets, encoded = {}, b""
    for channel, entries in index.items():
        offsets[channel] = position + len(encoded)
        encoded += _encode([MessageIndex(channel, entries)])
    return offsets, encoded


def _encode(records: list[McapRecord]) -> bytes:
    builder = RecordBuilder()
    for record in records:
        record.write(builder)
    encoded: bytes = builder.end()  # type: ignore[no-untyped-call]
    return encoded
