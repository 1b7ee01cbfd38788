"""Small helpers around contexts and command lines."""

import sys
from collections.abc import Sequence
from threading import Lock

from roslite.arguments import RosArguments

from rclpy.context import Context, g_contexts
from rclpy.impl.implementation_singleton import RCLError, RCLInvalidROSArgsError, UnknownROSArgsError
from roslite import arguments

_lock = Lock()
_default_context: Context | None = None


def get_default_context(*, shutting_down: bool = False) -> Context:
    """Return the context that is used where none is named; ``shutting_down`` lets the next call make a new one."""
    global _default_context
    with _lock:
        context = _default_context or Context()
        _default_context = None if shutting_down else context
        return context


def remove_ros_args(args: Sequence[str] | None = None) -> list[str]:
    """Return a command line without what follows ``--ros-args``."""
    return arguments.split(sys.argv if args is None else args)[0]


def parse_ros_arguments(args: Sequence[str]) -> RosArguments:
    """Parse what follows ``--ros-args``.

    Raises:
        UnknownROSArgsError: an argument is not one that ROS knows.
        RCLInvalidROSArgsError: an argument makes no sense.
    """
    try:
        return arguments.parse(args)
    except arguments.UnknownArgumentError as error:
        raise UnknownROSArgsError(str(error)) from error
    except arguments.ArgumentError as error:
        raise RCLInvalidROSArgsError(f"Failed to parse ROS arguments: {error}") from error


def ok(*, context: Context | None = None) -> bool:
    """Whether the context is running."""
    return (context or get_default_context()).ok()


def shutdown(*, context: Context | None = None) -> None:
    """End the context."""
    (context or get_default_context(shutting_down=True)).shutdown()


def try_shutdown(*, context: Context | None = None) -> None:
    """End the context, unless it ended before."""
    (context or get_default_context(shutting_down=True)).try_shutdown()


def get_rmw_implementation_identifier() -> str:
    """Return the name of the middleware."""
    return "rmw_cyclonedds_cpp"


def get_available_rmw_implementations() -> set[str]:
    """Return the names of all middlewares."""
    return {"rmw_cyclonedds_cpp"}


def timeout_sec_to_nsec(timeout_sec: float | None) -> int:
    """Return a timeout in nanoseconds, -1 for none."""
    if timeout_sec is None or timeout_sec < 0:
        return -1
    return int(timeout_sec * 1e9)


def leave_all_domains() -> None:
    """Leave DDS, so that others notice at once; called when the interpreter ends."""
    for context in list(g_contexts):
        context.try_shutdown()
        context.leave_domain()


__all__ = ["RCLError", "get_default_context", "ok", "remove_ros_args", "shutdown", "try_shutdown"]
