"""Writes MCAP files that survive a crash up to the last chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import mcap
from .compression import compress


@dataclass(frozen=True)
class McapOptions:
    """How a file is written.

    Attributes:
        chunk_size: bytes after which a chunk is closed.
        compression: ``""``, ``lz4`` or ``zstd``.
        level: one of :data:`ros2cli.bag.compression.LEVELS`.
    """

    chunk_size: int = 768 * 1024
    compression: str = ""
    level: str = "Default"


class McapWriter:
    """Writes one file. What is in a finished chunk has been handed to the operating system.

    Raises:
        OSError: the file exists, or cannot be written.
    """

    def __init__(self, path: Path, options: McapOptions) -> None:
        self.summary = mcap.Summary()
        self._options = options
        self._file = path.open("xb", buffering=0)
        self._position = 0
        self._schemas: dict[str, int] = {}
        self._new_chunk()
        self._append(mcap.header())

    @property
    def size(self) -> int:
        """Bytes written so far, those of the open chunk included."""
        return self._position + len(self._chunk)

    def add_channel(self, topic: str, type_name: str, definition: str, metadata: Mapping[str, str]) -> int:
        """Add a topic of messages in CDR; return the number that stands for it."""
        schemas, channels = self.summary.schemas, self.summary.channels
        if type_name not in self._schemas:
            schema = mcap.Schema(len(schemas) + 1, type_name, "ros2msg", definition.encode())
            schemas[schema.id] = schema
            self._schemas[type_name] = schema.id
            self._chunk += schema.encode()
        channel = mcap.Channel(len(channels) + 1, self._schemas[type_name], topic, "cdr", dict(metadata))
        channels[channel.id] = channel
        self._chunk += channel.encode()
        return channel.id

    def write(self, channel_id: int, log_time: int, publish_time: int, data: bytes) -> None:
        """Add a message; times are nanoseconds since the Unix epoch."""
        place = len(self._chunk)
        self._chunk += mcap.RECORD.pack(mcap.MESSAGE, mcap.MESSAGE_START.size + len(data))
        self._chunk += mcap.MESSAGE_START.pack(channel_id, 0, log_time, publish_time)
        self._chunk += data
        self._index.setdefault(channel_id, []).append((log_time, place))
        if len(self._chunk) >= self._options.chunk_size:
            self.finish_chunk()

    def finish_chunk(self) -> None:
        """Write what was collected since the last chunk, if that is anything."""
        if not self._index:
            return
        log_times = {channel_id: [time for time, _ in entries] for channel_id, entries in self._index.items()}
        start, end = min(map(min, log_times.values())), max(map(max, log_times.values()))
        options, size = self._options, len(self._chunk)
        data = compress(self._chunk, options.compression, options.level)
        head = mcap.chunk_start(start, end, self._chunk, options.compression, len(data))
        opening = mcap.RECORD.pack(mcap.CHUNK, len(head) + len(data)) + head
        offset, length = self._position, len(opening) + len(data)
        offsets, indexes = mcap.message_indexes(self._index, offset + length)
        self._append(opening, data, indexes)
        for channel_id, times in log_times.items():
            self.summary.note(channel_id, times)
        self.summary.chunks.append(
            mcap.ChunkIndex(start, end, offset, length, offsets, len(indexes), options.compression, len(data), size)
        )
        self._new_chunk()

    def close(self) -> None:
        """Finish the file.

        Raises:
            OSError: there is no room for the last chunk; the file is finished without it if that is possible.
        """
        try:
            self.finish_chunk()
        finally:
            try:
                self._append(self.summary.encode(self._position))
            finally:
                self._file.close()

    def _new_chunk(self) -> None:
        self._chunk = bytearray()
        self._index: dict[int, list[tuple[int, int]]] = {}

    def _append(self, *parts: bytes | bytearray) -> None:
        """Write all of it or, where the disk is full, nothing of it."""
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
