"""What is in a bag, as its metadata or its files tell it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from rosbags.interfaces import ConnectionExtRosbag2
from rosbags.rosbag2 import Reader, ReaderError

from . import mcap_repair, qos
from .bag_writer import file_of
from .mcap import Summary
from .metadata import BagFile, Metadata, MetadataError, Topic

_SUFFIXES = {"mcap": ".mcap", "sqlite3": ".db3"}


def read_metadata(bag: Path, storage: str = "") -> Metadata:
    """Return what is in a bag: from its metadata, or, of a single file, from what it holds.

    Raises:
        MetadataError: that cannot be read, or the bag has another storage.
        McapError: an MCAP file is none.
    """
    metadata = Metadata.read(bag) if bag.is_dir() else scan_files([bag], storage or _storage_of(bag), repair=False)
    if storage and metadata.storage != storage:
        raise MetadataError(f"'{bag}' has storage '{metadata.storage}', not '{storage}'")
    return metadata


def _storage_of(file: Path) -> str:
    for storage, suffix in _SUFFIXES.items():
        if file.suffix == suffix:
            return storage
    raise MetadataError(f"'{file}' is neither a bag's folder nor one of: {', '.join(_SUFFIXES.values())}")


def files_of(bag: Path, storage: str = "") -> tuple[str, list[Path]]:
    """Return storage and files of a bag's folder, in the order in which they were written.

    Raises:
        MetadataError: there are none.
    """
    for name, suffix in _SUFFIXES.items():
        files = sorted(bag.glob(f"*{suffix}"), key=_number)
        if files and storage in ("", name):
            return name, files
    raise MetadataError(f"'{bag}' has no files of a bag ({', '.join(_SUFFIXES.values())})")


def _number(file: Path) -> tuple[int, str]:
    match = re.search(r"_(\d+)$", file.stem)
    return int(match[1]) if match else 0, file.name


def scan_files(files: Iterable[Path], storage: str, *, repair: bool) -> Metadata:
    """Return what is in files, by looking through them.

    Args:
        files: the files.
        storage: ``mcap`` or ``sqlite3``.
        repair: finish MCAP files that were cut off.

    Raises:
        MetadataError: a file cannot be read.
        McapError: an MCAP file is none.
    """
    found: list[BagFile] = []
    topics: dict[str, Topic] = {}
    for path in files:
        try:
            if storage == "mcap":
                scan = mcap_repair.repair(path) if repair else mcap_repair.scan(path)
                found.append(file_of(path.name, scan.summary))
                _add(topics, _topics_of_mcap(scan.summary))
            else:
                _scan_sqlite(path, found, topics)
        except OSError as error:
            raise MetadataError(f"cannot read '{path}': {error.strerror}") from error
    return Metadata.of(storage, found, list(topics.values()))


def _topics_of_mcap(summary: Summary) -> Iterable[Topic]:
    for channel in summary.channels.values():
        schema = summary.schemas.get(channel.schema_id)
        yield Topic(
            channel.topic,
            schema.name if schema is not None else "",
            channel.metadata.get("offered_qos_profiles", ""),
            summary.counts.get(channel.id, 0),
            channel.encoding,
        )


def _scan_sqlite(path: Path, found: list[BagFile], topics: dict[str, Topic]) -> None:
    try:
        reader = Reader(path)
        reader.open()
    except ReaderError as error:
        raise MetadataError(str(error)) from error
    try:
        count = reader.message_count
        found.append(BagFile(path.name, reader.start_time if count else 0, max(reader.duration - 1, 0), count))
        for connection in reader.connections:
            assert isinstance(connection.ext, ConnectionExtRosbag2)
            profiles = [qos.recorded(profile) for profile in connection.ext.offered_qos_profiles]
            _add(topics, [Topic(connection.topic, connection.msgtype, qos.to_yaml(profiles), connection.msgcount)])
    finally:
        reader.close()


def _add(topics: dict[str, Topic], more: Iterable[Topic]) -> None:
    for topic in more:
        if topic.name in topics:
            topics[topic.name].message_count += topic.message_count
        else:
            topics[topic.name] = topic
