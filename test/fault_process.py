"""One of our nodes as a process that can be stopped, killed and ended."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
# Generous: what is waited for comes within a second on a machine that does nothing else.
PATIENCE_S = 20.0


class Process:
    """One of our nodes, started as its executable is, with its output at hand."""

    def __init__(self, name: str, environment: dict[str, str], folder: Path, parameters: dict[str, Any]) -> None:
        words = [word for key, value in parameters.items() for word in ("-p", f"{key}:={value}")]
        self.name = name
        self._log = folder / f"{name}_{time.monotonic_ns()}.log"
        with self._log.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, str(SCRIPTS / name), "--ros-args", *words],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        return self._process.wait(timeout_s)

    def end(self) -> None:
        """Let it end as Ctrl-C does, or, if it cannot, kill it."""
        self.go_on()
        self._process.send_signal(signal.SIGINT)
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self._process.kill()
        self.wait()

    def stop(self) -> None:
        """Let it hang, as a process does in a GPU call or on a swapping machine."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)
