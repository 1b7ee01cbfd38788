"""Messages on their way between two threads."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class MessageQueue(Generic[T]):
    """A queue that is bounded by the size of its messages, and by their number.

    Args:
        max_bytes: of all messages together; one message is let in whatever its size.
        max_count: of messages; None for any.
    """

    def __init__(self, max_bytes: int, max_count: int | None = None) -> None:
        self._max_bytes = max_bytes
        self._max_count = max_count
        self._messages: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, message: T, size: int, *, wait: bool) -> bool:
        """Add a message of so many bytes.

        Args:
            message: the message.
            size: how large it is.
            wait: wait for room, instead of leaving the message out.

        Returns:
            False if it was left out, because there was no room or the queue is closed.
        """
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._closed or self._has_room(size))
            if self._closed or not self._has_room(size):
                return False
            self._messages.append((message, size))
            self._bytes += size
            self._changed.notify_all()
            return True

    def _has_room(self, size: int) -> bool:
        if self._max_count is not None and len(self._messages) >= self._max_count:
            return False
        return not self._messages or self._bytes + size <= self._max_bytes

    def get(self, timeout_s: float | None = None) -> T | None:
        """Take the oldest message; None if none came in time, or the queue is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._messages), timeout_s)
            if not self._messages:
                return None
            message, size = self._messages.popleft()
            self._bytes -= size
            self._changed.notify_all()
            return message

    @property
    def is_finished(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._closed and not self._messages

    def close(self, *, drop: bool = False) -> None:
        """Let nothing more in; ``drop`` what is there."""
        with self._changed:
            self._closed = True
            if drop:
                self._messages.clear()
            self._changed.notify_all()
