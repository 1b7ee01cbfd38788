"""Keys that are pressed while a bag is recorded or played."""

from __future__ import annotations

import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

SPACE, RIGHT, UP, DOWN = b" ", b"\x1b[C", b"\x1b[A", b"\x1b[B"


def is_there() -> bool:
    """Whether someone can press keys: standard input is a terminal, and this process is not in its background."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        return True  # a terminal without foreground and background: it does not control this session


@contextmanager
def keys(actions: Mapping[bytes, Callable[[], object]]) -> Iterator[None]:
    """Call, in a thread, what belongs to each key that is pressed; nothing happens where there is no terminal."""
    if not is_there():
        yield
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    wake, woken = os.pipe()
    thread = threading.Thread(target=_listen, args=(terminal, wake, actions), daemon=True)
    tty.setcbreak(terminal)
    try:
        thread.start()
        yield
    finally:
        os.close(woken)
        thread.join()
        os.close(wake)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _listen(terminal: int, wake: int, actions: Mapping[bytes, Callable[[], object]]) -> None:
    while wake not in select.select([terminal, wake], [], [])[0]:
        pressed = os.read(terminal, 16)
        if not pressed:
            return
        if action := actions.get(pressed):
            action()
