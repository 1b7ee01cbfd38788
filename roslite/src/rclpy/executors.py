"""Executors: they wait for messages, timers, requests and answers, and run the callbacks."""

import contextlib
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from rclpy.context import Context
from rclpy.executor import (
    ConditionReachedException,
    Executor,
    ExternalShutdownException,
    ShutdownException,
    TimeoutException,
    await_or_execute,
)
from rclpy.task import Future, Task

__all__ = [
    "ConditionReachedException",
    "Executor",
    "ExternalShutdownException",
    "MultiThreadedExecutor",
    "ShutdownException",
    "SingleThreadedExecutor",
    "TimeoutException",
    "await_or_execute",
]


class SingleThreadedExecutor(Executor):
    """Runs one callback at a time, in the thread that spins."""

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Run one callback, or return when the time is over."""
        self._spin_once(timeout_sec, lambda: False)

    def spin_once_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Run one callback, or return when the time is over or the future is done."""
        self._spin_once(timeout_sec, future.done)

    def _spin_once(self, timeout_sec: float | None, condition: Callable[[], bool]) -> None:
        try:
            task, _, _ = self.wait_for_ready_callbacks(timeout_sec, None, condition)
        except (ShutdownException, TimeoutException, ConditionReachedException):
            return
        self._perform(task)
        if task.done() and (error := task.exception()) is not None:
            raise error


class MultiThreadedExecutor(Executor):
    """Runs callbacks in several threads, as far as their groups allow.

    Args:
        num_threads: how many; as many as there are cores, at least two, if None.
        context: the context that it belongs to.
    """

    def __init__(self, num_threads: int | None = None, *, context: Context | None = None) -> None:
        super().__init__(context=context)
        self._pool = ThreadPoolExecutor(num_threads or max(os.cpu_count() or 1, 2))
        self._errors: deque[BaseException] = deque()

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Begin one callback, or return when the time is over."""
        self._spin_once(timeout_sec, lambda: False)

    def spin_once_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Begin one callback, or return when the time is over or the future is done."""
        self._spin_once(timeout_sec, future.done)

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop spinning; return False if callbacks of other threads still run after the time."""
        finished = super().shutdown(timeout_sec)
        self._pool.shutdown(wait=False)
        return finished

    def _spin_once(self, timeout_sec: float | None, condition: Callable[[], bool]) -> None:
        with contextlib.suppress(
            ShutdownException, ExternalShutdownException, TimeoutException, ConditionReachedException
        ):
            task, _, _ = self.wait_for_ready_callbacks(timeout_sec, None, lambda: condition() or bool(self._errors))
            with contextlib.suppress(RuntimeError):  # the pool is closed by a shutdown at the same time
                self._pool.submit(self._perform, task)
        if self._errors:
            raise self._errors.popleft()

    def _perform(self, task: Task) -> None:
        super()._perform(task)
        if task.done() and (error := task.exception()) is not None:
            self._errors.append(error)
            self._made_progress()

    def _made_progress(self) -> None:
        self._guard.trigger()
