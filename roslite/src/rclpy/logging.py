"""Loggers that write to the terminal, and to ``/rosout`` where a node speaks."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from rclpy.clock import Clock

SEPARATOR = "."
DEFAULT_FORMAT = "[{severity}] [{time}] [{name}]: {message}"
_COLORS = {"DEBUG": "\033[32m", "WARN": "\033[33m", "ERROR": "\033[31m", "FATAL": "\033[31m"}
_RESET = "\033[0m"


class LoggingSeverity(IntEnum):
    """How bad it is."""

    UNSET = 0
    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40
    FATAL = 50


_levels: dict[str, LoggingSeverity] = {"": LoggingSeverity.INFO}
_listeners: dict[str, Callable[[LoggingSeverity, str, str, int], None]] = {}
"""Publishers on ``/rosout``, by logger name."""


class RcutilsLogger:
    """A named logger; made by :func:`get_logger`."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._seen: dict[Any, float] = {}

    def get_child(self, name: str) -> "RcutilsLogger":
        """Return the logger below this one.

        Raises:
            ValueError: the name is empty.
        """
        if not name:
            raise ValueError("Child logger name must not be empty.")
        child = RcutilsLogger(f"{self.name}{SEPARATOR}{name}" if self.name else name)
        if self.name in _listeners:
            _listeners[child.name] = _listeners[self.name]
        return child

    def set_level(self, level: LoggingSeverity | int) -> None:
        """Drop what is less severe."""
        set_logger_level(self.name, level)

    def get_effective_level(self) -> LoggingSeverity:
        """Return the level that holds, its own or the one of the nearest logger above."""
        return get_logger_effective_level(self.name)

    def is_enabled_for(self, severity: LoggingSeverity | int) -> bool:
        """Whether a message of this severity is written."""
        return severity >= get_logger_effective_level(self.name)

    def debug(self, message: str, **kwargs: Any) -> bool:
        """Log what helps to find errors."""
        return self._log(message, LoggingSeverity.DEBUG, kwargs)

    def info(self, message: str, **kwargs: Any) -> bool:
        """Log what is good to know."""
        return self._log(message, LoggingSeverity.INFO, kwargs)

    def warning(self, message: str, **kwargs: Any) -> bool:
        """Log what may turn out badly."""
        return self._log(message, LoggingSeverity.WARN, kwargs)

    warn = warning

    def error(self, message: str, **kwargs: Any) -> bool:
        """Log what went wrong."""
        return self._log(message, LoggingSeverity.ERROR, kwargs)

    def fatal(self, message: str, **kwargs: Any) -> bool:
        """Log what ends the program."""
        return self._log(message, LoggingSeverity.FATAL, kwargs)

    def log(self, message: str, severity: LoggingSeverity | int, **kwargs: Any) -> bool:
        """Log.

        Args:
            message: the text.
            severity: how bad it is.
            **kwargs: ``throttle_duration_sec`` and ``throttle_time_source_type`` (a clock): not again within that time;
                ``skip_first``: not the first time; ``once``: never again. They hold for the line that calls.

        Returns:
            Whether it was written.
        """
        return self._log(message, LoggingSeverity(severity), kwargs)

    def _log(self, message: str, severity: LoggingSeverity, options: dict[str, Any]) -> bool:
        if not self.is_enabled_for(severity):
            return False
        frame = sys._getframe(2)
        if options and not self._passes((frame.f_code, frame.f_lineno), options):
            return False
        message = str(message)
        write(self.name, severity, message)
        if listener := _listeners.get(self.name):
            listener(severity, message, frame.f_code.co_filename, frame.f_lineno)
        return True

    def _passes(self, caller: Any, options: dict[str, Any]) -> bool:
        known = {"throttle_duration_sec", "throttle_time_source_type", "skip_first", "once", "name"}
        if unknown := options.keys() - known:
            raise TypeError(f"Unknown logging option(s): {', '.join(sorted(unknown))}")
        clock: Clock | None = options.get("throttle_time_source_type")
        now = time.monotonic() if clock is None else clock.now_ns() / 1e9
        last = self._seen.get(caller)
        if last is None:
            self._seen[caller] = now
            return not options.get("skip_first", False)
        if options.get("once", False):
            return False
        if (duration := options.get("throttle_duration_sec")) is not None:
            if now - last < duration:
                return False
            self._seen[caller] = now
        return True


_root_logger = RcutilsLogger()


def get_logger(name: str) -> RcutilsLogger:
    """Return the logger of a name.

    Raises:
        ValueError: the name is empty.
    """
    if not name:
        raise ValueError("Logger name must not be empty.")
    return _root_logger.get_child(name)


def get_logger_effective_level(name: str) -> LoggingSeverity:
    """Return the level that holds for a logger."""
    while name not in _levels:
        name = name.rpartition(SEPARATOR)[0]
    return _levels[name]


get_logger_level = get_logger_effective_level


def set_logger_level(name: str, level: LoggingSeverity | int, detailed_error: bool = False) -> bool:
    """Let a logger drop what is less severe."""
    _levels[name] = LoggingSeverity(level)
    return True


def get_logging_severity_from_string(log_severity: str) -> LoggingSeverity:
    """Return the severity that a name stands for.

    Raises:
        RuntimeError: there is none of this name.
    """
    try:
        return LoggingSeverity[log_severity.upper()]
    except KeyError:
        raise RuntimeError(f"Failed to get severity from string: '{log_severity}'") from None


def apply_log_levels(levels: Mapping[str, str]) -> None:
    """Set the levels of ``--log-level``; the empty name stands for all loggers."""
    for name, level in levels.items():
        set_logger_level(name, get_logging_severity_from_string(level))


def initialize() -> None:
    """Do nothing: the loggers are always ready."""


def shutdown() -> None:
    """Do nothing: the loggers are always ready."""


def clear_config() -> None:
    """Forget all levels."""
    _levels.clear()
    _levels[""] = LoggingSeverity.INFO


def publish_to(name: str, listener: Callable[[LoggingSeverity, str, str, int], None] | None) -> None:
    """Hand what a logger writes to ``/rosout`` too, or stop it (None)."""
    if listener is None:
        _listeners.pop(name, None)
    else:
        _listeners[name] = listener


def write(name: str, severity: LoggingSeverity, message: str) -> None:
    """Write a line to the terminal, as ``RCUTILS_CONSOLE_OUTPUT_FORMAT`` wants it."""
    stream = sys.stdout if os.environ.get("RCUTILS_LOGGING_USE_STDOUT") == "1" else sys.stderr
    now = time.time_ns()
    line = os.environ.get("RCUTILS_CONSOLE_OUTPUT_FORMAT") or DEFAULT_FORMAT
    for key, value in {
        "severity": severity.name,
        "time": f"{now // 10**9}.{now % 10**9:09d}",
        "time_as_nanoseconds": str(now),
        "name": name,
        "message": message,
    }.items():
        line = line.replace("{" + key + "}", value)
    color = _COLORS.get(severity.name) if _is_colorful(stream) else None
    stream.write(f"{color}{line}{_RESET}\n" if color else f"{line}\n")
    stream.flush()


def _is_colorful(stream: Any) -> bool:
    choice = os.environ.get("RCUTILS_COLORIZED_OUTPUT")
    return choice == "1" if choice in ("0", "1") else bool(stream.isatty())
