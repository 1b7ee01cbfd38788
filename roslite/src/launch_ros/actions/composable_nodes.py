"""Containers of nodes. Launch files with them can be read, and run as long as no container is started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from launch import Action, Condition, LaunchContext
from launch.some_substitutions_type import SomeSubstitutionsType
from launch_ros.descriptions import ComposableNode

from .node import Node

_REFUSAL = "composable nodes are C++ libraries, which can only be loaded where ROS 2 itself is installed"


class ComposableNodeContainer(Node):
    """Run a container of nodes; not possible here."""

    def __init__(
        self,
        *,
        name: SomeSubstitutionsType,
        namespace: SomeSubstitutionsType,
        composable_node_descriptions: Sequence[ComposableNode] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, namespace=namespace, **kwargs)
        self.__composable_node_descriptions = composable_node_descriptions

    def execute(self, context: LaunchContext) -> NoReturn:
        """Raise RuntimeError that tells why not."""
        raise RuntimeError(f"cannot start the container '{self.node_executable}': {_REFUSAL}")


class LoadComposableNodes(Action):
    """Load nodes into a container; not possible here."""

    def __init__(
        self,
        *,
        composable_node_descriptions: Sequence[ComposableNode],
        target_container: SomeSubstitutionsType | ComposableNodeContainer,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.__composable_node_descriptions = composable_node_descriptions
        self.__target_container = target_container

    def execute(self, context: LaunchContext) -> NoReturn:
        """Raise RuntimeError that tells why not."""
        raise RuntimeError(f"cannot load {len(self.__composable_node_descriptions)} nodes: {_REFUSAL}")
