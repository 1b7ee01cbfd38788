"""Loggers that write to the terminal, and to ``/rosout`` where a node speaks."""

import os
import sys
from collections.abc import Callable, Mapping
from enum import IntEnum
from pathlib import Path
from types import CodeType
from typing import Any

from rclpy.impl.implementation_singleton import RCLError
from rclpy.log_filters import LogFilter
from roslite import console

SEPARATOR = "."


class LoggingSeverity(IntEnum):
    """How bad it is."""

    UNSET = 0
    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40
    FATAL = 50


_levels: dict[str, LoggingSeverity] = {"": LoggingSeverity.INFO}
_console_is_on = True

Listener = Callable[[LoggingSeverity, str, CodeType, int], None]
_listeners: dict[str, Listener] = {}
"""Publishers on ``/rosout``, by logger name."""


class RcutilsLogger:
    """A named logger; made by :func:`get_logger`."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._filters: dict[Any, LogFilter] = {}

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
        return self._log(message, LoggingSeverity.DEBUG, **kwargs)

    def info(self, message: str, **kwargs: Any) -> bool:
        """Log what is good to know."""
        return self._log(message, LoggingSeverity.INFO, **kwargs)

    def warning(self, message: str, **kwargs: Any) -> bool:
        """Log what may turn out badly."""
        return self._log(message, LoggingSeverity.WARN, **kwargs)

    warn = warning

    def error(self, message: str, **kwargs: Any) -> bool:
        """Log what went wrong."""
        return self._log(message, LoggingSeverity.ERROR, **kwargs)

    def fatal(self, message: str, **kwargs: Any) -> bool:
        """Log what ends the program."""
        return self._log(message, LoggingSeverity.FATAL, **kwargs)

    def log(self, message: str, severity: LoggingSeverity | int, **kwargs: Any) -> bool:
        """Log.

        Args:
            message: the text.
            severity: how bad it is.
            **kwargs: ``throttle_duration_sec`` and ``throttle_time_source_type`` (a clock): not again within that time;
                ``skip_first``: not the first time; ``once``: never again. They hold for the line that calls.
                ``name``: the name to log under.

        Returns:
            Whether it was written.

        Raises:
            TypeError: an option is unknown, or lacks another one.
            ValueError: the same line logged otherwise before.
        """
        return self._log(message, LoggingSeverity(severity), **kwargs)

    def _log(self, message: str, severity: LoggingSeverity, *, name: str | None = None, **options: Any) -> bool:
        enabled = self.is_enabled_for(severity)
        if not enabled and not options:
            return False
        name = name or self.name
        frame = sys._getframe(2)
        code = frame.f_code
        caller = (code, frame.f_lasti)
        if (filter_ := self._filters.get(caller)) is None:
            filter_ = self._filters[caller] = LogFilter(severity, name, options)
        else:
            filter_.check_unchanged(severity, name, options)
        if not filter_.passes() or not enabled:
            return False
        message = str(message)
        if _console_is_on:
            console.write(severity.name, name, message, code.co_name, code.co_filename, frame.f_lineno)
        if listener := _listeners.get(self.name):
            listener(severity, message, code, frame.f_lineno)
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


def get_logger_level(name: str) -> LoggingSeverity:
    """Return the level that was set for a logger itself, UNSET if none was."""
    return _levels.get(name, LoggingSeverity.UNSET)


def set_logger_level(name: str, level: LoggingSeverity | int, detailed_error: bool = False) -> bool:
    """Let a logger drop what is less severe; UNSET leaves it to the loggers above."""
    severity = LoggingSeverity(level)
    if severity is not LoggingSeverity.UNSET:
        _levels[name] = severity
    elif name:
        _levels.pop(name, None)
    else:
        _levels[""] = LoggingSeverity.INFO
    return True


def get_logging_directory() -> Path:
    """Return where ROS 2 puts log files: ``ROS_LOG_DIR``, or ``log`` in ``ROS_HOME``, which is ``~/.ros``."""
    if folder := os.environ.get("ROS_LOG_DIR"):
        return Path(folder).expanduser()
    return Path(os.environ.get("ROS_HOME") or "~/.ros").expanduser() / "log"


def get_logging_severity_from_string(log_severity: str) -> LoggingSeverity:
    """Return the severity that a name stands for.

    Raises:
        RuntimeError: there is none of this name.
    """
    try:
        return LoggingSeverity[log_severity.upper()]
    except KeyError:
        raise RuntimeError(f"Failed to get severity from string: '{log_severity}'") from None


def configure(levels: Mapping[str, str], to_console: bool) -> None:
    """Apply the arguments ``--log-level`` (the empty name stands for all loggers) and ``--disable-stdout-logs``.

    Raises:
        RCLError: a variable of the environment that concerns logging has a senseless value.
    """
    global _console_is_on
    try:
        console.check_environment()
    except ValueError as error:
        raise RCLError(f"Failed to initialize logging: {error}") from error
    _console_is_on = to_console
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


def publish_to(name: str, listener: Listener | None) -> None:
    """Hand what a logger writes to ``/rosout`` too, or stop it (None)."""
    if listener is None:
        _listeners.pop(name, None)
    else:
        _listeners[name] = listener
