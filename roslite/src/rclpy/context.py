"""The life of ROS in a process: from ``init`` to ``shutdown``."""

import contextlib
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rclpy.impl.implementation_singleton import RCLError

if TYPE_CHECKING:
    from roslite.arguments import RosArguments
    from roslite.dds import Guard, Participant
    from roslite.discovery import Graph

g_contexts: "weakref.WeakSet[Context]" = weakref.WeakSet()
"""All contexts that live; signals and the end of the process shut them down."""


class Context:
    """Holds what the nodes of a process share: the DDS participant, the command line, whether all goes on."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._valid = False
        self._was_shut_down = False
        self._callbacks: list[Any] = []
        self._guards: set[Guard] = set()
        self._nodes = 0
        self._participant: Participant | None = None
        self._graph: Graph | None = None
        self._arguments: RosArguments | None = None

    def init(
        self, args: Sequence[str] | None = None, *, initialize_logging: bool = True, domain_id: int | None = None
    ) -> None:
        """Start.

        Args:
            args: the command line; ``sys.argv`` if None.
            initialize_logging: whether the arguments for logging take effect.
            domain_id: the DDS domain; ``ROS_DOMAIN_ID`` if None.

        Raises:
            RuntimeError: the context was started before, or the arguments make no sense.
            ValueError: the domain is not a number from 0 to 232.
        """
        from rclpy.logging import configure
        from rclpy.utilities import parse_ros_arguments
        from roslite import settings

        if domain_id is not None and not 0 <= domain_id <= settings.MAX_DOMAIN_ID:
            raise RuntimeError(f"Domain id ({domain_id}) should be a number from 0 to {settings.MAX_DOMAIN_ID}.")
        with self._lock:
            if self._valid or self._was_shut_down:
                raise RuntimeError("Context.init() must only be called once")
            self._arguments = parse_ros_arguments(sys.argv if args is None else args)
            if initialize_logging:
                configure(self._arguments.log_levels, self._arguments.stdout_logs)
            self._domain_id = settings.domain_id() if domain_id is None else domain_id
            self._valid = True
            g_contexts.add(self)

    @property
    def arguments(self) -> "RosArguments":
        """The ROS arguments of the command line."""
        if self._arguments is None:
            raise RCLError("the context is not initialized")
        return self._arguments

    @property
    def participant(self) -> "Participant":
        """This context in the DDS domain; it enters when first asked.

        Raises:
            RCLError: the context is not initialized.
        """
        with self._lock:
            if self._participant is None:
                if not self._valid:
                    raise RCLError(
                        "the given context is not valid, either rcl_init() was not called or rcl_shutdown() was called"
                    )
                from roslite.dds import Participant

                self._participant = Participant(self._domain_id)
            return self._participant

    @property
    def graph(self) -> "Graph":
        """What is known of the nodes of the domain."""
        with self._lock:
            if self._graph is None:
                from roslite.discovery import Graph

                self._graph = Graph(self.participant)
            return self._graph

    def ok(self) -> bool:
        """Whether the context was started and not shut down."""
        return self._valid

    def shutdown(self) -> None:
        """End.

        Raises:
            RCLError: it ended before.
        """
        if not self._end():
            state = "rcl_shutdown already called on the given context" if self._was_shut_down else "context is invalid"
            raise RCLError(f"failed to shutdown: {state}")

    def try_shutdown(self) -> None:
        """End, unless it ended before."""
        self._end()

    def _end(self) -> bool:
        with self._lock:
            if not self._valid:
                return False
            self._valid, self._was_shut_down = False, True
            callbacks, self._callbacks = self._callbacks, []
        self.wake()
        for callback in callbacks:
            if isinstance(callback, weakref.WeakMethod):
                callback = callback()
            if callback is not None:
                callback()
        self.leave_domain_if_unused()
        return True

    def on_shutdown(self, callback: Callable[[], None]) -> None:
        """Call back when the context ends; a method is held weakly.

        Raises:
            TypeError: it cannot be called.
        """
        if not callable(callback):
            raise TypeError("callback should be a callable, got {}", type(callback))
        is_method = hasattr(callback, "__self__") and hasattr(callback, "__func__")
        with self._lock:
            if not self._valid:
                callback()
            else:
                self._callbacks.append(weakref.WeakMethod(callback, self._forget) if is_method else callback)

    def _forget(self, callback: Any) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._callbacks.remove(callback)

    def get_domain_id(self) -> int:
        """Return the DDS domain.

        Raises:
            RCLError: the context is not initialized.
        """
        if not self._valid:
            raise RCLError("the context is not initialized")
        return self._domain_id

    def track_node(self, created: bool) -> None:
        """Count the nodes; the last one that goes after the shutdown takes the DDS participant with it."""
        with self._lock:
            self._nodes += 1 if created else -1
        self.leave_domain_if_unused()

    def leave_domain_if_unused(self) -> None:
        """Leave the DDS domain if the context ended and has no nodes."""
        with self._lock:
            if not self._valid and self._nodes <= 0:
                self.leave_domain()

    def leave_domain(self) -> None:
        """Leave the DDS domain."""
        with self._lock:
            participant, self._participant, self._graph = self._participant, None, None
            guards, self._guards = self._guards, set()
            for guard in guards:
                guard.close()
            if participant is not None:
                participant.close()

    def create_guard(self) -> "Guard":
        """Return a condition that is triggered when the context ends."""
        with self._lock:
            guard = self.participant.create_guard()
            self._guards.add(guard)
            return guard

    def destroy_guard(self, guard: "Guard") -> None:
        """Delete a condition of :meth:`create_guard`."""
        with self._lock:
            self._guards.discard(guard)
            guard.close()

    def wake(self) -> None:
        """End all waits of this context."""
        with self._lock:
            for guard in self._guards:
                guard.trigger()

    def __enter__(self) -> "Context":
        if not self._valid:
            self.init()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.try_shutdown()
