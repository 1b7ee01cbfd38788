"""What discovery tells of a publisher or subscription."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from roslite.discovery import gid

from rclpy.qos import DurabilityPolicy, HistoryPolicy, LivelinessPolicy, QoSProfile, ReliabilityPolicy, from_dds

_UNKNOWN_QOS = QoSProfile(
    history=HistoryPolicy.UNKNOWN,
    reliability=ReliabilityPolicy.UNKNOWN,
    durability=DurabilityPolicy.UNKNOWN,
    liveliness=LivelinessPolicy.UNKNOWN,
)


class TopicEndpointTypeEnum(IntEnum):
    """Which end of a topic it is."""

    INVALID = 0
    PUBLISHER = 1
    SUBSCRIPTION = 2


@dataclass
class TopicEndpointInfo:
    """A publisher or subscription of some node."""

    node_name: str = ""
    node_namespace: str = ""
    topic_type: str = ""
    endpoint_type: TopicEndpointTypeEnum = TopicEndpointTypeEnum.INVALID
    endpoint_gid: list[int] = field(default_factory=list)
    qos_profile: QoSProfile = field(default_factory=lambda: copy(_UNKNOWN_QOS))

    def __str__(self) -> str:
        qos = self.qos_profile
        depth = f" ({qos.depth})" if qos.history is HistoryPolicy.KEEP_LAST else ""
        return "\n".join(
            (
                f"Node name: {self.node_name}",
                f"Node namespace: {self.node_namespace}",
                f"Topic type: {self.topic_type}",
                f"Endpoint type: {self.endpoint_type.name}",
                f"GID: {'.'.join(f'{byte:02x}' for byte in self.endpoint_gid)}",
                "QoS profile:",
                f"  Reliability: {qos.reliability.name}",
                f"  History (Depth): {qos.history.name}{depth}",
                f"  Durability: {qos.durability.name}",
                f"  Lifespan: {qos.lifespan}",
                f"  Deadline: {qos.deadline}",
                f"  Liveliness: {qos.liveliness.name}",
                f"  Liveliness lease duration: {qos.liveliness_lease_duration}",
            )
        )

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
