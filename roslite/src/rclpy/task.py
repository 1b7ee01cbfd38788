"""Futures, and tasks that an executor runs."""

import inspect
import threading
import weakref
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rclpy.executors import Executor


class Future:
    """A result that will be there later; can be awaited in a coroutine that an executor runs."""

    def __init__(self, *, executor: "Executor | None" = None) -> None:
        self._lock = threading.RLock()
        self._done = False
        self._cancelled = False
        self._result: Any = None
        self._exception: BaseException | None = None
        self._exception_fetched = False
        self._callbacks: list[Callable[[Future], Any]] = []
        self._executor: weakref.ref[Executor] | None = None
        self._set_executor(executor)

    def __await__(self) -> Generator["Future", None, Any]:
        while not self._done:
            yield self
        return self.result()

    def cancel(self) -> None:
        """Give up waiting for the result."""
        with self._lock:
            if self._done:
                return
            self._cancelled = self._done = True
        self._invoke_callbacks()

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._cancelled

    def done(self) -> bool:
        """Whether there is a result or an exception, or it was cancelled."""
        return self._done

    def result(self) -> Any:
        """Return the result, None if there is none yet.

        Raises:
            BaseException: the exception that was set instead of a result.
        """
        if self._exception is not None:
            self._exception_fetched = True
            raise self._exception
        return self._result

    def exception(self) -> BaseException | None:
        """Return the exception that was set instead of a result."""
        self._exception_fetched = True
        return self._exception

    def set_result(self, result: Any) -> None:
        """Set the result."""
        with self._lock:
            self._result = result
            self._done, self._cancelled = True, False
        self._invoke_callbacks()

    def set_exception(self, exception: BaseException) -> None:
        """Set an exception instead of a result."""
        with self._lock:
            self._exception, self._exception_fetched = exception, False
            self._done, self._cancelled = True, False
        self._invoke_callbacks()

    def add_done_callback(self, callback: Callable[["Future"], Any]) -> None:
        """Call back with this future when it is done: by the executor if it has one, else at once."""
        with self._lock:
            if not self._done:
                self._callbacks.append(callback)
                return
        self._invoke(callback)

    def _set_executor(self, executor: "Executor | None") -> None:
        self._executor = None if executor is None else weakref.ref(executor)

    def _invoke_callbacks(self) -> None:
        with self._lock:
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            self._invoke(callback)

    def _invoke(self, callback: Callable[["Future"], Any]) -> None:
        executor = None if self._executor is None else self._executor()
        if executor is None:
            callback(self)
        else:
            executor.create_task(callback, self)


class Task(Future):
    """A function or coroutine that an executor runs; calling the task runs it as far as it gets."""

    def __init__(
        self,
        handler: Any,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        executor: "Executor | None" = None,
    ) -> None:
        super().__init__(executor=executor)
        self._args, self._kwargs = args or (), kwargs or {}
        self._handler = handler(*self._args, **self._kwargs) if inspect.iscoroutinefunction(handler) else handler
        self._running = threading.Lock()

    def __call__(self) -> None:
        """Run until the end or the next ``await`` of something that is not there yet."""
        if self._done or not self._running.acquire(blocking=False):
            return
        try:
            self._step()
        finally:
            self._running.release()

    def executing(self) -> bool:
        """Whether it runs right now."""
        return self._running.locked()

    def _step(self) -> None:
        try:
            if inspect.iscoroutine(self._handler):
                self._wait_for(self._handler.send(None))
            else:
                self.set_result(self._handler(*self._args, **self._kwargs))
        except StopIteration as stop:
            self.set_result(stop.value)
        except Exception as error:
            self.set_exception(error)

    def _wait_for(self, awaited: Any) -> None:
        """Let the executor go on with this task when what the coroutine waits for is there."""
        executor = None if self._executor is None else self._executor()
        if executor is None:
            return
        if isinstance(awaited, Future) and not awaited.done():
            awaited.add_done_callback(lambda _: executor.resume(self))
        else:
            executor.resume(self)
