"""Writes log messages to the terminal, as the ``RCUTILS_`` variables of the environment want it."""

import os
import sys
import time
from datetime import datetime
from typing import TextIO

DEFAULT_FORMAT = "[{severity}] [{time}] [{name}]: {message}"
_COLORS = {"DEBUG": "\033[32m", "WARN": "\033[33m", "ERROR": "\033[31m", "FATAL": "\033[31m"}
_RESET = "\033[0m"
_ESCAPES = {r"\a": "\a", r"\b": "\b", r"\n": "\n", r"\r": "\r", r"\t": "\t"}
_SWITCHES = ("RCUTILS_LOGGING_USE_STDOUT", "RCUTILS_LOGGING_BUFFERED_STREAM", "RCUTILS_COLORIZED_OUTPUT")


def check_environment() -> None:
    """Refuse senseless values.

    Raises:
        ValueError: a variable that is a switch is neither 0 nor 1.
    """
    for name in _SWITCHES:
        value = os.environ.get(name, "")
        if value not in ("", "0", "1"):
            raise ValueError(f"{name} is '{value}', not 0 or 1")


def write(severity: str, name: str, message: str, function: str, file: str, line: int) -> None:
    """Write a line."""
    stream = sys.stdout if os.environ.get("RCUTILS_LOGGING_USE_STDOUT") == "1" else sys.stderr
    now = time.time_ns()
    text = os.environ.get("RCUTILS_CONSOLE_OUTPUT_FORMAT") or DEFAULT_FORMAT
    for escape, character in _ESCAPES.items():
        text = text.replace(escape, character)
    for key, value in {
        "severity": severity,
        "name": name,
        "time": f"{now // 10**9}.{now % 10**9:09d}",
        "time_as_nanoseconds": str(now),
        "date_time_with_ms": f"{datetime.fromtimestamp(now / 1e9):%Y-%m-%d %H:%M:%S}.{now // 10**6 % 1000:03d}",
        "function_name": function,
        "file_name": file,
        "line_number": str(line),
        "message": message,
    }.items():
        text = text.replace("{" + key + "}", value)
    color = _COLORS.get(severity) if _is_colorful(stream) else None
    stream.write(f"{color}{text}{_RESET}\n" if color else f"{text}\n")
    if os.environ.get("RCUTILS_LOGGING_BUFFERED_STREAM") != "1":
        stream.flush()


def _is_colorful(stream: TextIO) -> bool:
    choice = os.environ.get("RCUTILS_COLORIZED_OUTPUT")
    return choice == "1" if choice in ("0", "1") else stream.isatty()
