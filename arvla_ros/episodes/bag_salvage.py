"""Reads MCAP files that were cut off, as far as they go, and leaves them as they are.

A recording that still runs, or that ended with its process, lacks the summary at the end that readers begin with.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mcap.exceptions import McapError
from mcap.records import Channel, McapRecord, Message, Schema
from mcap.stream_reader import StreamReader
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore

# The first record of a file that is damaged may claim any length.
_LONGEST_RECORD = 2**31
_RULE = "=" * 80 + "\n"


class SalvagedTopic(NamedTuple):
    """What ``rosbags`` calls a connection, as far as it is used."""

    topic: str
    msgtype: str
    msgcount: int


class SalvagedBag:
    """The part of ``rosbags.highlevel.AnyReader`` that a bag is read through, on files without their end.

    Attributes:
        connections: what was found.
        damage: by file, why reading ended.
    """

    def __init__(self, folder: Path) -> None:
        self._files = sorted(folder.glob("*.mcap"), key=_number)
        self._store = get_typestore(Stores.EMPTY)
        self.connections: list[SalvagedTopic] = []
        self.damage: dict[str, str] = {}
        self.start_time, self.end_time = 0, 0

    def open(self) -> None:
        """Look through all files.

        Raises:
            ValueError: no message is whole.
        """
        counts: Counter[tuple[str, str]] = Counter()
        first, last = 2**63, 0
        for schema, topic, message in self._all():
            if schema.name not in self._store.fielddefs:
                self._store.register(_types(schema))
            counts[topic, schema.name] += 1
            first, last = min(first, message.log_time), max(last, message.log_time)
        if not counts:
            raise ValueError(f"no message is whole: {'; '.join(self.damage.values()) or 'there is no .mcap file'}")
        self.connections = [SalvagedTopic(topic, kind, count) for (topic, kind), count in counts.items()]
        self.start_time, self.end_time = first, last + 1

    def messages(
        self, connections: Collection[SalvagedTopic], start: int | None = None, stop: int | None = None
    ) -> Iterator[tuple[SalvagedTopic, int, bytes]]:
        """Yield topic, log time in ns and CDR of the messages from ``start`` to before ``stop``, in file order."""
        chosen = {(each.topic, each.msgtype): each for each in connections}
        low, high = start if start is not None else 0, stop if stop is not None else 2**63
        for schema, topic, message in self._all():
            connection = chosen.get((topic, schema.name))
            if connection is not None and low <= message.log_time < high:
                yield connection, message.log_time, message.data

    def deserialize(self, raw: bytes, kind: str) -> object:
        """Return a message."""
        return self._store.deserialize_cdr(raw, kind)

    def close(self) -> None:
        """Nothing is kept open."""

    def _all(self) -> Iterator[tuple[Schema, str, Message]]:
        for path in self._files:
            schemas: dict[int, Schema] = {}
            channels: dict[int, Channel] = {}
            for record in self._records(path):
                if isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    channels[record.id] = record
                elif isinstance(record, Message) and record.channel_id in channels:
                    channel = channels[record.channel_id]
                    if channel.schema_id in schemas:
                        yield schemas[channel.schema_id], channel.topic, record

    def _records(self, path: Path) -> Iterator[McapRecord]:
        """Yield what is whole."""
        with path.open("rb") as file:
            try:
                yield from StreamReader(file, record_size_limit=_LONGEST_RECORD).records
            except (McapError, struct.error, ValueError, RuntimeError, MemoryError) as error:
                self.damage[path.name] = f"{path.name} ends in the middle of a record ({type(error).__name__})"


def _types(schema: Schema) -> dict[str, Any]:
    text = schema.data.decode()
    if schema.encoding != "ros2idl":
        return dict(get_types_from_msg(text, schema.name))
    parts = text.split(_RULE)[1:] if text.startswith(f"{_RULE}IDL: ") else [f"\n{text}"]
    types: dict[str, Any] = {}
    for part in parts:
        types.update(get_types_from_idl(part.split("\n", 1)[1]))
    return types


def _number(path: Path) -> tuple[int, str]:
    """Return the place of a file in its bag: ``name_10.mcap`` comes after ``name_9.mcap``."""
    match = re.search(r"_(\d+)$", path.stem)
    return (int(match[1]) if match else 0, path.name)
