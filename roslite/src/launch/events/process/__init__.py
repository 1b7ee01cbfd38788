"""Events about processes."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from launch.event import Event
from launch.events.matchers import ProcessMatcher, matches_action, matches_executable, matches_name, matches_pid

if TYPE_CHECKING:
    from launch.actions import ExecuteLocal

__all__ = [
    "ProcessExited",
    "ProcessIO",
    "ProcessMatcher",
    "ProcessStarted",
    "ProcessStderr",
    "ProcessStdout",
    "ProcessTargetedEvent",
    "RunningProcessEvent",
    "ShutdownProcess",
    "SignalProcess",
    "matches_action",
    "matches_executable",
    "matches_name",
    "matches_pid",
]


class RunningProcessEvent(Event):
    """Something about a process that was started."""

    name = "launch.events.process.RunningProcessEvent"

    def __init__(
        self,
        *,
        action: ExecuteLocal,
        name: str,
        cmd: Sequence[str],
        cwd: str | None,
        env: Mapping[str, str] | None,
        pid: int,
    ) -> None:
        self.__action = action
        self.__name = name
        self.__cmd = list(cmd)
        self.__cwd = cwd
        self.__env = env
        self.__pid = pid

    @property
    def action(self) -> ExecuteLocal:
        """The action that started the process."""
        return self.__action

    @property
    def execute_process_action(self) -> ExecuteLocal:
        """The action that started the process (older name)."""
        return self.__action

    @property
    def process_name(self) -> str:
        """The process's name, `name-N` as the log shows it."""
        return self.__name

    @property
    def cmd(self) -> list[str]:
        """The command."""
        return self.__cmd

    @property
    def cwd(self) -> str | None:
        """The working directory, None for that of the launch."""
        return self.__cwd

    @property
    def env(self) -> Mapping[str, str] | None:
        """The environment."""
        return self.__env

    @property
    def pid(self) -> int:
        """The process id."""
        return self.__pid


class ProcessStarted(RunningProcessEvent):
    """A process runs."""

    name = "launch.events.process.ProcessStarted"


class ProcessExited(RunningProcessEvent):
    """A process has ended."""

    name = "launch.events.process.ProcessExited"

    def __init__(
        self,
        *,
        returncode: int,
        action: ExecuteLocal,
        name: str,
        cmd: Sequence[str],
        cwd: str | None,
        env: Mapping[str, str] | None,
        pid: int,
    ) -> None:
        super().__init__(action=action, name=name, cmd=cmd, cwd=cwd, env=env, pid=pid)
        self.__returncode = returncode

    @property
    def returncode(self) -> int:
        """The exit code, the negative signal number for a process that a signal ended."""
        return self.__returncode


class ProcessIO(RunningProcessEvent):
    """A process has printed something."""

    name = "launch.events.process.ProcessIO"
    from_stdin = False
    from_stdout = False
    from_stderr = False

    def __init__(
        self,
        *,
        text: bytes,
        action: ExecuteLocal,
        name: str,
        cmd: Sequence[str],
        cwd: str | None,
        env: Mapping[str, str] | None,
        pid: int,
    ) -> None:
        super().__init__(action=action, name=name, cmd=cmd, cwd=cwd, env=env, pid=pid)
        self.__text = text

    @property
    def text(self) -> bytes:
        """What it printed: any piece of its output, not necessarily whole lines."""
        return self.__text


class ProcessStdout(ProcessIO):
    """A process has printed to its standard output."""

    name = "launch.events.process.ProcessStdout"
    from_stdout = True


class ProcessStderr(ProcessIO):
    """A process has printed to its standard error."""

    name = "launch.events.process.ProcessStderr"
    from_stderr = True


class ProcessTargetedEvent(Event):
    """A request to the processes that a matcher chooses."""

    name = "launch.events.process.ProcessTargetedEvent"

    def __init__(self, *, process_matcher: ProcessMatcher) -> None:
        self.__process_matcher = process_matcher

    @property
    def process_matcher(self) -> ProcessMatcher:
        """Which processes are meant."""
        return self.__process_matcher


class ShutdownProcess(ProcessTargetedEvent):
    """The process is to end: SIGINT, then SIGTERM, then SIGKILL."""

    name = "launch.events.process.ShutdownProcess"


class SignalProcess(ProcessTargetedEvent):
    """The process is to get a signal."""

    name = "launch.events.process.SignalProcess"

    def __init__(self, *, signal_number: str | signal.Signals | int, process_matcher: ProcessMatcher) -> None:
        super().__init__(process_matcher=process_matcher)
        if isinstance(signal_number, str):
            self.__signal = signal.Signals[signal_number]
        else:
            self.__signal = signal.Signals(signal_number)

    @property
    def signal(self) -> signal.Signals:
        """The signal."""
        return self.__signal

    @property
    def signal_name(self) -> str:
        """The signal's name, for example 'SIGINT'."""
        return self.__signal.name
