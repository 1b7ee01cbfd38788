"""Signals: SIGINT and SIGTERM end the contexts and wake whoever spins."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from enum import IntEnum
from types import FrameType
from typing import Any

from rclpy.context import g_contexts

Handler = Callable[[int, FrameType | None], Any] | int | None


class SignalHandlerOptions(IntEnum):
    """Which signals are handled."""

    NO = 0
    SIGINT = 1
    SIGTERM = 2
    ALL = 3


class _Handlers:
    """Installed handlers, the handlers that they replaced, and the thread that wakes the waits.

    Python runs a signal handler in the main thread, and only between two of its instructions: not while that thread
    waits in the DDS library. So the number of the signal also goes to a pipe, whose reader ends all waits.
    """

    def __init__(self) -> None:
        self.options = SignalHandlerOptions.NO
        self._previous: dict[int, Handler] = {}
        self._pipe: tuple[int, int] | None = None
        self._previous_wakeup_fd = -1

    def install(self, options: SignalHandlerOptions) -> None:
        if threading.current_thread() is not threading.main_thread() or options is SignalHandlerOptions.NO:
            return
        self.uninstall()
        for flag, number in ((1, signal.SIGINT), (2, signal.SIGTERM)):
            if options & flag:
                self._previous[number] = signal.signal(number, self._handle)
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        self._previous_wakeup_fd = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        self._pipe = (read_end, write_end)
        threading.Thread(target=_wake_on_byte, args=(read_end,), name="rclpy signals", daemon=True).start()
        self.options = options

    def uninstall(self) -> bool:
        if threading.current_thread() is not threading.main_thread() or self._pipe is None:
            return False
        for number, previous in self._previous.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, previous)
        self._previous.clear()
        signal.set_wakeup_fd(self._previous_wakeup_fd)
        os.close(self._pipe[1])
        self._pipe = None
        self.options = SignalHandlerOptions.NO
        return True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        previous = self._previous.get(number)
        for context in list(g_contexts):
            context.try_shutdown()
        if callable(previous):
            previous(number, frame)


def _wake_on_byte(read_end: int) -> None:
    """End all waits for each byte in the pipe; return when its other end is closed."""
    with contextlib.suppress(OSError):
        while os.read(read_end, 64):
            for context in list(g_contexts):
                context.wake()
    os.close(read_end)


_handlers = _Handlers()


def install_signal_handlers(options: SignalHandlerOptions = SignalHandlerOptions.ALL) -> None:
    """Handle signals; does nothing outside the main thread, where Python does not allow it."""
    _handlers.install(options)


def uninstall_signal_handlers() -> bool:
    """Give the signals back to whom they belonged before."""
    return _handlers.uninstall()


def get_current_signal_handlers_options() -> SignalHandlerOptions:
    """Return which signals are handled."""
    return _handlers.options
