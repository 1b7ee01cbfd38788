"""Managed nodes, seen from a command."""

from __future__ import annotations

import argparse
from typing import Any

import rclpy
from lifecycle_msgs.msg import State, Transition, TransitionDescription
from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState
from rclpy.node import Node

from ros2cli.command import CommandError
from ros2cli.graph import SOUGHT_FOR_S, absolute, is_hidden, services, settled, wait_for

_GET_STATE_TYPE = "lifecycle_msgs/srv/GetState"


def add_node_arguments(parser: argparse.ArgumentParser, **node_name: Any) -> None:
    """Declare the name of a node, and whether it may be a hidden one."""
    parser.add_argument("node_name", **{"help": "Name of the ROS node", **node_name})
    parser.add_argument("--include-hidden-nodes", action="store_true", help="Consider hidden nodes as well")


def managed_nodes(node: Node, *, hidden: bool) -> list[str]:
    """Return the full names of all managed nodes, sorted."""
    return settled(lambda: _managed_nodes(node, hidden))


def find_managed_node(node: Node, name: str, *, hidden: bool) -> str:
    """Wait for a managed node and return its full name.

    Raises:
        CommandError: it does not come.
    """
    full_name = absolute(name)
    if not wait_for(lambda: full_name in _managed_nodes(node, hidden)):
        raise CommandError("Node not found")
    return full_name


def get_state(node: Node, full_name: str) -> State:
    """Return the present state of a managed node."""
    return _call(node, f"{full_name}/get_state", GetState).current_state


def get_transitions(node: Node, full_name: str, *, everywhere: bool = False) -> list[TransitionDescription]:
    """Return the transitions out of the present state, or those out of every state."""
    service = "get_transition_graph" if everywhere else "get_available_transitions"
    return list(_call(node, f"{full_name}/{service}", GetAvailableTransitions).available_transitions)


def change_state(node: Node, full_name: str, transition: Transition) -> bool:
    """Make a transition; return whether it succeeded."""
    success: bool = _call(node, f"{full_name}/change_state", ChangeState, transition=transition).success
    return success


def _managed_nodes(node: Node, hidden: bool) -> list[str]:
    suffix = "/get_state"
    found = services(node, hidden=hidden)
    names = [name.removesuffix(suffix) for name, types in found if _GET_STATE_TYPE in types and name.endswith(suffix)]
    return [name for name in names if hidden or not is_hidden(name)]


def _call(node: Node, service: str, srv_type: Any, **fields: Any) -> Any:
    client = node.create_client(srv_type, service)
    if not client.wait_for_service(timeout_sec=SOUGHT_FOR_S):
        raise CommandError(f"Wait for service timed out: '{service}'")
    future = client.call_async(srv_type.Request(**fields))
    rclpy.spin_until_future_complete(node, future)
    node.destroy_client(client)
    return future.result()
