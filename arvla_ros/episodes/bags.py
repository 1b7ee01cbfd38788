"""Reads bags, MCAP or sqlite3, of rosbag2, of this package's recorder or of roslite; no ROS is needed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.rosbag2 import ReaderError
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, TypesysError, get_types_from_msg, get_typestore

from arvla_ros.episodes.bag_salvage import SalvagedBag
from arvla_ros.episodes.layout import DatasetError
from arvla_ros.paths import share_directory

# What the driver takes, for bags without definitions (of sqlite3 and Humble).
_DRIVER = {
    "interbotix_xs_msgs/msg/JointGroupCommand": "string name\nfloat32[] cmd\n",
    "interbotix_xs_msgs/msg/JointSingleCommand": "string name\nfloat32 cmd\n",
}


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
        start_ns: when the first message was received, ns since the Unix epoch.
        end_ns: 1 ns after the last.
        damage: empty, or what a bag that was cut off lacks.
    """

    def __init__(self, folder: Path, salvage: bool = False) -> None:
        """Open it.

        Args:
            folder: of the bag.
            salvage: read MCAP files that were cut off as far as they go, where metadata are missing or readers fail.

        Raises:
            BagError: it is no bag, or cannot be read.
        """
        self._folder = folder
        self.damage = ""
        self._reader: AnyReader | SalvagedBag
        try:
            self._reader = self._open(folder)
        except BagError as error:
            if not (salvage and any(folder.glob("*.mcap"))):
                raise
            self._reader = self._salvage(folder, error)
        self.counts = {each.topic: each.msgcount for each in self._reader.connections}
        self.types = {each.topic: each.msgtype for each in self._reader.connections}
        self.start_ns, self.end_ns = self._reader.start_time, self._reader.end_time

    def _open(self, folder: Path) -> AnyReader:
        if not folder.is_dir():
            raise BagError(f"{folder} is no bag: there is no such folder")
        if not (folder / "metadata.yaml").is_file():
            raise BagError(f"{folder} is no bag: it has no metadata.yaml; `ros2 bag reindex {folder}` writes one")
        store = get_typestore(Stores.ROS2_HUMBLE)
        # Of our own messages the bag's definitions count: they may be of an older version. These are for bags without.
        for path in sorted((share_directory() / "msg").glob("*.msg")):
            store.register(get_types_from_msg(path.read_text(), f"arvla_ros/msg/{path.stem}"))
        for kind, text in _DRIVER.items():
            store.register(get_types_from_msg(text, kind))
        try:
            reader = AnyReader([folder], default_typestore=store)
            reader.open()
        except (AnyReaderError, ReaderError, TypesysError, OSError, ValueError, KeyError) as error:
            raise BagError(
                f"bag {folder} cannot be read: {error}; `arvla episodes recover` repairs what it can"
            ) from error
        return reader

    def _salvage(self, folder: Path, reason: BagError) -> SalvagedBag:
        reader = SalvagedBag(folder)
        try:
            reader.open()
        except (OSError, ValueError) as error:
            raise BagError(f"{reason}; {error}") from error
        self.damage = "; ".join(reader.damage.values()) or str(reason)
        return reader

    def read(
        self, topics: Collection[str] | None = None, start_ns: int | None = None, stop_ns: int | None = None
    ) -> Iterator[BagMessage]:
        """Yield the messages of some topics, or of all, in the order in which they were received.

        Args:
            topics: names; all by default.
            start_ns: what was received before is left out.
            stop_ns: what was received then or later is left out.

        Raises:
            BagError: the bag is damaged; what comes before is yielded first.
        """
        chosen: list[Any] = [each for each in self._reader.connections if topics is None or each.topic in topics]
        if not chosen:
            return
        try:
            for connection, log_ns, raw in self._reader.messages(chosen, start_ns, stop_ns):
                yield BagMessage(connection.topic, int(log_ns), self._reader.deserialize(raw, connection.msgtype))
        except (AnyReaderError, ReaderError, SerdeError, OSError, ValueError) as error:
            raise BagError(f"bag {self._folder} is damaged: {error}") from error

    def close(self) -> None:
        """Close its files."""
        self._reader.close()

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def stamp_ns(message: Any) -> int:
    """Return the header stamp of a message in ns; 0 where the publisher left it out."""
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
