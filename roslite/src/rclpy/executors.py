"""Executors: they wait for messages, timers, requests and answers, and run the callbacks."""

import contextlib
import inspect
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rclpy.callback_groups import CallbackGroup
from rclpy.context import Context
from rclpy.task import Future, Task
from rclpy.utilities import get_default_context, timeout_sec_to_nsec

if TYPE_CHECKING:
    from rclpy.node import Node

FOREVER_NS = 2**63 - 1


class ExternalShutdownException(Exception):  # noqa: N818 - ROS 2's name
    """The context was shut down while an executor spun, by a signal for example."""


class Executor:
    """Base of the executors; runs the callbacks of the nodes that were added to it."""

    def __init__(self, *, context: Context | None = None) -> None:
        self._context = context or get_default_context()
        self._nodes: list[Node] = []
        self._lock = threading.RLock()
        self._tasks: deque[Task] = deque()
        self._ready: deque[tuple[Any, Node]] = deque()
        self._is_shutdown = False
        self._guard = self._context.create_guard()
        self._waitset = self._context.participant.create_waitset()
        self._unfinished: set[Task] = set()
        self._all_done = threading.Condition()

    @property
    def context(self) -> Context:
        """The context that it belongs to."""
        return self._context

    def create_task(self, callback: Any, *args: Any, **kwargs: Any) -> Task:
        """Run a function or a coroutine soon; return a future of its result."""
        task = Task(callback, args, kwargs, executor=self)
        self.resume(task)
        return task

    def resume(self, task: Task) -> None:
        """Go on with a task soon."""
        self._tasks.append(task)
        self.wake()

    def add_node(self, node: "Node") -> bool:
        """Run the callbacks of a node; return False if it was added before."""
        with self._lock:
            if node in self._nodes:
                return False
            self._nodes.append(node)
        node.executor = self
        self.wake()
        return True

    def remove_node(self, node: "Node") -> None:
        """Do not run the callbacks of a node any more."""
        with self._lock:
            if node in self._nodes:
                self._nodes.remove(node)
                self._ready = deque(item for item in self._ready if item[1] is not node)
        self.wake()

    def get_nodes(self) -> "list[Node]":
        """Return the nodes that were added."""
        return list(self._nodes)

    def wake(self) -> None:
        """Let a wait look for what is new."""
        self._guard.trigger()

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop spinning; return False if callbacks still run after the time."""
        with self._lock:
            already, self._is_shutdown = self._is_shutdown, True
        if not already:
            self.wake()
        with self._all_done:
            finished = self._all_done.wait_for(lambda: not self._unfinished, timeout_sec)
        if finished and not already:
            self._waitset.close()
            self._context.destroy_guard(self._guard)
        return finished

    def spin(self) -> None:
        """Run callbacks until the context ends."""
        while self._context.ok() and not self._is_shutdown:
            self.spin_once()

    def spin_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Run callbacks until a future is done, the time is over or the context ends."""
        future.add_done_callback(lambda _: self.wake())
        deadline = None if timeout_sec is None or timeout_sec < 0 else time.monotonic() + timeout_sec
        while self._context.ok() and not future.done() and not self._is_shutdown:
            remaining = None if deadline is None else deadline - time.monotonic()
            if remaining is not None and remaining <= 0:
                return
            self.spin_once_until_future_complete(future, remaining)

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Run one callback, or return when the time is over."""
        raise NotImplementedError

    def spin_once_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Run one callback, or return when the time is over or the future is done."""
        raise NotImplementedError

    def _next(self, timeout_sec: float | None, condition: Callable[[], bool] | None = None) -> Task | None:
        """Wait for something to run; return None if time or executor end before, or the condition is met.

        Raises:
            ExternalShutdownException: the context was shut down.
        """
        timeout_ns = timeout_sec_to_nsec(timeout_sec)
        deadline = None if timeout_ns < 0 else time.monotonic_ns() + timeout_ns
        last = False
        while True:
            if self._is_shutdown:
                return None
            if not self._context.ok():
                raise ExternalShutdownException
            if (task := self._pop()) is not None:
                return task
            if last or (condition is not None and condition()):
                return None
            remaining = FOREVER_NS if deadline is None else max(deadline - time.monotonic_ns(), 0)
            self._wait(remaining)
            last = deadline is not None and time.monotonic_ns() >= deadline

    def _pop(self) -> Task | None:
        if self._tasks:
            return self._tasks.popleft()
        while self._ready:
            entity, _ = self._ready.popleft()
            group: CallbackGroup = entity.callback_group
            if not group.beginning_execution(entity):
                continue
            invoke = _take(entity)
            if invoke is not None:
                return Task(self._run, (entity, group, *invoke), executor=self)
            group.ending_execution(entity)
        return None

    async def _run(
        self, entity: Any, group: CallbackGroup, call: Callable[[], Any], finish: Callable[[Any], Any] | None
    ) -> None:
        try:
            result = call()
            if inspect.isawaitable(result):
                result = await result
            if finish is not None:
                finish(result)
        finally:
            group.ending_execution(entity)

    def _wait(self, timeout_ns: int) -> None:
        """Wait until something is ready, and note what."""
        conditions: dict[int, tuple[Any, Node]] = {}
        due: list[tuple[Any, Node]] = []
        with self._lock:
            for node in self._nodes:
                for timer in _executable(node.timer_list):
                    if timer.is_ready():
                        due.append((timer, node))
                    elif not timer.is_canceled() and not timer.clock_is_simulated:
                        timeout_ns = min(timeout_ns, timer.time_until_next_call())
                for entity in _executable(node.waitable_list):
                    conditions[entity.condition] = (entity, node)
            ends = {end.status: end for node in self._nodes for end in node.topic_ends}
        graph = self._context.graph
        triggered = self._waitset.wait(
            {*conditions, *ends, self._guard.entity, graph.condition}, 0 if due or self._tasks else timeout_ns
        )
        if self._guard.entity in triggered:
            self._guard.take()
        if graph.condition in triggered:
            graph.update()
        for status in triggered & ends.keys():
            ends[status].warn_of_incompatible_qos()
        with self._lock:
            if not due:
                due = [
                    (timer, node) for node in self._nodes for timer in _executable(node.timer_list) if timer.is_ready()
                ]
            self._ready.extend(due)
            self._ready.extend(item for condition, item in conditions.items() if condition in triggered)

    def __enter__(self) -> "Executor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.shutdown()


def _executable(entities: list[Any]) -> Iterator[Any]:
    return (entity for entity in list(entities) if entity.callback_group.can_execute(entity))


def _take(entity: Any) -> tuple[Callable[[], Any], Callable[[Any], Any] | None] | None:
    """Take what made an entity ready; return what to call, and what to do with the result. None if it is gone."""
    from rclpy.client import Client
    from rclpy.guard_condition import GuardCondition
    from rclpy.service import Service
    from rclpy.timer import Timer

    if isinstance(entity, Timer):
        if not entity.is_ready():
            return None
        entity.advance()
        return entity.call, None
    taken = entity.take()
    if not taken:
        return None
    if isinstance(entity, GuardCondition):
        return (entity.callback, None) if entity.callback is not None else None
    if isinstance(entity, Service):
        return (
            lambda: entity.callback(taken.message, entity.srv_type.Response()),
            lambda response: entity.send_response(response, taken),
        )
    if isinstance(entity, Client):
        future, response = taken
        return lambda: future.set_result(response), None
    return lambda: entity.call(taken), None


class SingleThreadedExecutor(Executor):
    """Runs one callback at a time, in the thread that spins."""

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Run one callback, or return when the time is over."""
        self._execute(self._next(timeout_sec))

    def spin_once_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Run one callback, or return when the time is over or the future is done."""
        self._execute(self._next(timeout_sec, future.done))

    def _execute(self, task: Task | None) -> None:
        if task is None:
            return
        task()
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
        self._submit(self._next(timeout_sec, lambda: bool(self._errors)))

    def spin_once_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Begin one callback, or return when the time is over or the future is done."""
        self._submit(self._next(timeout_sec, lambda: future.done() or bool(self._errors)))

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop spinning; return False if callbacks still run after the time."""
        finished = super().shutdown(timeout_sec)
        self._pool.shutdown(wait=False)
        return finished

    def _submit(self, task: Task | None) -> None:
        if self._errors:
            raise self._errors.popleft()
        if task is not None:
            with self._all_done:
                self._unfinished.add(task)
            self._pool.submit(self._execute, task)

    def _execute(self, task: Task) -> None:
        try:
            task()
            if task.done() and (error := task.exception()) is not None:
                self._errors.append(error)
        finally:
            with self._all_done:
                self._unfinished.discard(task)
                self._all_done.notify_all()
            with contextlib.suppress(RuntimeError):
                self.wake()
