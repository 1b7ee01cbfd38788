"""A child process in the asyncio loop, that does not outlive its parent."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import pty
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO

_PR_SET_PDEATHSIG = 1
_OUTPUT_AFTER_EXIT_S = 1.0
_libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None

OnOutput = Callable[[int, bytes], None]


def _ask_for_sigterm_when_parent_dies(parent: int) -> Callable[[], None]:
    """Return a function for the child, between fork and exec, that makes the kernel end it with its parent.

    It only makes two system calls on what was loaded before the fork, so it cannot wait for another thread's lock.
    """
    prctl, getppid, leave = _libc.prctl, os.getppid, os._exit

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if getppid() != parent:
            leave(1)

    return ask


class _Gate:
    """Keeps what a process prints until it is opened: a quick one prints before anyone has heard that it started."""

    def __init__(self, on_output: OnOutput) -> None:
        self.__on_output = on_output
        self.__kept: list[tuple[int, bytes]] | None = []

    def __call__(self, fd: int, data: bytes) -> None:
        if self.__kept is None:
            self.__on_output(fd, data)
        else:
            self.__kept.append((fd, data))

    def open(self) -> None:
        kept, self.__kept = self.__kept or [], None
        for fd, data in kept:
            self.__on_output(fd, data)


class _Protocol(asyncio.SubprocessProtocol):
    """Hands output on, and knows when the process has exited and when its pipes are closed."""

    def __init__(self, on_output: OnOutput) -> None:
        self.__on_output = on_output
        self.exited = asyncio.get_running_loop().create_future()
        self.closed = asyncio.get_running_loop().create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.__on_output(fd, data)

    def process_exited(self) -> None:
        self.exited.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)


class _Terminal(asyncio.Protocol):
    """The reading end of a pseudo terminal."""

    def __init__(self, fd: int, on_output: OnOutput) -> None:
        self.__fd = fd
        self.__on_output = on_output
        self.closed = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.__on_output(self.__fd, data.replace(b"\r\n", b"\n"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)


class ChildProcess:
    """A running process; made by `start`."""

    def __init__(
        self, transport: asyncio.SubprocessTransport, protocol: _Protocol, terminals: list[_Terminal], gate: _Gate
    ) -> None:
        self.__transport = transport
        self.__gate = gate
        self.__protocol = protocol
        self.__terminals = terminals

    @classmethod
    async def start(
        cls,
        cmd: Sequence[str],
        *,
        cwd: str | None,
        env: Mapping[str, str],
        shell: bool,
        emulate_tty: bool,
        on_output: OnOutput,
    ) -> ChildProcess:
        """Start a process.

        Args:
            cmd: the command; with `shell`, its parts are joined and given to a shell.
            cwd: working directory, None for that of this process.
            env: the whole environment.
            shell: whether a shell reads the command.
            emulate_tty: give it pseudo terminals for its output in place of pipes, so that it prints line by line.
            on_output: called with 1 (stdout) or 2 (stderr) and what was printed, from `begin_output` on.

        Raises:
            OSError: there is no such executable, or it may not be executed.
        """
        loop = asyncio.get_running_loop()
        gate = _Gate(on_output)
        options: dict[str, Any] = {"cwd": cwd, "env": dict(env)}
        if _libc is not None:
            options["preexec_fn"] = _ask_for_sigterm_when_parent_dies(os.getpid())
        with contextlib.ExitStack() as child_ends, contextlib.ExitStack() as our_ends:
            readers: list[tuple[int, BinaryIO]] = []
            for fd, name in ((1, "stdout"), (2, "stderr")) if emulate_tty else ():
                ours, options[name] = pty.openpty()
                child_ends.callback(os.close, options[name])
                readers.append((fd, our_ends.enter_context(os.fdopen(ours, "rb", 0))))
            make_protocol = partial(_Protocol, gate)
            if shell:
                transport, protocol = await loop.subprocess_shell(make_protocol, " ".join(cmd), **options)
            else:
                transport, protocol = await loop.subprocess_exec(make_protocol, *cmd, **options)
            our_ends.pop_all()
        terminals = []
        for fd, reader in readers:
            _, terminal = await loop.connect_read_pipe(partial(_Terminal, fd, gate), reader)
            terminals.append(terminal)
        return cls(transport, protocol, terminals, gate)

    def begin_output(self) -> None:
        """Hand on what was printed so far, and from now on as it comes."""
        self.__gate.open()

    @property
    def pid(self) -> int:
        """The process id."""
        return self.__transport.get_pid()

    @property
    def running(self) -> bool:
        """Whether it has not exited yet."""
        return not self.__protocol.exited.done()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens if the process has exited."""
        with contextlib.suppress(ProcessLookupError):
            self.__transport.send_signal(number)

    async def exits_within(self, seconds: float) -> bool:
        """Wait for the exit, so long at most, and return whether it came."""
        await asyncio.wait([self.__protocol.exited], timeout=seconds)
        return not self.running

    async def wait(self) -> int:
        """Wait for the exit, and for output still under way; return the exit code, minus the signal that ended it.

        Output held open by processes that it left behind is not waited for longer than a moment.
        """
        await asyncio.wait([self.__protocol.exited])
        stdin = self.__transport.get_pipe_transport(0)
        if stdin is not None:
            stdin.close()
        await asyncio.wait(
            [self.__protocol.closed, *(terminal.closed for terminal in self.__terminals)], timeout=_OUTPUT_AFTER_EXIT_S
        )
        self.__transport.close()
        returncode = self.__transport.get_returncode()
        assert returncode is not None
        return returncode
