"""ROS 2's client library for Python."""

import atexit
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rclpy.context import Context
from rclpy.signals import SignalHandlerOptions, install_signal_handlers, uninstall_signal_handlers
from rclpy.task import Future
from rclpy.utilities import get_default_context, get_rmw_implementation_identifier, leave_all_domains, ok

if TYPE_CHECKING:
    from rclpy.executors import Executor
    from rclpy.node import Node

__all__ = [
    "create_node",
    "get_default_context",
    "get_global_executor",
    "get_rmw_implementation_identifier",
    "init",
    "ok",
    "shutdown",
    "spin",
    "spin_once",
    "spin_until_future_complete",
    "try_shutdown",
]

_executor: "Executor | None" = None

atexit.register(leave_all_domains)


class InitContextManager:
    """What :func:`init` returns: shuts down at the end of a ``with`` block."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def __enter__(self) -> "InitContextManager":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.context.ok():
            shutdown(context=self.context)


def init(
    args: Sequence[str] | None = None,
    *,
    context: Context | None = None,
    domain_id: int | None = None,
    signal_handler_options: SignalHandlerOptions | None = None,
) -> InitContextManager:
    """Start ROS in this process.

    Args:
        args: the command line; ``sys.argv`` if None.
        context: what to start; the default context if None.
        domain_id: the DDS domain; ``ROS_DOMAIN_ID`` if None.
        signal_handler_options: which signals end the context; all for the default context, none for others, if None.
    """
    is_default = context is None
    context = context or get_default_context()
    context.init(args, domain_id=domain_id)
    if signal_handler_options is None:
        signal_handler_options = SignalHandlerOptions.ALL if is_default else SignalHandlerOptions.NO
    install_signal_handlers(signal_handler_options)
    return InitContextManager(context)


def get_global_executor() -> "Executor":
    """Return the executor that the functions of this module use."""
    global _executor
    if _executor is None or _executor._is_shutdown or not _executor.context.ok():
        from rclpy.executors import SingleThreadedExecutor

        _executor = SingleThreadedExecutor()
    return _executor


def shutdown(*, context: Context | None = None, uninstall_handlers: bool | None = None) -> None:
    """End ROS in this process.

    Raises:
        RuntimeError: it ended before, by a signal for example; see :func:`try_shutdown`.
    """
    is_default = context is None
    (context or get_default_context(shutting_down=True)).shutdown()
    _finish(is_default, uninstall_handlers)


def try_shutdown(*, context: Context | None = None, uninstall_handlers: bool | None = None) -> None:
    """End ROS in this process, unless it ended before."""
    is_default = context is None
    (context or get_default_context(shutting_down=True)).try_shutdown()
    _finish(is_default, uninstall_handlers)


def _finish(is_default: bool, uninstall_handlers: bool | None) -> None:
    global _executor
    if is_default and _executor is not None:
        _executor.shutdown(timeout_sec=0.0)
        _executor = None
    if uninstall_handlers or (uninstall_handlers is None and is_default):
        uninstall_signal_handlers()


def create_node(node_name: str, **kwargs: Any) -> "Node":
    """Return a new :class:`rclpy.node.Node`."""
    from rclpy.node import Node

    return Node(node_name, **kwargs)


def spin(node: "Node", executor: "Executor | None" = None) -> None:
    """Run the callbacks of a node until the context ends.

    Raises:
        KeyboardInterrupt: SIGINT ended it.
        rclpy.executors.ExternalShutdownException: SIGTERM, or another thread, ended it.
    """
    executor = executor or get_global_executor()
    try:
        executor.add_node(node)
        executor.spin()
    finally:
        executor.remove_node(node)


def spin_once(node: "Node", *, executor: "Executor | None" = None, timeout_sec: float | None = None) -> None:
    """Run one callback of a node, or return when the time is over."""
    executor = executor or get_global_executor()
    try:
        executor.add_node(node)
        executor.spin_once(timeout_sec=timeout_sec)
    finally:
        executor.remove_node(node)


def spin_until_future_complete(
    node: "Node", future: Future, executor: "Executor | None" = None, timeout_sec: float | None = None
) -> None:
    """Run the callbacks of a node until a future is done, the time is over or the context ends."""
    executor = executor or get_global_executor()
    try:
        executor.add_node(node)
        executor.spin_until_future_complete(future, timeout_sec)
    finally:
        executor.remove_node(node)
