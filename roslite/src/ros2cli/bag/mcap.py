"""The MCAP file format (https://mcap.dev/spec), as far as bags need it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

MAGIC = b"\x89MCAP0\r\n"

HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, MESSAGE_INDEX, CHUNK_INDEX = range(0x01, 0x09)
STATISTICS, SUMMARY_OFFSET, DATA_END = 0x0B, 0x0E, 0x0F

RECORD = struct.Struct("<BQ")
"""What every record begins with: opcode and length of the rest."""

MESSAGE_START = struct.Struct("<HIQQ")
"""What a message begins with: channel, sequence number, log time, publish time."""

INDEX_ENTRY = struct.Struct("<QQ")
"""A message in an index: its log time and its place in the chunk."""

_CHUNK_START = struct.Struct("<QQQI")


class McapError(ValueError):
    """Bytes that are not MCAP."""


@dataclass(frozen=True)
class Schema:
    """A type of messages: name, and definition as text."""

    id: int
    name: str
    encoding: str
    data: bytes

    def encode(self) -> bytes:
        """Return the record."""
        head = struct.pack("<H", self.id) + text(self.name) + text(self.encoding)
        return record(SCHEMA, head + struct.pack("<I", len(self.data)) + self.data)


@dataclass(frozen=True)
class Channel:
    """A topic."""

    id: int
    schema_id: int
    topic: str
    encoding: str
    metadata: dict[str, str]

    def encode(self) -> bytes:
        """Return the record."""
        pairs = b"".join(text(key) + text(value) for key, value in self.metadata.items())
        head = struct.pack("<HH", self.id, self.schema_id) + text(self.topic) + text(self.encoding)
        return record(CHANNEL, head + struct.pack("<I", len(pairs)) + pairs)


@dataclass
class ChunkIndex:
    """Where a chunk is, and what is in it.

    Attributes:
        start_time: earliest log time in nanoseconds.
        end_time: latest log time in nanoseconds.
        offset: place of the chunk in the file.
        length: bytes of the whole record.
        index_offsets: places of the message indexes behind the chunk, by channel.
        index_length: bytes of all of these.
        compression: ``""``, ``lz4`` or ``zstd``.
        compressed_size: bytes as they are in the file.
        size: bytes of the records in it.
    """

    start_time: int
    end_time: int
    offset: int
    length: int
    index_offsets: dict[int, int]
    index_length: int
    compression: str
    compressed_size: int
    size: int

    def encode(self) -> bytes:
        """Return the record."""
        offsets = b"".join(struct.pack("<HQ", *item) for item in self.index_offsets.items())
        return record(
            CHUNK_INDEX,
            struct.pack("<QQQQ", self.start_time, self.end_time, self.offset, self.length)
            + struct.pack("<I", len(offsets))
            + offsets
            + struct.pack("<Q", self.index_length)
            + text(self.compression)
            + struct.pack("<QQ", self.compressed_size, self.size),
        )


@dataclass
class Summary:
    """What the end of a file tells of it; times are nanoseconds, 0 while there is no message."""

    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    chunks: list[ChunkIndex] = field(default_factory=list)
    start_time: int = 0
    end_time: int = 0

    @property
    def message_count(self) -> int:
        """How many messages there are on all channels."""
        return sum(self.counts.values())

    def note(self, channel_id: int, log_times: list[int]) -> None:
        """Count messages, one or more."""
        first = min(log_times)
        self.start_time = min(self.start_time, first) if self.message_count else first
        self.end_time = max(self.end_time, *log_times)
        self.counts[channel_id] = self.counts.get(channel_id, 0) + len(log_times)

    def encode(self, offset: int) -> bytes:
        """Return all that follows the data of a file that are ``offset`` bytes long."""
        data_end = record(DATA_END, bytes(4))
        start = offset + len(data_end)
        groups = (
            (SCHEMA, b"".join(schema.encode() for schema in self.schemas.values())),
            (CHANNEL, b"".join(channel.encode() for channel in self.channels.values())),
            (STATISTICS, self._statistics()),
            (CHUNK_INDEX, b"".join(chunk.encode() for chunk in self.chunks)),
        )
        place, offsets = start, b""
        for opcode, records in groups:
            if records:
                offsets += record(SUMMARY_OFFSET, struct.pack("<BQQ", opcode, place, len(records)))
                place += len(records)
        footer = record(FOOTER, struct.pack("<QQI", start, place, 0))
        return data_end + b"".join(records for _, records in groups) + offsets + footer + MAGIC

    def _statistics(self) -> bytes:
        counts = b"".join(struct.pack("<HQ", *item) for item in sorted(self.counts.items()))
        numbers = (self.message_count, len(self.schemas), len(self.channels), 0, 0, len(self.chunks))
        times = (self.start_time, self.end_time)
        return record(STATISTICS, struct.pack("<QHIIIIQQI", *numbers, *times, len(counts)) + counts)


def text(value: str) -> bytes:
    """Return a string as it is in records."""
    data = value.encode()
    return struct.pack("<I", len(data)) + data


def record(opcode: int, content: bytes) -> bytes:
    """Return a record."""
    return RECORD.pack(opcode, len(content)) + content


def header() -> bytes:
    """Return the beginning of a file."""
    return MAGIC + record(HEADER, text("ros2") + text("roslite"))


def chunk_start(
    start_time: int, end_time: int, records: bytes | bytearray, compression: str, compressed_size: int
) -> bytes:
    """Return what a chunk's record holds before its compressed records."""
    sizes = _CHUNK_START.pack(start_time, end_time, len(records), zlib.crc32(records))
    return sizes + text(compression) + struct.pack("<Q", compressed_size)


@dataclass(frozen=True)
class Chunk:
    """The record of a chunk; times are nanoseconds, sizes bytes.

    Attributes:
        checksum: CRC-32 of the uncompressed records, 0 if the writer left it out.
        data: the compressed records.
    """

    start_time: int
    end_time: int
    size: int
    checksum: int
    compression: str
    data: memoryview

    @classmethod
    def parse(cls, content: memoryview) -> Chunk:
        """Return the chunk that a record holds."""
        cursor = Cursor(content)
        start_time, end_time, size, checksum = (cursor.number(form) for form in ("<Q", "<Q", "<Q", "<I"))
        return cls(start_time, end_time, size, checksum, cursor.text(), cursor.sized("<Q"))

    def check(self, records: memoryview) -> None:
        """Compare uncompressed records with the checksum.

        Raises:
            McapError: they differ.
        """
        if self.checksum and zlib.crc32(records) != self.checksum:
            raise McapError("a chunk is damaged: its checksum is wrong")


def records(data: memoryview, place: int = 0) -> Iterator[tuple[int, int, memoryview]]:
    """Iterate over the records that are whole, up to the first that is not: opcode, place, content."""
    while place + RECORD.size <= len(data):
        opcode, length = RECORD.unpack_from(data, place)
        end = place + RECORD.size + length
        if opcode == 0 or end > len(data):
            return
        yield opcode, place, data[place + RECORD.size : end]
        place = end


def message_indexes(index: Mapping[int, Sequence[tuple[int, int]]], offset: int) -> tuple[dict[int, int], bytes]:
    """Return the records that tell where each channel's messages are in the chunk before them.

    Args:
        index: log times and places in the chunk, by channel.
        offset: where the records will be in the file.

    Returns:
        Where each channel's record will be, and the records.
    """
    offsets, records = {}, b""
    for channel_id, entries in index.items():
        offsets[channel_id] = offset + len(records)
        pairs = b"".join(INDEX_ENTRY.pack(*entry) for entry in entries)
        records += record(MESSAGE_INDEX, struct.pack("<HI", channel_id, len(pairs)) + pairs)
    return offsets, records


def parse_schema(content: memoryview) -> Schema:
    """Return the schema that a record holds."""
    cursor = Cursor(content)
    return Schema(cursor.number("<H"), cursor.text(), cursor.text(), bytes(cursor.sized("<I")))


def parse_channel(content: memoryview) -> Channel:
    """Return the channel that a record holds."""
    cursor = Cursor(content)
    numbers, names = (cursor.number("<H"), cursor.number("<H")), (cursor.text(), cursor.text())
    pairs = Cursor(cursor.sized("<I"))
    metadata = {}
    while pairs:
        key = pairs.text()
        metadata[key] = pairs.text()
    return Channel(*numbers, *names, metadata)


class Cursor:
    """Reads the fields of a record one after the other."""

    def __init__(self, data: memoryview, place: int = 0) -> None:
        self._data = data
        self._place = place

    def __bool__(self) -> bool:
        """Whether anything is left."""
        return self._place < len(self._data)

    def number(self, form: str) -> int:
        """Return an integer; ``form`` as for ``struct``.

        Raises:
            McapError: there are too few bytes.
        """
        try:
            (value,) = struct.unpack_from(form, self._data, self._place)
        except struct.error as error:
            raise McapError(f"a field is cut off: {error}") from error
        self._place += struct.calcsize(form)
        return int(value)

    def sized(self, form: str) -> memoryview:
        """Return bytes whose number precedes them.

        Raises:
            McapError: there are fewer.
        """
        length = self.number(form)
        value = self._data[self._place : self._place + length]
        if len(value) < length:
            raise McapError("a field is cut off")
        self._place += length
        return value

    def text(self) -> str:
        """Return a string."""
        return str(self.sized("<I"), "utf-8", "replace")
