"""What all executors have in common: waiting for messages, timers, requests and answers, and running a callback."""

import inspect
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rclpy.context import Context
from rclpy.task import Future, Task
from rclpy.timer import FOREVER_NS
from rclpy.utilities import get_default_context, timeout_sec_to_nsec
from rclpy.wait_plan import Item, WaitPlan
from rclpy.waitable import Waitable, WaitSet

if TYPE_CHECKING:
    from rclpy.node import Node


class TimeoutException(Exception):  # noqa: N818 - ROS 2's names, here and below
    """The time was over before there was something to run."""


class ShutdownException(Exception):  # noqa: N818
    """The executor was shut down while it waited."""


class ExternalShutdownException(Exception):  # noqa: N818
    """The context was shut down while an executor spun, by a signal for example."""


class ConditionReachedException(Exception):  # noqa: N818
    """The condition to wait for was met before there was something to run."""


async def await_or_execute(callback: Callable[..., Any], *args: Any) -> Any:
    """Call a function or a coroutine function; return what it returns."""
    result = callback(*args)
    return await result if inspect.isawaitable(result) else result


class Executor:
    """Base of the executors; runs the callbacks of the nodes that were added to it.

    An executor of one's own defines :meth:`spin_once`, which gets from :meth:`wait_for_ready_callbacks` what to run.
    """

    def __init__(self, *, context: Context | None = None) -> None:
        self._context = context or get_default_context()
        self._nodes: list[Node] = []
        self._lock = threading.RLock()
        self._changes = 0
        self._planned_changes = -1
        self._plan = WaitPlan([])
        self._tasks: deque[Task] = deque()
        self._ready: deque[Item] = deque()
        self._in_hand: set[Any] = set()
        self._is_shutdown = False
        self._is_closed = False
        self._guard = self._context.create_guard()
        self._waitset = self._context.participant.create_waitset()
        self._working: list[int] = []
        self._progress = threading.Condition()

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
        self._guard.trigger()

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
        self.wake()

    def get_nodes(self) -> "list[Node]":
        """Return the nodes that were added."""
        return list(self._nodes)

    def wake(self) -> None:
        """Let a wait look for what is new: nodes and entities that came or went."""
        self._changes += 1
        self._guard.trigger()

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop spinning; return False if callbacks of other threads still run after the time."""
        self._is_shutdown = True
        self.wake()
        me = threading.get_ident()
        with self._progress:
            timeout = None if timeout_sec is None or timeout_sec < 0 else timeout_sec
            if not self._progress.wait_for(lambda: all(thread == me for thread in self._working), timeout):
                return False
        with self._lock:
            self._nodes.clear()
            if not self._is_closed:
                self._is_closed = True
                self._waitset.close()
                self._context.destroy_guard(self._guard)
        return True

    def spin(self) -> None:
        """Run callbacks until the context ends."""
        while self._context.ok() and not self._is_shutdown:
            self.spin_once()

    def spin_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Run callbacks until a future is done, the time is over or the context ends."""
        future.add_done_callback(lambda _: self._guard.trigger())
        deadline = None if timeout_sec is None or timeout_sec < 0 else time.monotonic() + timeout_sec
        while self._context.ok() and not future.done() and not self._is_shutdown:
            remaining = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            self.spin_once_until_future_complete(future, remaining)
            if deadline is not None and time.monotonic() >= deadline:
                return

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Run one callback, or return when the time is over."""
        raise NotImplementedError

    def spin_once_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Run one callback, or return when the time is over or the future is done."""
        raise NotImplementedError

    def can_execute(self, entity: Any) -> bool:
        """Whether the callback of an entity could begin now."""
        return entity not in self._in_hand and entity.callback_group.can_execute(entity)

    def wait_for_ready_callbacks(
        self,
        timeout_sec: float | None = None,
        nodes: "list[Node] | None" = None,
        condition: Callable[[], bool] = lambda: False,
    ) -> "tuple[Task, Any, Node | None]":
        """Wait for something to run.

        Args:
            timeout_sec: how long; None or negative for as long as it takes.
            nodes: whose entities count; those of all nodes if None.
            condition: ends the wait when it is met, and somebody wakes the executor.

        Returns:
            A task that runs it when called, with the entity and the node that it belongs to, if any.

        Raises:
            TimeoutException: the time is over.
            ConditionReachedException: the condition was met.
            ShutdownException: the executor was shut down.
            ExternalShutdownException: the context was shut down.
        """
        timeout_ns = timeout_sec_to_nsec(timeout_sec)
        deadline = None if timeout_ns < 0 else time.monotonic_ns() + timeout_ns
        is_last = False
        while True:
            if self._is_shutdown:
                raise ShutdownException
            if not self._context.ok():
                raise ExternalShutdownException
            if (found := self._pop(nodes)) is not None:
                return found
            if condition():
                raise ConditionReachedException
            if is_last:
                raise TimeoutException
            self._wait(self._planned(nodes), FOREVER_NS if deadline is None else deadline - time.monotonic_ns())
            is_last = deadline is not None and time.monotonic_ns() >= deadline

    def _pop(self, nodes: "list[Node] | None") -> "tuple[Task, Any, Node | None] | None":
        if self._tasks:
            return self._tasks.popleft(), None, None
        for _ in range(len(self._ready)):
            entity, node = item = self._ready.popleft()
            if nodes is not None and node not in nodes:
                self._ready.append(item)
            elif node in self._nodes and self.can_execute(entity):
                self._in_hand.add(entity)
                return Task(self._run, item, executor=self), entity, node
        return None

    async def _run(self, entity: Any, node: "Node") -> None:
        """Run the callback of an entity; taking the data only now gives it the newest."""
        group = entity.callback_group
        if self._is_shutdown or not group.beginning_execution(entity):
            self._in_hand.discard(entity)
            return
        try:
            try:
                work = entity.take_work()
            finally:
                self._in_hand.discard(entity)
                self._made_progress()
            if isinstance(entity, Waitable):
                for future in entity._futures:
                    future._set_executor(self)
            if work is not None:
                result = work()
                if inspect.isawaitable(result):
                    await result
        finally:
            group.ending_execution(entity)
            self._made_progress()

    def _made_progress(self) -> None:
        """Let a wait in another thread look for what may run now."""

    def _perform(self, task: Task) -> None:
        """Run a task as far as it gets."""
        me = threading.get_ident()
        self._working.append(me)
        try:
            task()
        finally:
            with self._progress:
                self._working.remove(me)
                self._progress.notify_all()

    def _planned(self, nodes: "list[Node] | None") -> WaitPlan:
        if nodes is not None:
            return WaitPlan(nodes)
        if (changes := self._changes) != self._planned_changes:
            self._plan, self._planned_changes = WaitPlan(self.get_nodes()), changes
        return self._plan

    def _wait(self, plan: WaitPlan, timeout_ns: int) -> None:
        """Wait until something is ready, and note what."""
        free = self.can_execute
        timers = [item for item in plan.timers if free(item[0])]
        for timer, _ in timers:
            timeout_ns = min(timeout_ns, timer.longest_wait_ns())
        if self._tasks or any(handler.happened and free(handler) for handler, _ in plan.event_handlers):
            timeout_ns = 0
        conditions = {condition for condition, (entity, _) in plan.by_condition.items() if free(entity)}
        waitables = [item for item in plan.waitables if free(item[0])]
        wait_set = WaitSet()
        for waitable, _ in waitables:
            waitable.add_to_wait_set(wait_set)
        for timer in wait_set.timers:
            timeout_ns = min(timeout_ns, timer.longest_wait_ns())
        graph = self._context.graph
        triggered = self._waitset.wait(
            conditions | plan.ends | wait_set.conditions | {self._guard.entity, graph.condition}, timeout_ns
        )
        if self._guard.entity in triggered:
            self._guard.take()
        if graph.condition in triggered:
            graph.update()
        wait_set.note_triggered(triggered)
        plan.note_events(triggered)
        with self._lock:
            self._ready.extend(item for item in timers if item[0].is_ready())
            self._ready.extend(item for item in plan.event_handlers if item[0].happened and free(item[0]))
            self._ready.extend(item for item in waitables if item[0].is_ready(wait_set))
            triggered &= conditions
            self._ready.extend(item for condition, item in plan.by_condition.items() if condition in triggered)

    def __enter__(self) -> "Executor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.shutdown()
