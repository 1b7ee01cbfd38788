"""What discovery tells of a publisher or subscription."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from roslite.discovery import gid

from rclpy.qos import QoSProfile, from_dds


class TopicEndpointTypeEnum(IntEnum):
    """Which end of a topic it is."""

    INVALID = 0
    PUBLISHER = 1
    SUBSCRIPTION = 2


@dataclass(frozen=True)
class TopicEndpointInfo:
    """A publisher or subscription of some node."""

    node_name: str
    node_namespace: str
    topic_type: str
    endpoint_type: TopicEndpointTypeEnum
    endpoint_gid: list[int]
    qos_profile: QoSProfile

    @classmethod
    def from_discovery(
        cls, endpoint: Any, node: Any, kind: TopicEndpointTypeEnum, demangle: Callable[[str], str]
    ) -> "TopicEndpointInfo":
        """Return what is known; a node that did not announce itself has no name yet."""
        return cls(
            node.name if node else "_NODE_NAME_UNKNOWN_",
            node.namespace if node else "_NODE_NAMESPACE_UNKNOWN_",
            demangle(endpoint.type_name),
            kind,
            list(gid(endpoint.guid)),
            from_dds(endpoint.qos),
        )
