"""A process in a pseudo terminal, as a person has it before them: keys in, a screen out."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios


class PseudoTerminal:
    """Runs a command in a terminal of its own, 200 columns wide."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.screen = ""
        self._ours, self._theirs = pty.openpty()
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
        self._settings = termios.tcgetattr(self._theirs)
        theirs = self._theirs
        self.process = subprocess.Popen(
            command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def read(self) -> None:
        """Take what was printed onto the screen."""
        while select.select([self._ours], [], [], 0)[0]:
            self.screen += os.read(self._ours, 4096).decode(errors="replace")

    def is_as_it_was(self) -> bool:
        """Return whether the terminal has the settings again that it had before the command."""
        return termios.tcgetattr(self._theirs) == self._settings

    def hang_up(self) -> None:
        """Take the terminal away, as a lost SSH connection does."""
        os.close(self._ours)
        os.close(self._theirs)
