"""A plain terminal: keys as they are pressed, lines, and one status line below them.

It reads the terminal that the process was started in (termios), so it works in an SSH session, under Wayland and on a
console; no window system is asked for keys.
"""

from __future__ import annotations

import atexit
import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Callable
from types import FrameType


class TerminalError(ValueError):
    """There is no terminal to read keys from, or it has gone."""


class Terminal:
    """Standard input, key by key. ``close`` gives the terminal back as it was."""

    def __init__(self) -> None:
        """Take the terminal.

        Raises:
            TerminalError: standard input is no terminal.
        """
        # Python has no stdin at all where the parent has closed it.
        if sys.stdin is None or not sys.stdin.isatty():
            raise TerminalError("standard input is no terminal")
        self._fd = sys.stdin.fileno()
        self._settings = termios.tcgetattr(self._fd)
        self._status = ""
        self._listen()
        atexit.register(self.close)
        # After Ctrl-Z the shell has set the terminal back to lines.
        signal.signal(signal.SIGCONT, self._listen)

    def _listen(self, number: int = 0, frame: FrameType | None = None) -> None:
        tty.setcbreak(self._fd)

    def read(self) -> bytes:
        """Return what was typed since the last call, without waiting.

        Raises:
            TerminalError: the terminal has gone.
        """
        data = b""
        try:
            while select.select([self._fd], [], [], 0)[0]:
                chunk = os.read(self._fd, 1024)
                if not chunk:
                    raise TerminalError("the terminal has been closed")
                data += chunk
        except OSError as error:
            raise TerminalError(f"the terminal has gone: {error.strerror}") from error
        return data

    def say(self, line: str) -> None:
        """Print a line above the status line."""
        self._write(f"\r{line.ljust(len(self._status))}\n{self._status}")

    def show(self, status: str) -> None:
        """Replace the status line. Plain characters only: what is left of the old one is overwritten with blanks."""
        shortened = status[: shutil.get_terminal_size().columns - 1]
        if shortened != self._status:
            self._write("\r" + shortened.ljust(len(self._status)))
            self._status = shortened

    def close(self) -> None:
        """Give the terminal back as it was."""
        atexit.unregister(self.close)
        signal.signal(signal.SIGCONT, signal.SIG_DFL)
        try:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._settings)
        except termios.error:
            return  # it has gone
        self._write("\n")

    @staticmethod
    def _write(text: str) -> None:
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError:
            return  # the terminal has gone, which read() tells


class NoTerminal:
    """Stands in for a terminal where there is none: lines go to the log, and no keys come."""

    def __init__(self, log: Callable[[str], object]) -> None:
        """Say lines through ``log``."""
        self._log = log

    def read(self) -> bytes:
        """Return nothing."""
        return b""

    def say(self, line: str) -> None:
        """Log a line."""
        self._log(line)

    def show(self, status: str) -> None:
        """Show nothing: a status that changes all the time is no line of a log."""

    def close(self) -> None:
        """Do nothing."""
