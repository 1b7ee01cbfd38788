"""What a node knows of the others."""

from collections.abc import Callable
from typing import Any

from roslite.discovery import REPLY_PREFIX, REQUEST_PREFIX, Graph, LocalNode, RemoteNode
from roslite.names import join

from rclpy.node_names import NodeNames
from rclpy.topic_endpoint_info import TopicEndpointInfo, TopicEndpointTypeEnum
from roslite import discovery, idl


class NodeNameNonExistentError(RuntimeError):
    """There is no node of this name."""


class NodeGraph(NodeNames):
    """The part of :class:`rclpy.node.Node` that tells the others of it, and knows of all nodes, topics and services."""

    _graph: Graph
    _local: LocalNode
    _destroyed: bool

    def own_endpoints(self, readers: set[bytes], writers: set[bytes]) -> None:
        """Announce new readers and writers of this node, given by their GUIDs."""

        def add() -> None:
            self._local.readers |= readers
            self._local.writers |= writers

        self._graph.change(add)

    def disown_endpoints(self, readers: set[bytes], writers: set[bytes]) -> None:
        """Announce that readers and writers of this node are gone."""

        def remove() -> None:
            self._local.readers -= readers
            self._local.writers -= writers

        if not self._destroyed:
            self._graph.change(remove)

    def get_node_names(self) -> list[str]:
        """Return the names of all nodes."""
        return [node.name for node in self._graph.nodes()]

    def get_node_names_and_namespaces(self) -> list[tuple[str, str]]:
        """Return names and namespaces of all nodes."""
        return [(node.name, node.namespace) for node in self._graph.nodes()]

    def get_node_names_and_namespaces_with_enclaves(self) -> list[tuple[str, str, str]]:
        """Return names, namespaces and security enclaves (always ``/``) of all nodes."""
        return [(node.name, node.namespace, "/") for node in self._graph.nodes()]

    def get_fully_qualified_node_names(self) -> list[str]:
        """Return the absolute names of all nodes."""
        return [discovery.full_name(node) for node in self._graph.nodes()]

    def get_topic_names_and_types(self, no_demangle: bool = False) -> list[tuple[str, list[str]]]:
        """Return all topics, each with its types; the names as DDS has them if ``no_demangle``."""
        endpoints = [*self._graph.writers(), *self._graph.readers()]
        return _sorted(discovery.topics_of(endpoints, not no_demangle))

    def get_service_names_and_types(self) -> list[tuple[str, list[str]]]:
        """Return all services, each with its types."""
        readers = discovery.services_of(self._graph.readers(), (REQUEST_PREFIX, REPLY_PREFIX))
        writers = discovery.services_of(self._graph.writers(), (REQUEST_PREFIX, REPLY_PREFIX))
        return _sorted({name: readers.get(name, set()) | writers.get(name, set()) for name in {**readers, **writers}})

    def get_publisher_names_and_types_by_node(
        self, node_name: str, node_namespace: str, no_demangle: bool = False
    ) -> list[tuple[str, list[str]]]:
        """Return the topics that a node publishes on, each with its types."""
        node = self._find_node(node_name, node_namespace)
        endpoints = [endpoint for endpoint in self._graph.writers() if endpoint.guid in node.writers]
        return _sorted(discovery.topics_of(endpoints, not no_demangle))

    def get_subscriber_names_and_types_by_node(
        self, node_name: str, node_namespace: str, no_demangle: bool = False
    ) -> list[tuple[str, list[str]]]:
        """Return the topics that a node subscribes to, each with its types."""
        node = self._find_node(node_name, node_namespace)
        endpoints = [endpoint for endpoint in self._graph.readers() if endpoint.guid in node.readers]
        return _sorted(discovery.topics_of(endpoints, not no_demangle))

    def get_service_names_and_types_by_node(self, node_name: str, node_namespace: str) -> list[tuple[str, list[str]]]:
        """Return the services that a node offers, each with its types."""
        return self._services_by_node(node_name, node_namespace, REQUEST_PREFIX)

    def get_client_names_and_types_by_node(self, node_name: str, node_namespace: str) -> list[tuple[str, list[str]]]:
        """Return the services that a node calls, each with its types."""
        return self._services_by_node(node_name, node_namespace, REPLY_PREFIX)

    def _services_by_node(self, name: str, namespace: str, prefix: str) -> list[tuple[str, list[str]]]:
        node = self._find_node(name, namespace)
        endpoints = [endpoint for endpoint in self._graph.readers() if endpoint.guid in node.readers]
        return _sorted(discovery.services_of(endpoints, (prefix,)))

    def _find_node(self, name: str, namespace: str) -> RemoteNode:
        for node in self._graph.nodes():
            if (node.name, node.namespace) == (name, namespace):
                return node
        raise NodeNameNonExistentError(f"Cannot get names and types for nonexistent node: {join(namespace, name)}")

    def count_publishers(self, topic_name: str) -> int:
        """Return how many publishers a topic has."""
        return len(self._graph.writers(discovery.topic_name(self.resolve_topic_name(topic_name))))

    def count_subscribers(self, topic_name: str) -> int:
        """Return how many subscriptions a topic has."""
        return len(self._graph.readers(discovery.topic_name(self.resolve_topic_name(topic_name))))

    def get_publishers_info_by_topic(self, topic_name: str, no_mangle: bool = False) -> list[TopicEndpointInfo]:
        """Return node, type, QoS and identity of all publishers of a topic."""
        kind = TopicEndpointTypeEnum.PUBLISHER
        return self._endpoints_info(topic_name, no_mangle, self._graph.writers, kind)

    def get_subscriptions_info_by_topic(self, topic_name: str, no_mangle: bool = False) -> list[TopicEndpointInfo]:
        """Return node, type, QoS and identity of all subscriptions of a topic."""
        kind = TopicEndpointTypeEnum.SUBSCRIPTION
        return self._endpoints_info(topic_name, no_mangle, self._graph.readers, kind)

    def _endpoints_info(
        self, topic: str, no_mangle: bool, endpoints_of: Callable[[str], list[Any]], kind: TopicEndpointTypeEnum
    ) -> list[TopicEndpointInfo]:
        name = topic if no_mangle else discovery.topic_name(self.resolve_topic_name(topic))
        owners = self._graph.owners()
        return [
            TopicEndpointInfo.from_discovery(endpoint, owners.get(endpoint.guid), kind, idl.type_from_dds)
            for endpoint in endpoints_of(name)
        ]


def _sorted(names_and_types: dict[str, set[str]]) -> list[tuple[str, list[str]]]:
    return [(name, sorted(types)) for name, types in sorted(names_and_types.items())]
