"""`metadata.yaml`: what rosbag2 tells of a bag, in version 5 of the format, which Humble and all later ones read."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FILE_NAME = "metadata.yaml"

_VERSION = 5
_ROOT = "rosbag2_bagfile_information"


class MetadataError(ValueError):
    """The metadata of a bag are missing or make no sense."""


@dataclass
class Topic:
    """A topic of a bag.

    Attributes:
        name: absolute name.
        type: ``package/msg/Name``.
        offered_qos: profiles of the publishers as YAML.
        message_count: how many messages there are in all files.
        serialization_format: what the messages are encoded as.
    """

    name: str
    type: str
    offered_qos: str = ""
    message_count: int = 0
    serialization_format: str = "cdr"


@dataclass
class BagFile:
    """A file of a bag; times are nanoseconds, those of a file without messages 0."""

    path: str
    start_time: int = 0
    duration: int = 0
    message_count: int = 0


@dataclass
class Metadata:
    """A bag."""

    storage: str
    files: list[BagFile] = field(default_factory=list)
    topics: list[Topic] = field(default_factory=list)
    start_time: int = 0
    duration: int = 0
    message_count: int = 0

    @classmethod
    def of(cls, storage: str, files: list[BagFile], topics: list[Topic]) -> Metadata:
        """Add up what is known of files and topics."""
        filled = [file for file in files if file.message_count]
        start = min((file.start_time for file in filled), default=0)
        end = max((file.start_time + file.duration for file in filled), default=0)
        return cls(storage, files, topics, start, end - start, sum(file.message_count for file in files))

    def write(self, bag: Path) -> None:
        """Write the metadata into a bag's folder, all at once.

        Raises:
            OSError: that is not possible.
        """
        content = {
            "version": _VERSION,
            "storage_identifier": self.storage,
            "duration": {"nanoseconds": self.duration},
            "starting_time": {"nanoseconds_since_epoch": self.start_time},
            "message_count": self.message_count,
            "topics_with_message_count": [
                {
                    "topic_metadata": {
                        "name": topic.name,
                        "type": topic.type,
                        "serialization_format": topic.serialization_format,
                        "offered_qos_profiles": topic.offered_qos,
                    },
                    "message_count": topic.message_count,
                }
                for topic in self.topics
            ],
            "compression_format": "",
            "compression_mode": "",
            "relative_file_paths": [file.path for file in self.files],
            "files": [
                {
                    "path": file.path,
                    "starting_time": {"nanoseconds_since_epoch": file.start_time},
                    "duration": {"nanoseconds": file.duration},
                    "message_count": file.message_count,
                }
                for file in self.files
            ],
        }
        temporary = bag / f".{FILE_NAME}.{os.getpid()}"
        temporary.write_text(yaml.safe_dump({_ROOT: content}, sort_keys=False), encoding="utf-8")
        temporary.replace(bag / FILE_NAME)

    @classmethod
    def read(cls, bag: Path) -> Metadata:
        """Read the metadata of a bag's folder, of any version.

        Raises:
            MetadataError: there are none, or they make no sense.
        """
        path = bag / FILE_NAME
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))[_ROOT]
            return cls(
                content["storage_identifier"],
                [BagFile(str(path)) for path in content["relative_file_paths"]],
                [_topic(entry) for entry in content["topics_with_message_count"]],
                int(content["starting_time"]["nanoseconds_since_epoch"]),
                int(content["duration"]["nanoseconds"]),
                int(content["message_count"]),
            )
        except FileNotFoundError:
            raise MetadataError(f"'{bag}' has no {FILE_NAME}; 'ros2 bag reindex {bag}' writes one") from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
            raise MetadataError(f"cannot read '{path}': {type(error).__name__}: {error}") from error


def _topic(entry: dict[str, Any]) -> Topic:
    topic = entry["topic_metadata"]
    return Topic(
        topic["name"],
        topic["type"],
        message_count=int(entry["message_count"]),
        serialization_format=topic["serialization_format"],
    )
