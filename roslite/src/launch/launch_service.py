"""The service that runs a launch: visits entities, handles events, goes down in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging as python_logging
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from . import logging
from .event import Event
from .event_handlers import OnIncludeLaunchDescription
from .events import IncludeLaunchDescription, Shutdown
from .launch_context import LaunchContext
from .launch_description import LaunchDescription
from .launch_description_entity import LaunchDescriptionEntity


class LaunchService:
    """Runs launch descriptions until nothing is left to do or something shuts it down."""

    def __init__(self, *, argv: Iterable[str] | None = None, noninteractive: bool = False, debug: bool = False) -> None:
        """Create a service.

        Args:
            argv: command line arguments for entities that want them.
            noninteractive: no terminal passes Ctrl-C on to the processes; the service sends them SIGINT itself.
            debug: log at level DEBUG, with the tracebacks of exceptions.
        """
        logging.launch_config.level = python_logging.DEBUG if debug else python_logging.INFO
        self.__debug = debug
        self.__logger = logging.get_logger("launch")
        self.__context = LaunchContext(argv=argv, noninteractive=noninteractive)
        self.__context.register_event_handler(OnIncludeLaunchDescription())
        self.__loop: asyncio.AbstractEventLoop | None = None
        self.__task: asyncio.Task[object] | None = None
        self.__futures: list[asyncio.Future[None]] = []
        self.__shutting_down = False
        self.__return_code = 0

    @property
    def context(self) -> LaunchContext:
        """The launch context."""
        return self.__context

    @property
    def event_loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop that the launch runs in, None while it does not run."""
        return self.__loop

    @property
    def task(self) -> asyncio.Task[object] | None:
        """The task that runs the launch, None before it runs."""
        return self.__task

    def include_launch_description(self, launch_description: LaunchDescription) -> None:
        """Visit a description as soon as the launch runs. Safe from any thread."""
        self.emit_event(IncludeLaunchDescription(launch_description))

    def emit_event(self, event: Event) -> None:
        """Emit an event, to be handled as soon as the launch runs. Safe from any thread."""
        if self.__loop is None:
            self.__context.emit_event_sync(event)
        else:
            self.__loop.call_soon_threadsafe(self.__context.emit_event_sync, event)

    def shutdown(self, force_sync: bool = False) -> asyncio.Future[None] | None:
        """Bring the launch down; nothing happens if it does not run. Safe from any thread.

        Returns:
            Something to await when called from within the launch's loop, unless `force_sync`; else None.
        """
        loop = self.__loop
        if loop is None:
            return None
        reason = "LaunchService.shutdown() called"
        if asyncio._get_running_loop() is not loop:
            loop.call_soon_threadsafe(lambda: self.__shut_down(reason, due_to_sigint=False))
            return None
        self.__shut_down(reason, due_to_sigint=False)
        if force_sync:
            return None
        done: asyncio.Future[None] = loop.create_future()
        done.set_result(None)
        return done

    def run(self, *, shutdown_when_idle: bool = True) -> int:
        """Run the launch; main thread only.

        Args:
            shutdown_when_idle: end when no action is going on; otherwise only a shutdown ends it.

        Returns:
            0, or 1 if an action, substitution or event handler raised an exception, or SIGTERM ended the launch.
        """
        return asyncio.run(self.run_async(shutdown_when_idle=shutdown_when_idle), debug=self.__debug)

    async def run_async(self, *, shutdown_when_idle: bool = True) -> int:
        """Run the launch in the running loop; see `run`.

        Raises:
            RuntimeError: not in the main thread, or running already.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("LaunchService can only be run in the main thread.")
        if self.__loop is not None:
            raise RuntimeError("LaunchService cannot be run multiple times concurrently.")
        with self.__running():
            logging.log_launch_config(logger=self.__logger)
            while True:
                try:
                    self.__handle_events()
                    if self.__idle():
                        if self.__shutting_down:
                            return self.__return_code
                        if shutdown_when_idle:
                            self.__shut_down("idle", due_to_sigint=False)
                            continue
                    await self.__something_new()
                except asyncio.CancelledError:
                    self.__logger.error("run task was canceled")
                    self.__fail("run task was canceled")
                except (Exception, SystemExit) as error:
                    # Whatever a launch file's own code raises brings the launch down, never leaves processes behind.
                    message = f"Caught exception in launch (see debug for traceback): {error}"
                    self.__logger.debug(traceback.format_exc())
                    self.__logger.error(message)
                    self.__fail(message)

    @contextlib.contextmanager
    def __running(self) -> Iterator[None]:
        self.__loop = asyncio.get_running_loop()
        self.__task = asyncio.current_task()
        self.__return_code = 0
        self.__shutting_down = False
        self.__context._set_asyncio_loop(self.__loop)
        with contextlib.ExitStack() as handlers:
            for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
                self.__handle_signal(handlers, number, partial(self.__on_sigterm, number))
            self.__handle_signal(handlers, signal.SIGINT, self.__on_sigint)
            try:
                yield
            finally:
                self.__context._set_asyncio_loop(None)
                self.__loop = None

    def __handle_signal(
        self, handlers: contextlib.ExitStack, number: signal.Signals, function: Callable[[], None]
    ) -> None:
        if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            return  # started by nohup
        assert self.__loop is not None
        previous = signal.getsignal(number)
        handlers.callback(signal.signal, number, previous)
        self.__loop.add_signal_handler(number, function)
        handlers.callback(self.__loop.remove_signal_handler, number)

    def __on_sigint(self) -> None:
        message = "user interrupted with ctrl-c (SIGINT)"
        if self.__shutting_down:
            self.__logger.warning(f"{message} again, ignoring...")
            return
        self.__logger.warning(message)
        self.__shut_down("ctrl-c (SIGINT)", due_to_sigint=True)

    def __on_sigterm(self, number: signal.Signals) -> None:
        message = f"user interrupted with ctrl-\\ ({number.name}), terminating..."
        self.__logger.error(message)
        self.__fail(message)

    def __fail(self, reason: str) -> None:
        self.__return_code = 1
        self.__shut_down(reason, due_to_sigint=False)

    def __shut_down(self, reason: str, *, due_to_sigint: bool) -> None:
        if self.__shutting_down:
            return
        self.__shutting_down = True
        self.__context._set_is_shutdown(True)
        self.__context.emit_event_sync(Shutdown(reason=reason, due_to_sigint=due_to_sigint))

    def __handle_events(self) -> None:
        while self.__context._events:
            self.__handle_event(self.__context._events.popleft())

    def __handle_event(self, event: Event) -> None:
        self.__logger.debug(f"processing event: '{event}'")
        if isinstance(event, Shutdown):
            self.__shutting_down = True
            self.__context._set_is_shutdown(True)
        errors: list[BaseException] = []
        for handler in tuple(self.__context._event_handlers):
            if not handler.matches(event):
                continue
            self.__context._push_locals()
            try:
                for entity in _as_entities(handler.handle(event, self.__context)):
                    self.__visit(entity)
            except (Exception, SystemExit) as error:
                # One handler's error must not keep the event from the others: some of them stop processes.
                errors.append(error)
            finally:
                self.__context._pop_locals()
        if errors:
            raise errors[0]

    def __visit(self, entity: LaunchDescriptionEntity) -> None:
        """Visit an entity and all that it yields, and take each future at once, so that no error loses a process."""
        sub_entities = entity.visit(self.__context)
        future = entity.get_asyncio_future()
        if future is not None and future not in self.__futures:
            self.__wait_for(future)
        for sub_entity in sub_entities or ():
            self.__visit(sub_entity)

    def __wait_for(self, future: asyncio.Future[None]) -> None:
        self.__futures.append(future)
        future.add_done_callback(lambda _: self.__wake_up())

    def __wake_up(self) -> None:
        if self.__context._event_arrived is not None:
            self.__context._event_arrived.set()

    def __idle(self) -> bool:
        """Whether no event and no work is left; raises what work that is done has raised."""
        while self.__context._completion_futures:
            self.__wait_for(self.__context._completion_futures.pop())
        done = [future for future in self.__futures if future.done()]
        self.__futures = [future for future in self.__futures if not future.done()]
        errors = [future.exception() for future in done if not future.cancelled()]
        for error in filter(None, errors):
            raise error
        return not self.__futures and not self.__context._events

    async def __something_new(self) -> None:
        arrived = self.__context._event_arrived
        assert arrived is not None
        await arrived.wait()
        arrived.clear()


def _as_entities(given: object) -> Iterable[LaunchDescriptionEntity]:
    if given is None:
        return
    for entity in given if isinstance(given, Iterable) else (given,):
        if entity is None:
            continue
        if not isinstance(entity, LaunchDescriptionEntity):
            raise RuntimeError(f"expected a LaunchDescriptionEntity from event_handler, got '{entity}'")
        yield entity
