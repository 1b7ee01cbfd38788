"""Writes a bag: a folder of MCAP files with metadata."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .mcap import Summary
from .mcap_writer import McapOptions, McapWriter
from .metadata import BagFile, Metadata, Topic

STORAGE = "mcap"


@dataclass(frozen=True)
class Limits:
    """After how much a new file is begun; 0 for never.

    Attributes:
        size: bytes.
        duration: nanoseconds.
    """

    size: int = 0
    duration: int = 0


@dataclass(frozen=True)
class _Source:
    """What is needed to add a topic to one more file."""

    topic: Topic
    definition: str


class BagWriter:
    """Writes one bag. If the process dies, `ros2 bag reindex` recovers all but the last second.

    Args:
        bag: the folder, which must not exist.
        options: how the files are written.
        limits: when the next file is begun.

    Raises:
        FileExistsError: the folder exists.
        OSError: it cannot be made.
    """

    def __init__(self, bag: Path, options: McapOptions, limits: Limits) -> None:
        self._bag = bag
        self._options = options
        self._limits = limits
        self._sources: dict[str, _Source] = {}
        self._files: list[BagFile] = []
        self._started = 0
        bag.mkdir(parents=True)
        self._open()

    def add_topic(self, topic: Topic, definition: str) -> None:
        """Add a topic; ``definition`` is the text of its message and of all within."""
        source = self._sources[topic.name] = _Source(topic, definition)
        self._add_channel(source)

    def write(self, topic: str, log_time: int, publish_time: int, data: bytes) -> None:
        """Add a message of a topic that was added.

        Args:
            topic: name of the topic.
            log_time: when it was received, in nanoseconds since the Unix epoch.
            publish_time: when it was sent.
            data: CDR with its header.

        Raises:
            OSError: there is no room.
        """
        if self._is_full(log_time):
            self._finish_file()
            self._open()
            for source in self._sources.values():
                self._add_channel(source)
        self._started = min(log_time, self._started or log_time)
        self._writer.write(self._channels[topic], log_time, publish_time, data)

    def flush(self) -> None:
        """Hand to the operating system what was written so far.

        Raises:
            OSError: there is no room.
        """
        self._writer.finish_chunk()

    def close(self) -> None:
        """Finish files and metadata.

        Raises:
            OSError: there is no room; what is there can be read nevertheless.
        """
        self._finish_file()

    def _is_full(self, log_time: int) -> bool:
        limits = self._limits
        if not self._started:
            return False
        return 0 < limits.size <= self._writer.size or 0 < limits.duration <= log_time - self._started

    def _open(self) -> None:
        path = self._bag / f"{self._bag.name}_{len(self._files)}.mcap"
        self._writer = McapWriter(path, self._options)
        self._path = path.name
        self._channels: dict[str, int] = {}
        self._started = 0

    def _add_channel(self, source: _Source) -> None:
        topic = source.topic
        metadata = {"offered_qos_profiles": topic.offered_qos}
        self._channels[topic.name] = self._writer.add_channel(topic.name, topic.type, source.definition, metadata)

    def _finish_file(self) -> None:
        try:
            self._writer.close()
        finally:
            summary = self._writer.summary
            self._files.append(file_of(self._path, summary))
            for name, channel_id in self._channels.items():
                self._sources[name].topic.message_count += summary.counts.get(channel_id, 0)
            topics = [source.topic for source in self._sources.values()]
            Metadata.of(STORAGE, self._files, topics).write(self._bag)


def file_of(name: str, summary: Summary) -> BagFile:
    """Return what the metadata tell of a file."""
    return BagFile(name, summary.start_time, summary.end_time - summary.start_time, summary.message_count)
