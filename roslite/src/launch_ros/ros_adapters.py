"""The node that a launch itself has in the ROS graph, for actions that talk to nodes."""

from __future__ import annotations

import os
import threading

import rclpy
from launch import LaunchContext
from launch.event_handlers import OnShutdown
from rclpy.context import Context
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.node import Node

_GLOBAL = "ros_adapter"


class ROSAdapter:
    """A node that spins in a thread of its own.

    Args:
        argv: arguments of its context.
        autostart: start at once.
    """

    def __init__(self, *, argv: list[str] | None = None, autostart: bool = True) -> None:
        self.__argv = list(argv or [])
        self.__running: tuple[Context, Node, Executor, threading.Thread] | None = None
        if autostart:
            self.start()

    def start(self) -> None:
        """Join the ROS graph.

        Raises:
            RuntimeError: it has joined already.
        """
        if self.__running is not None:
            raise RuntimeError("Cannot start a ROS adapter that is already running")
        context = Context()
        rclpy.init(args=self.__argv, context=context)
        node = rclpy.create_node(f"launch_ros_{os.getpid()}", context=context)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        thread = threading.Thread(target=executor.spin)
        self.__running = context, node, executor, thread
        thread.start()

    def shutdown(self) -> None:
        """Leave the ROS graph.

        Raises:
            RuntimeError: it has not joined.
        """
        if self.__running is None:
            raise RuntimeError("Cannot shutdown a ROS adapter that is not running")
        context, node, executor, thread = self.__running
        self.__running = None
        executor.shutdown()
        thread.join()
        node.destroy_node()
        rclpy.shutdown(context=context)

    @property
    def argv(self) -> list[str]:
        """Arguments of its context."""
        return self.__argv

    @property
    def ros_context(self) -> Context | None:
        """Its context, None while it is not running."""
        return None if self.__running is None else self.__running[0]

    @property
    def ros_node(self) -> Node | None:
        """Its node, None while it is not running."""
        return None if self.__running is None else self.__running[1]

    @property
    def ros_executor(self) -> Executor | None:
        """What runs its callbacks, None while it is not running."""
        return None if self.__running is None else self.__running[2]


def get_ros_adapter(context: LaunchContext) -> ROSAdapter:
    """Return the adapter of a launch, which is made when first asked for and ends with the launch."""
    adapter = context.get_locals_as_dict().get(_GLOBAL)
    if adapter is None:
        made = adapter = ROSAdapter()
        context.extend_globals({_GLOBAL: made})

        def shut_down(event: object, context: LaunchContext) -> None:
            made.shutdown()

        context.register_event_handler(OnShutdown(on_shutdown=shut_down))
    assert isinstance(adapter, ROSAdapter)
    return adapter


def get_ros_node(context: LaunchContext) -> Node | None:
    """Return the node of a launch, None once the launch goes down."""
    return get_ros_adapter(context).ros_node
