"""Slow work beside a loop that must stay live: in a thread of its own, one piece at a time, nothing queues up."""

from __future__ import annotations

import threading
from collections.abc import Callable


class OneAtATime:
    """Does a piece of work whenever it is wished for; wishes while one is under way are one wish.

    Attributes:
        failure: what the work raised; after that it is not done any more.
    """

    def __init__(self, work: Callable[[], None], on_failure: Callable[[], None], name: str) -> None:
        """Start the thread.

        Args:
            work: what to do, in the thread.
            on_failure: is called in the thread once the work has raised.
            name: the thread's.
        """
        self.failure: BaseException | None = None
        self._work = work
        self._on_failure = on_failure
        self._changed = threading.Condition()
        self._wished = self._ending = False
        # A daemon: whoever gives up on waiting for a piece of work can still end the process.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def ending(self) -> bool:
        """Whether ``close`` was called: what the work has made is not wanted any more."""
        return self._ending

    def wish(self) -> None:
        """Let the work be done soon; never waits."""
        with self._changed:
            self._wished = True
            self._changed.notify()

    def close(self, timeout_s: float) -> bool:
        """End the thread; return False if a piece of work is still under way after the time."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while self._wait():
            try:
                self._work()
            except Exception as error:
                self.failure = error
                self._on_failure()
                return

    def _wait(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._wished or self._ending)
            self._wished = False
            return not self._ending
