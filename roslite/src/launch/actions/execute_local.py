"""Processes on this machine."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable, Sequence
from signal import Signals
from typing import Any

from launch import logging
from launch.action import Action
from launch.child_process import ChildProcess
from launch.condition import Condition
from launch.conditions import evaluate_condition_expression
from launch.descriptions import Executable
from launch.event_handler import EventHandler
from launch.event_handlers import OnProcessExit, OnShutdown
from launch.events import Shutdown
from launch.events.process import (
    ProcessExited,
    ProcessStarted,
    ProcessStderr,
    ProcessStdout,
    ShutdownProcess,
    SignalProcess,
)
from launch.launch_context import LaunchContext
from launch.launch_description_entity import LaunchDescriptionEntity, SomeEntitiesType
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import normalize_to_list_of_substitutions, perform_substitutions
from launch.substitutions import LaunchConfiguration
from launch.utilities import normalize_typed_substitution, perform_typed_substitution

from .opaque import OpaqueFunction
from .process_output import ProcessOutput


class ExecuteLocal(Action):
    """Run a process, log what it prints, and bring it down with the launch: SIGINT, then SIGTERM, then SIGKILL."""

    def __init__(
        self,
        *,
        process_description: Executable,
        shell: bool = False,
        sigterm_timeout: SomeSubstitutionsType = LaunchConfiguration("sigterm_timeout", default=5),  # noqa: B008
        sigkill_timeout: SomeSubstitutionsType = LaunchConfiguration("sigkill_timeout", default=5),  # noqa: B008
        emulate_tty: bool = False,
        output: SomeSubstitutionsType | dict[str, str | set[str]] = "log",
        output_format: str = "[{this.process_description.final_name}] {line}",
        cached_output: bool = False,
        log_cmd: bool = False,
        on_exit: SomeEntitiesType | Callable[[ProcessExited, LaunchContext], SomeEntitiesType | None] | None = None,
        respawn: bool | SomeSubstitutionsType = False,
        respawn_delay: float | None = None,
        respawn_max_retries: int = -1,
        condition: Condition | None = None,
    ) -> None:
        """Describe the process.

        Args:
            process_description: what to run.
            shell: let a shell read the command.
            sigterm_timeout: time in seconds from SIGINT to SIGTERM.
            sigkill_timeout: time in seconds from SIGTERM to SIGKILL.
            emulate_tty: give it a terminal for its output; also by launch configuration `emulate_tty`.
            output: where its output goes: see `launch.logging.get_output_loggers`.
            output_format: how a line of it is logged; `line` and `this` (the action) are at hand.
            cached_output: keep its output for `get_stdout` and `get_stderr`.
            log_cmd: log the command.
            on_exit: what to visit when it exits, or a function of event and context that returns that.
            respawn: start it again whenever it exits, as long as the launch runs.
            respawn_delay: time to wait before that, in seconds.
            respawn_max_retries: how often at most, without limit if negative.
            condition: whether it is run.
        """
        super().__init__(condition=condition)
        self.__description = process_description
        self.__shell = shell
        self.__sigterm_timeout = normalize_to_list_of_substitutions(sigterm_timeout)
        self.__sigkill_timeout = normalize_to_list_of_substitutions(sigkill_timeout)
        self.__emulate_tty = emulate_tty
        output = os.environ.get("OVERRIDE_LAUNCH_PROCESS_OUTPUT", output)
        self.__output = output if isinstance(output, dict) else normalize_to_list_of_substitutions(output)
        self.__output_format = output_format
        self.__cached: dict[int, io.StringIO] | None = {1: io.StringIO(), 2: io.StringIO()} if cached_output else None
        self.__log_cmd = log_cmd
        self.__on_exit = on_exit
        self.__respawn = normalize_typed_substitution(respawn, bool)
        self.__respawn_delay = respawn_delay or 0.0
        self.__retries_left = respawn_max_retries
        self.__details: dict[str, Any] | None = None
        self.__process: ChildProcess | None = None
        self.__returncode: int | None = None
        self.__task: asyncio.Task[None] | None = None
        self.__escalation: asyncio.Task[None] | None = None
        self.__shutdown_requested = False
        self.__send_sigint = True

    @property
    def process_description(self) -> Executable:
        """What is run."""
        return self.__description

    @property
    def process_details(self) -> dict[str, Any] | None:
        """Action, name, cmd, cwd, env, and pid once started; None before the action is carried out."""
        return self.__details

    @property
    def return_code(self) -> int | None:
        """The exit code, minus the signal that ended the process; None while it has not exited."""
        return self.__returncode

    @property
    def shell(self) -> bool:
        """Whether a shell reads the command."""
        return self.__shell

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """What is visited on exit, as far as known beforehand."""
        return list(self.__on_exit) if isinstance(self.__on_exit, Sequence) else []

    def get_asyncio_future(self) -> asyncio.Future[None] | None:
        """Done when the process has exited for good."""
        return self.__task

    def get_stdout(self) -> str:
        """What the process has printed to stdout, if `cached_output`."""
        return self.__cached_output(1)

    def get_stderr(self) -> str:
        """What the process has printed to stderr, if `cached_output`."""
        return self.__cached_output(2)

    def __cached_output(self, fd: int) -> str:
        if self.__cached is None:
            raise RuntimeError(f"cached output must be true to be able to get output, proc '{self.__description.name}'")
        return self.__cached[fd].getvalue()

    def prepare(self, context: LaunchContext) -> None:
        """Evaluate the description's substitutions."""
        self.__description.prepare(context, self)
        self.__details = {
            "action": self,
            "name": self.__description.final_name,
            "cmd": self.__description.final_cmd,
            "cwd": self.__description.final_cwd,
            "env": self.__description.final_env,
        }

    def execute(self, context: LaunchContext) -> Sequence[LaunchDescriptionEntity] | None:
        """Start the process, unless the launch is going down.

        Raises:
            RuntimeError: this action was carried out before.
        """
        if self.__task is not None:
            raise RuntimeError(f"ExecuteLocal action '{self.__name}': executed more than once: {self.describe()}")
        self.prepare(context)
        if context.is_shutdown:
            return None
        sigterm_after = perform_substitutions(context, self.__sigterm_timeout)
        sigkill_after = float(sigterm_after) + float(perform_substitutions(context, self.__sigkill_timeout))
        self.__escalation_after = (sigterm_after, str(sigkill_after))
        output = self.__output
        loggers = logging.get_output_loggers(
            self.__name, output if isinstance(output, dict) else perform_substitutions(context, output)
        )
        self.__printed = ProcessOutput(loggers, self.__format_line)
        self.__logger = logging.get_logger(self.__name)
        emulate_tty = self.__emulate_tty
        if "emulate_tty" in context.launch_configurations:
            emulate_tty = evaluate_condition_expression(context, [LaunchConfiguration("emulate_tty")])
        respawn = bool(perform_typed_substitution(context, self.__respawn, bool))
        self.__register_handlers(context)
        self.__task = asyncio.ensure_future(self.__run(context, emulate_tty=emulate_tty, respawn=respawn))
        return None

    @property
    def __name(self) -> str:
        return str(self.__description.final_name)

    def __format_line(self, line: str) -> str:
        return self.__output_format.format(line=line, this=self)

    def __register_handlers(self, context: LaunchContext) -> None:
        def on(event_class: type[ShutdownProcess | SignalProcess], function: Callable[[LaunchContext], None]) -> None:
            context.register_event_handler(
                EventHandler(
                    matcher=lambda event: isinstance(event, event_class) and event.process_matcher(self),
                    entities=OpaqueFunction(function=function),
                )
            )

        on(ShutdownProcess, lambda _: self.__shut_down(send_sigint=True))
        on(SignalProcess, lambda context: self.__signal(context.locals.event.signal))
        context.register_event_handler(OnShutdown(on_shutdown=self.__on_shutdown))
        if self.__on_exit is not None:
            context.register_event_handler(OnProcessExit(target_action=self, on_exit=self.__on_exit))

    def __on_shutdown(self, event: Shutdown, context: LaunchContext) -> None:
        self.__shut_down(send_sigint=not event.due_to_sigint or context.noninteractive)

    def __shut_down(self, *, send_sigint: bool) -> None:
        if self.__shutdown_requested:
            return
        self.__shutdown_requested = True
        self.__send_sigint = send_sigint
        if self.__process is not None:
            self.__escalation = asyncio.ensure_future(self.__escalate(self.__process))

    async def __escalate(self, process: ChildProcess) -> None:
        if self.__send_sigint:
            self.__signal(Signals.SIGINT)
        waited = 0.0
        sigterm_after, sigkill_after = self.__escalation_after
        for before, then, after in (
            (Signals.SIGINT, Signals.SIGTERM, sigterm_after),
            (Signals.SIGTERM, Signals.SIGKILL, sigkill_after),
        ):
            if await process.exits_within(float(after) - waited):
                return
            waited = float(after)
            self.__logger.error(
                f"process[{self.__name}] failed to terminate '{after}' seconds after receiving '{before.name}', "
                f"escalating to '{then.name}'"
            )
            self.__signal(then)

    def __signal(self, number: Signals) -> None:
        if self.__process is None or not self.__process.running:
            self.__logger.debug(f"signal '{number.name}' not sent to '{self.__name}' because it is not running")
            return
        self.__logger.info(f"sending signal '{number.name}' to process[{self.__name}]")
        self.__process.send_signal(number)

    async def __run(self, context: LaunchContext, *, emulate_tty: bool, respawn: bool) -> None:
        while not self.__shutdown_requested:
            try:
                await self.__run_once(context, emulate_tty=emulate_tty)
            except OSError as error:
                self.__logger.error(f"exception occurred while executing process:\n{error}")
                return
            if not respawn or self.__retries_left == 0:
                return
            self.__retries_left -= 1
            await self.__respawn_pause()

    async def __respawn_pause(self) -> None:
        end = asyncio.get_running_loop().time() + self.__respawn_delay
        while not self.__shutdown_requested and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(min(0.05, self.__respawn_delay))

    async def __run_once(self, context: LaunchContext, *, emulate_tty: bool) -> None:
        assert self.__details is not None
        details = self.__details
        cmd = details["cmd"]
        shown = " ".join(part for part in cmd if part.strip())
        if self.__log_cmd:
            self.__logger.info(f"process details: cmd='{shown}', cwd='{details['cwd']}', custom_env?=True")

        def on_output(fd: int, data: bytes) -> None:
            event = ProcessStdout if fd == 1 else ProcessStderr
            context.emit_event_sync(event(text=data, **details))
            self.__printed.write(fd, data)
            if self.__cached is not None:
                self.__cached[fd].write(data.decode(errors="replace"))

        process = await ChildProcess.start(
            cmd,
            cwd=details["cwd"],
            env=details["env"],
            shell=self.__shell,
            emulate_tty=emulate_tty,
            on_output=on_output,
        )
        details["pid"] = process.pid
        self.__process = process
        self.__logger.info(f"process started with pid [{process.pid}]")
        context.emit_event_sync(ProcessStarted(**details))
        process.begin_output()
        if self.__shutdown_requested:
            self.__send_sigint = True  # it was not there yet when the terminal sent its interrupt
            self.__escalation = asyncio.ensure_future(self.__escalate(process))
        self.__returncode = await process.wait()
        self.__printed.flush()
        if self.__returncode == 0:
            self.__logger.info(f"process has finished cleanly [pid {process.pid}]")
        else:
            self.__logger.error(f"process has died [pid {process.pid}, exit code {self.__returncode}, cmd '{shown}'].")
        context.emit_event_sync(ProcessExited(returncode=self.__returncode, **details))
