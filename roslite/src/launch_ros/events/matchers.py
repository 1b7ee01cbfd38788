"""Matchers: predicates that choose the nodes an event is meant for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from launch_ros.actions import Node


def matches_node_name(node_name: str) -> Callable[[Node], bool]:
    """Match nodes by their name, namespace included."""
    full_name = node_name if node_name.startswith("/") else f"/{node_name}"
    return lambda action: action.node_name == full_name
