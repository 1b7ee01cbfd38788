"""Logging of launch: to the screen, and to a file per run.

The screen shows `[INFO] [launch]: message`; what a process prints is shown as it is, behind `[name-N] `.
The files lie below `$ROS_LOG_DIR`, else `$ROS_HOME/log`, else `~/.ros/log`, and are made at the first record.
"""

from __future__ import annotations

import datetime
import logging
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

__all__ = ["get_logger", "get_output_loggers", "launch_config", "log_launch_config", "reset"]

_SCREEN_FORMATS = {
    "default": "[{levelname}] [{name}]: {message}",
    "default_with_timestamp": "{created:.7f} [{levelname}] [{name}]: {message}",
}
_OUTPUTS: dict[str, dict[str, set[str]]] = {
    "screen": {"both": {"screen"}},
    "log": {"both": {"log"}, "stderr": {"screen"}},
    "both": {"both": {"log", "screen"}},
    "own_log": {"both": {"own_log"}, "stdout": {"own_log"}, "stderr": {"own_log"}},
    "full": {"both": {"screen", "log", "own_log"}, "stdout": {"own_log"}, "stderr": {"own_log"}},
}

if TYPE_CHECKING:
    _StreamHandler = logging.StreamHandler[TextIO]
else:
    _StreamHandler = logging.StreamHandler  # not subscriptable in Python 3.10


class _Screen(_StreamHandler):
    """A handler that writes to whatever sys.stdout is at the time."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__(sys.stdout)
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        super().emit(record)


class _File(logging.FileHandler):
    """A handler that makes its file, and the folder of the run, at the first record."""

    def __init__(self, file_name: str, formatter: logging.Formatter) -> None:
        super().__init__(file_name, encoding="utf-8", delay=True)
        self.setFormatter(formatter)
        self.__file_name = file_name

    def _open(self) -> Any:
        self.baseFilename = os.path.join(launch_config.log_dir, self.__file_name)
        return super()._open()


def get_logging_directory() -> str:
    """Return the folder that each run makes its own folder in: ROS_LOG_DIR, or `log` in ROS_HOME, or ~/.ros/log."""
    folder = os.environ.get("ROS_LOG_DIR") or os.path.join(os.environ.get("ROS_HOME") or "~/.ros", "log")
    return os.path.normpath(os.path.expanduser(folder))


class LaunchConfig:
    """Where and how launch logs; one for the process: `launch_config`."""

    def __init__(self) -> None:
        self.__log_dir: str | None = None
        self.__level = logging.INFO
        self.__loggers: dict[str | None, logging.Logger] = {}
        self.__handlers: dict[str, logging.Handler] = {}
        self.set_screen_format(os.environ.get("OVERRIDE_LAUNCH_SCREEN_FORMAT", "default"))

    @property
    def level(self) -> int:
        """The least severe level that is logged."""
        return self.__level

    @level.setter
    def level(self, level: int) -> None:
        self.__level = level
        for logger in self.__loggers.values():
            logger.setLevel(level)

    @property
    def log_dir(self) -> str:
        """The folder of this run; made when asked for."""
        if self.__log_dir is None:
            stamp = datetime.datetime.now().strftime("%Y-%m-%d-%H-%M-%S-%f")
            folder = Path(get_logging_directory()) / f"{stamp}-{socket.gethostname()}-{os.getpid()}"
            folder.mkdir(parents=True, exist_ok=True)
            self.__log_dir = str(folder)
        return self.__log_dir

    @log_dir.setter
    def log_dir(self, log_dir: str | None) -> None:
        if log_dir is not None and not os.path.isdir(log_dir):
            raise ValueError(f"{log_dir} is not a directory")
        self.__log_dir = log_dir

    def set_screen_format(self, screen_format: str, *, screen_style: str | None = None) -> None:
        """Set the screen's format: 'default', 'default_with_timestamp', or one of `logging.Formatter`."""
        named = _SCREEN_FORMATS.get(screen_format)
        style: Any = "{" if named is not None or screen_style is None else screen_style
        self.__screen_formatter = logging.Formatter(named or screen_format, style=style)
        if "screen" in self.__handlers:
            self.__handlers["screen"].setFormatter(self.__screen_formatter)

    def handler(self, kind: str) -> logging.Handler:
        """The one handler of a kind: 'screen', 'log', for what processes print 'screen raw', 'log raw', or a file."""
        if kind not in self.__handlers:
            self.__handlers[kind] = self.__make_handler(kind)
        return self.__handlers[kind]

    def __make_handler(self, kind: str) -> logging.Handler:
        if kind == "screen":
            return _Screen(self.__screen_formatter)
        if kind == "screen raw":
            return _Screen(logging.Formatter("{message}", style="{"))
        if kind == "log":
            return _File("launch.log", logging.Formatter("{created:.7f} [{levelname}] [{name}]: {message}", style="{"))
        if kind == "log raw":
            return _File("launch.log", logging.Formatter("{created:.7f} {message}", style="{"))
        return _File(kind, logging.Formatter("{message}", style="{"))

    def logger(self, name: str | None, handlers: list[str]) -> logging.Logger:
        """The logger of this name, writing to these handlers and no others."""
        if name not in self.__loggers:
            logger = logging.Logger(name or "root", self.__level)
            for kind in handlers:
                logger.addHandler(self.handler(kind))
            self.__loggers[name] = logger
        return self.__loggers[name]

    def reset(self) -> None:
        """Close the files and forget loggers and settings."""
        for handler in self.__handlers.values():
            handler.close()
        LaunchConfig.__init__(self)


launch_config = LaunchConfig()


def reset() -> None:
    """Close the files and forget loggers and settings."""
    launch_config.reset()


def get_logger(name: str | None = None) -> logging.Logger:
    """Return the logger of this name, which writes to the screen and to the launch's log file."""
    return launch_config.logger(name, ["screen", "log"])


def get_output_loggers(
    process_name: str, output_config: str | dict[str, str | set[str]]
) -> tuple[logging.Logger, logging.Logger]:
    """Return the loggers for what a process prints to stdout and to stderr.

    Args:
        process_name: name of the process.
        output_config: 'screen'; 'log' (all to the log file, stderr to the screen as well); 'both'; 'own_log'; 'full';
            or a dictionary from 'stdout', 'stderr' and 'both' to sets of 'screen', 'log' and 'own_log'.

    Raises:
        ValueError: it is none of these.
    """
    config = _destinations(output_config)
    loggers = []
    for source in ("stdout", "stderr"):
        handlers = [f"{place} raw" for place in ("screen", "log") if place in config["both"] | config[source]]
        if "own_log" in config[source]:
            handlers.append(f"{process_name}-{source}.log")
        if "own_log" in config["both"]:
            handlers.append(f"{process_name}.log")
        loggers.append(launch_config.logger(f"{process_name}-{source}", handlers))
    return loggers[0], loggers[1]


def _destinations(output_config: str | dict[str, str | set[str]]) -> dict[str, set[str]]:
    if isinstance(output_config, str):
        if output_config not in _OUTPUTS:
            raise ValueError(
                f"{output_config} is not a valid standard output config, i.e. one of {', '.join(_OUTPUTS)}"
            )
        named = _OUTPUTS[output_config]
        return {source: named.get(source, set()) for source in ("both", "stdout", "stderr")}
    config: dict[str, set[str]] = {"both": set(), "stdout": set(), "stderr": set()}
    for source, given in output_config.items():
        places = {given} if isinstance(given, str) else set(given)
        if source not in config:
            raise ValueError(f"{source} is not a valid output source, i.e. 'stdout', 'stderr' or 'both'")
        if not places <= {"screen", "log", "own_log"}:
            raise ValueError(f"{places} is not a valid output destination, i.e. 'screen', 'log' or 'own_log'")
        config[source] = places
    return config


def log_launch_config(*, logger: logging.Logger) -> None:
    """Log where the log files are and the level."""
    logger.info(f"All log files can be found below {launch_config.log_dir}")
    logger.info(f"Default logging verbosity is set to {logging.getLevelName(launch_config.level)}")
