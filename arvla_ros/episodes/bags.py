"""Reads bags, MCAP or sqlite3, of rosbag2, of this package's recorder or of roslite; no ROS is needed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.interfaces import Connection
from rosbags.rosbag2 import ReaderError
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, TypesysError, get_types_from_msg, get_typestore

from arvla_ros.episodes.layout import DatasetError
from arvla_ros.paths import share_directory


class BagError(DatasetError):
    """A folder is no bag, or what is in it cannot be read; the message names it."""


class BagMessage(NamedTuple):
    """One message of a bag."""

    topic: str
    log_ns: int
    """When it was received, ns since the Unix epoch."""
    message: Any
    """With the fields of its ROS message; arrays are numpy's."""


class Bag:
    """A bag that is being read; a context manager.

    Attributes:
        counts: messages by topic.
        types: ``package/msg/Name`` by topic.
    """

    def __init__(self, folder: Path) -> None:
        """Open it.

        Raises:
            BagError: it is no bag, or cannot be read.
        """
        if not (folder / "metadata.yaml").is_file():
            raise BagError(f"{folder} is no bag: it has no metadata.yaml; `ros2 bag reindex {folder}` writes one")
        self._folder = folder
        self._store = get_typestore(Stores.ROS2_HUMBLE)
        # Of our own messages the bag's definitions count: they may be of an older version. These are for bags without.
        for path in sorted((share_directory() / "msg").glob("*.msg")):
            self._store.register(get_types_from_msg(path.read_text(), f"arvla_ros/msg/{path.stem}"))
        self._reader = AnyReader([folder], default_typestore=self._store)
        try:
            self._reader.open()
        except (AnyReaderError, ReaderError, TypesysError, OSError, ValueError, KeyError) as error:
            raise BagError(
                f"bag {folder} cannot be read: {error}; `arvla episodes recover` repairs what it can"
            ) from error
        self.counts = {each.topic: each.msgcount for each in self._reader.connections}
        self.types = {each.topic: each.msgtype for each in self._reader.connections}

    def read(self, topics: Collection[str] | None = None) -> Iterator[BagMessage]:
        """Yield the messages of some topics, or of all, in the order in which they were received.

        Raises:
            BagError: the bag is damaged; what comes before is yielded first.
        """
        chosen = [each for each in self._reader.connections if topics is None or each.topic in topics]
        if not chosen:
            return
        try:
            for connection, log_ns, raw in self._reader.messages(connections=chosen):
                yield BagMessage(connection.topic, int(log_ns), self._decode(connection, raw))
        except (AnyReaderError, ReaderError, SerdeError, OSError, ValueError) as error:
            raise BagError(f"bag {self._folder} is damaged: {error}") from error

    def close(self) -> None:
        """Close its files."""
        self._reader.close()

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _decode(self, connection: Connection, raw: bytes) -> Any:
        return self._reader.deserialize(raw, connection.msgtype)


def stamp_ns(message: Any) -> int:
    """Return the header stamp of a message in ns; 0 where the publisher left it out."""
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
