"""One episode while it is being recorded: takes messages from any thread, writes them in one of its own."""

from __future__ import annotations

import dataclasses
import os
import shutil
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from arvla_ros.episodes.episode_folder import (
    EpisodeInfo,
    bag_file,
    finish,
    next_number,
    recording_folder,
)
from arvla_ros.episodes.mcap_file import McapFile, Summary
from arvla_ros.episodes.mcap_repair import repair

FLUSH_PERIOD_S = 0.5
"""What came earlier than this before a crash is not lost."""

# Messages that wait for the disk; with two raw cameras, about four seconds.
_QUEUE_BYTES = 256 * 2**20
_GB = 1e9


class Topic(NamedTuple):
    """A topic to record."""

    name: str
    type: str
    """``package/msg/Name``."""
    definition: str
    """Text of the message's definition and of all types within, as MCAP's ``ros2msg`` has it."""
    offered_qos: str
    """Profiles of its publishers in rosbag2's YAML; empty: not known."""


class _Message(NamedTuple):
    topic: str
    log_ns: int
    publish_ns: int
    data: bytes


@dataclass(frozen=True)
class Progress:
    """How far a recording is.

    Attributes:
        messages: taken and not dropped.
        dropped: by topic, what the disk was too slow for.
        duration_s: from the first message to the last.
        error: why nothing is written any more; empty while all is well.
    """

    messages: int
    dropped: dict[str, int]
    duration_s: float
    error: str


class Recording:
    """Writes one episode.

    Attributes:
        info: what is known of it; ``stop`` completes it.
        folder: where it is while it is being recorded.
    """

    def __init__(self, directory: Path, info: EpisodeInfo, topics: list[Topic], min_free_gb: float) -> None:
        """Begin an episode in ``directory``; the number of ``info`` is replaced by the next free one.

        Raises:
            OSError: there is no room, or the directory cannot be written.
        """
        free_gb = shutil.disk_usage(directory).free / _GB
        if free_gb < min_free_gb:
            raise OSError(f"{directory} has {free_gb:.1f} GB free, less than min_free_gb {min_free_gb:g}")
        self.info = dataclasses.replace(info, episode=next_number(directory))
        self.folder = recording_folder(directory, self.info.episode)
        self.folder.mkdir()
        self.info.write(self.folder)
        self._file = McapFile(bag_file(self.folder))
        self._channels = {topic.name: self._file.add_channel(*topic) for topic in topics}
        self._min_free_gb = min_free_gb
        self._arrived = threading.Condition()
        self._queue: deque[_Message | Topic] = deque()
        self._queued_bytes = 0
        self._taken: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._first_ns = self._last_ns = 0
        self._error = ""
        self._stopping = False
        self._thread = threading.Thread(target=self._write, name="episode writer", daemon=True)
        self._thread.start()

    def add_topic(self, topic: Topic) -> None:
        """Record a topic too that was not there when the episode began; its messages come after this."""
        with self._arrived:
            if not self._error:
                self._queue.append(topic)
                self._arrived.notify()

    def put(self, topic: str, log_ns: int, publish_ns: int, data: bytes) -> None:
        """Take a message, CDR as it came; never waits. What the disk is too slow for is dropped and counted."""
        with self._arrived:
            self._taken[topic] += 1
            if self._error or self._queued_bytes + len(data) > _QUEUE_BYTES:
                self._dropped[topic] += 1
                return
            self._queue.append(_Message(topic, log_ns, publish_ns, data))
            self._queued_bytes += len(data)
            self._first_ns = self._first_ns or log_ns
            self._last_ns = log_ns
            self._arrived.notify()

    def progress(self) -> Progress:
        """Return how far it is."""
        with self._arrived:
            duration_s = (self._last_ns - self._first_ns) * 1e-9
            messages = self._taken.total() - self._dropped.total()
            return Progress(messages, dict(self._dropped), duration_s, self._error)

    def stop(self, kept: bool | None, score: float | None = None, notes: str = "") -> Path:
        """Write what still waits, finish the episode, and return its folder.

        Args:
            kept: whether it is to be learned from; None: nobody has said.
            score: rubric, 0 to 1; None: not scored.
            notes: of the operator.

        Raises:
            OSError: the folder cannot be completed; ``episode_folder.recover`` does it once there is room.
        """
        summary = self._finish_file()
        written = {channel.topic: summary.counts.get(channel.id, 0) for channel in summary.channels.values()}
        lost = {topic: taken - written.get(topic, 0) for topic, taken in self._taken.items()}
        self.info = dataclasses.replace(
            self.info,
            kept=kept,
            score=score,
            notes=notes,
            messages=sum(summary.counts.values()),
            duration_s=(summary.end_ns - summary.start_ns) * 1e-9,
            dropped={topic: count for topic, count in lost.items() if count},
            error=self._error,
        )
        return finish(self.folder, summary, self.info)

    def discard(self) -> None:
        """Stop, and delete all of it.

        Raises:
            OSError: it cannot be deleted.
        """
        self._finish_file()
        shutil.rmtree(self.folder)

    def _finish_file(self) -> Summary:
        with self._arrived:
            self._stopping = True
            self._arrived.notify()
        self._thread.join()
        try:
            self._file.close()
        except OSError as error:
            self._error = self._error or str(error)
            return repair(bag_file(self.folder))
        return self._file.summary

    def _write(self) -> None:
        """Write what comes until told to stop, or until there is no room; runs in the writer's thread."""
        flushed = time.monotonic()
        try:
            while (messages := self._take(flushed + FLUSH_PERIOD_S - time.monotonic())) is not None:
                for message in messages:
                    if isinstance(message, Topic):
                        self._channels[message.name] = self._file.add_channel(*message)
                    else:
                        self._file.write(self._channels[message.topic], *message[1:])
                if time.monotonic() - flushed >= FLUSH_PERIOD_S:
                    self._file.flush()
                    flushed = time.monotonic()
                    self._check_room()
        except Exception as error:
            # Whatever it was: nothing may look as if it were still being written.
            with self._arrived:
                self._error = f"recording has ended: {error}"
                self._dropped.update(each.topic for each in self._queue if isinstance(each, _Message))
                self._queue.clear()
            if not isinstance(error, OSError):
                raise

    def _take(self, timeout_s: float) -> list[_Message | Topic] | None:
        """Return what has come, after ``timeout_s`` nothing too; None once all is written and it is time to stop."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._queue or self._stopping, max(timeout_s, 0.0))
            if self._stopping and not self._queue:
                return None
            messages = list(self._queue)
            self._queue.clear()
            self._queued_bytes = 0
            return messages

    def _check_room(self) -> None:
        free_gb = shutil.disk_usage(self.folder).free / _GB
        if free_gb < self._min_free_gb:
            raise OSError(f"{free_gb:.1f} GB are free, less than min_free_gb {self._min_free_gb:g}: make room")
        if not os.access(bag_file(self.folder), os.W_OK):
            raise OSError(f"{bag_file(self.folder)} is gone or cannot be written any more")
