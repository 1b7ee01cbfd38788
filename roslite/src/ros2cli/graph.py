"""Looking at the ROS graph from a process that has just come into it.

Nothing runs in the background that knows the graph already, so every command waits for what it looks for, or, where it
looks for everything, until nothing new has come for a while.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import rclpy
from rclpy.exceptions import NameValidationException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.parameter import Parameter

from .command import CommandError

T = TypeVar("T")

SOUGHT_FOR_S = 5.0
"""How long a service that is there, or a subscription, is waited for to answer."""

_APPEARS_WITHIN_S = 2.0
_QUIET_FOR_S = 0.25
_LISTEN_AT_MOST_S = 5.0
_POLL_S = 0.02


def add_node_arguments(parser: argparse.ArgumentParser, *, daemon: bool = True) -> None:
    """Declare the arguments of verbs that have a node; `daemon` where ROS 2's own asks a daemon about the graph."""
    parser.add_argument(
        "--spin-time",
        metavar="S",
        type=float,
        default=0.0,
        help="Listen so long before looking; without it, until nothing new is found",
    )
    parser.add_argument("-s", "--use-sim-time", action="store_true", help="Enable ROS simulation time")
    if daemon:
        parser.add_argument("--no-daemon", action="store_true", help="Ask no daemon, which is so anyway: there is none")


@contextmanager
def names_from_user() -> Iterator[None]:
    """Names that break the rules come from the command line here, so they are no fault of the program."""
    try:
        yield
    except NameValidationException as error:
        raise CommandError(str(error)) from error


@contextmanager
def cli_node(args: argparse.Namespace, name: str | None = None) -> Iterator[Node]:
    """A node for the time of a command; its name, unless given, is hidden and its own."""
    rclpy.init(args=[])
    try:
        with names_from_user():
            node = rclpy.create_node(
                name or f"_ros2cli_{os.getpid()}",
                start_parameter_services=False,
                enable_rosout=False,
                parameter_overrides=[Parameter("use_sim_time", value=getattr(args, "use_sim_time", False))],
            )
            time.sleep(getattr(args, "spin_time", 0.0))
            yield node
            node.destroy_node()
    except ExternalShutdownException:
        sys.exit(int(signal.SIGTERM))
    finally:
        rclpy.try_shutdown()


def wait_for(condition: Callable[[], bool], timeout_s: float = _APPEARS_WITHIN_S) -> bool:
    """Wait until the condition holds, and return whether it does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        _pause()
    return True


def _pause() -> None:
    time.sleep(_POLL_S)
    if not rclpy.ok():
        raise ExternalShutdownException


def spin_for(node: Node, seconds: float) -> None:
    """Run the callbacks of a node for a while."""
    deadline = time.monotonic() + seconds
    while (remaining := deadline - time.monotonic()) > 0:
        rclpy.spin_once(node, timeout_sec=remaining)


def settled(query: Callable[[], T]) -> T:
    """Ask until the answer has not changed for a while, and return it."""
    start = changed = time.monotonic()
    answer = query()
    while time.monotonic() - changed < _QUIET_FOR_S and time.monotonic() - start < _LISTEN_AT_MOST_S:
        _pause()
        if (latest := query()) != answer:
            answer, changed = latest, time.monotonic()
    return answer


def absolute(name: str) -> str:
    """Put a slash before a relative name."""
    return name if name.startswith("/") else f"/{name}"


def is_hidden(name: str) -> bool:
    """Whether any part of a name begins with an underscore."""
    return any(part.startswith("_") for part in name.split("/"))


def split(full_name: str) -> tuple[str, str]:
    """Split a node's full name into name and namespace."""
    namespace, _, name = absolute(full_name).rpartition("/")
    return name, namespace or "/"


def node_names(node: Node, *, hidden: bool = False) -> list[str]:
    """Full names of the nodes there are now, sorted; a name that several share comes as often."""
    names = (f"{namespace.rstrip('/')}/{name}" for name, namespace in node.get_node_names_and_namespaces())
    return sorted(name for name in names if hidden or not is_hidden(name))


def topics(node: Node, *, hidden: bool = False) -> list[tuple[str, list[str]]]:
    """Names and types of the topics there are now, sorted."""
    return [(name, types) for name, types in sorted(node.get_topic_names_and_types()) if hidden or not is_hidden(name)]


def services(node: Node, *, hidden: bool = False) -> list[tuple[str, list[str]]]:
    """Names and types of the services there are now, sorted."""
    named = sorted(node.get_service_names_and_types())
    return [(name, types) for name, types in named if hidden or not is_hidden(name)]


def find_node(node: Node, name: str) -> str:
    """Wait for a node and return its full name.

    Raises:
        CommandError: it does not come.
    """
    full_name = absolute(name)
    if not wait_for(lambda: full_name in node_names(node, hidden=True)):
        raise CommandError(f"Node not found: '{full_name}'; there: {', '.join(node_names(node)) or 'none'}")
    return full_name


def topic_types(node: Node, topic: str) -> list[str]:
    """Wait for a topic and return its types, which are none if it does not come."""
    wait_for(lambda: topic in dict(node.get_topic_names_and_types()))
    return dict(node.get_topic_names_and_types()).get(topic, [])


def service_types(node: Node, service: str) -> list[str]:
    """Wait for a service and return its types, which are none if it does not come."""
    wait_for(lambda: service in dict(node.get_service_names_and_types()))
    return dict(node.get_service_names_and_types()).get(service, [])
