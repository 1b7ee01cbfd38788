"""Waitables: entities that a program composes itself, for example of several guard conditions."""

from types import TracebackType
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.task import Future


class NumberOfEntities:
    """How many entities of each kind a waitable adds to a wait set."""

    __slots__ = ("num_clients", "num_events", "num_guard_conditions", "num_services", "num_subscriptions", "num_timers")

    def __init__(
        self,
        num_subs: int = 0,
        num_gcs: int = 0,
        num_timers: int = 0,
        num_clients: int = 0,
        num_services: int = 0,
        num_events: int = 0,
    ) -> None:
        self.num_subscriptions = num_subs
        self.num_guard_conditions = num_gcs
        self.num_timers = num_timers
        self.num_clients = num_clients
        self.num_services = num_services
        self.num_events = num_events

    def __add__(self, other: "NumberOfEntities") -> "NumberOfEntities":
        result = NumberOfEntities()
        for kind in self.__slots__:
            setattr(result, kind, getattr(self, kind) + getattr(other, kind))
        return result

    def __repr__(self) -> str:
        return f"NumberOfEntities({', '.join(f'{kind}={getattr(self, kind)}' for kind in self.__slots__)})"


class Waitable:
    """Base of what an executor waits for and runs; :meth:`rclpy.node.Node.add_waitable` adds it to a node."""

    def __init__(self, callback_group: CallbackGroup) -> None:
        self.callback_group = callback_group
        self._futures: list[Future] = []
        callback_group.add_entity(self)

    def __enter__(self) -> None:
        """Begin to wait for it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End waiting for it."""

    def add_future(self, future: Future) -> None:
        """Let the executor that runs this waitable call back when a future is done."""
        self._futures.append(future)

    def remove_future(self, future: Future) -> None:
        """Forget a future of :meth:`add_future`."""
        self._futures.remove(future)

    def is_ready(self, wait_set: "WaitSet") -> bool:
        """Whether there is something to take after a wait."""
        raise NotImplementedError("Must be implemented by subclass")

    def take_data(self) -> Any:
        """Take what made it ready."""
        raise NotImplementedError("Must be implemented by subclass")

    async def execute(self, taken_data: Any) -> None:
        """Do the work with what was taken."""
        raise NotImplementedError("Must be implemented by subclass")

    def get_num_entities(self) -> NumberOfEntities:
        """Return how many entities it adds to a wait set."""
        raise NotImplementedError("Must be implemented by subclass")

    def add_to_wait_set(self, wait_set: "WaitSet") -> None:
        """Add its entities to a wait set."""
        raise NotImplementedError("Must be implemented by subclass")

    def take_work(self) -> Any:
        """Take what made it ready; return what is to be run."""
        data = self.take_data()
        return lambda: self.execute(data)


class WaitSet:
    """What waitables add their entities to before a wait, and ask for them after it.

    Each ``add`` method returns the index that :meth:`is_ready` takes; the kinds are ``"subscription"``,
    ``"guard_condition"``, ``"timer"``, ``"client"``, ``"service"`` and ``"event"``.
    """

    def __init__(self) -> None:
        self._added: dict[str, list[Any]] = {}
        self._triggered: set[int] = set()

    def _add(self, kind: str, entity: Any) -> int:
        entities = self._added.setdefault(kind, [])
        entities.append(entity)
        return len(entities) - 1

    def add_subscription(self, subscription: Any) -> int:
        """Wait for a message."""
        return self._add("subscription", subscription)

    def add_guard_condition(self, guard: Any) -> int:
        """Wait until a guard condition is triggered."""
        return self._add("guard_condition", guard)

    def add_timer(self, timer: Any) -> int:
        """Wait until a timer is due."""
        return self._add("timer", timer)

    def add_client(self, client: Any) -> int:
        """Wait for an answer."""
        return self._add("client", client)

    def add_service(self, service: Any) -> int:
        """Wait for a request."""
        return self._add("service", service)

    def add_event(self, event: Any) -> int:
        """Wait for a QoS event."""
        return self._add("event", event)

    @property
    def timers(self) -> list[Any]:
        """The timers that were added."""
        return self._added.get("timer", [])

    @property
    def conditions(self) -> set[int]:
        """The DDS conditions of all that was added but timers."""
        return {entity.condition for kind, entities in self._added.items() if kind != "timer" for entity in entities}

    def note_triggered(self, triggered: set[int]) -> None:
        """Note which conditions ended the wait; guard conditions are reset by that."""
        self._triggered = triggered
        for guard in self._added.get("guard_condition", []):
            if guard.condition in triggered:
                guard.take()

    def is_ready(self, entity_type: str, index: int) -> bool:
        """Whether an entity is ready, given by its kind and the index that it got when it was added."""
        entity = self._added[entity_type][index]
        return entity.is_ready() if entity_type == "timer" else entity.condition in self._triggered
