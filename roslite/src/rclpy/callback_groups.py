"""Which callbacks may run at the same time, where an executor has several threads."""

import threading
import weakref
from typing import Any


class CallbackGroup:
    """Base of the groups."""

    def __init__(self) -> None:
        self.entities: weakref.WeakSet[Any] = weakref.WeakSet()

    def add_entity(self, entity: Any) -> None:
        """Add a subscription, timer, service, client or guard condition."""
        self.entities.add(entity)

    def has_entity(self, entity: Any) -> bool:
        """Whether it was added."""
        return entity in self.entities

    def can_execute(self, entity: Any) -> bool:
        """Whether its callback could begin now."""
        raise NotImplementedError

    def beginning_execution(self, entity: Any) -> bool:
        """Begin its callback; return False if it has to wait."""
        raise NotImplementedError

    def ending_execution(self, entity: Any) -> None:
        """End its callback."""
        raise NotImplementedError


class ReentrantCallbackGroup(CallbackGroup):
    """All callbacks may run at the same time."""

    def can_execute(self, entity: Any) -> bool:
        """Return True."""
        return True

    def beginning_execution(self, entity: Any) -> bool:
        """Return True."""
        return True

    def ending_execution(self, entity: Any) -> None:
        """Do nothing."""


class MutuallyExclusiveCallbackGroup(CallbackGroup):
    """One callback at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._active: Any = None
        self._lock = threading.Lock()

    def can_execute(self, entity: Any) -> bool:
        """Whether no callback of the group runs."""
        return self._active is None

    def beginning_execution(self, entity: Any) -> bool:
        """Begin its callback; return False if another one runs."""
        with self._lock:
            if self._active is not None:
                return False
            self._active = entity
            return True

    def ending_execution(self, entity: Any) -> None:
        """End its callback."""
        with self._lock:
            if self._active is entity:
                self._active = None
