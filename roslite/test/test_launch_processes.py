"""Processes: events, exit codes, and how they are brought down."""

import signal
import sys
from pathlib import Path

import pytest
from launch import LaunchContext, LaunchDescription, LaunchService
from launch.actions import (
    EmitEvent,
    ExecuteProcess,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnExecutionComplete, OnProcessExit, OnProcessIO, OnProcessStart, OnShutdown
from launch.events import matches_action
from launch.events.process import ProcessExited, ProcessIO, ProcessStarted, ShutdownProcess, SignalProcess
from launch_helpers import SLEEP, is_running, python, run, write

IGNORES_SIGINT = python(
    "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)
IGNORES_ALL = python(
    "import signal, time\n"
    "for s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, signal.SIG_IGN)\n"
    "print('deaf', flush=True); time.sleep(60)"
)


class Exits:
    """Notes how processes end."""

    def __init__(self) -> None:
        self.events: list[ProcessExited] = []

    def handler(self, action: ExecuteProcess | None = None) -> RegisterEventHandler:
        return RegisterEventHandler(OnProcessExit(target_action=action, on_exit=self))

    def __call__(self, event: ProcessExited, context: LaunchContext) -> None:
        self.events.append(event)

    @property
    def codes(self) -> list[int]:
        return [event.returncode for event in self.events]


@pytest.fixture
def exits() -> Exits:
    return Exits()


def test_the_launch_ends_when_its_processes_have(exits: Exits) -> None:
    assert run(exits.handler(), ExecuteProcess(cmd=python("")), ExecuteProcess(cmd=python(""))) == 0
    assert exits.codes == [0, 0]


def test_a_process_that_fails_does_not_fail_the_launch(exits: Exits) -> None:
    assert run(exits.handler(), ExecuteProcess(cmd=python("raise SystemExit(3)"))) == 0
    assert exits.codes == [3]


def test_an_exit_event_tells_which_process_it_was(exits: Exits) -> None:
    process = ExecuteProcess(cmd=python("raise SystemExit(3)"), name="guard")
    run(exits.handler(), process)
    (event,) = exits.events
    assert event.action is process
    assert event.process_name.startswith("guard-")
    assert event.cmd == python("raise SystemExit(3)")
    assert process.process_details is not None
    assert event.pid == process.process_details["pid"]


def test_handlers_react_to_their_own_process_only(exits: Exits) -> None:
    one = ExecuteProcess(cmd=python("raise SystemExit(1)"))
    run(exits.handler(one), one, ExecuteProcess(cmd=python("raise SystemExit(2)")))
    assert exits.codes == [1]


def test_start_and_output_are_events() -> None:
    seen: list[str] = []

    def on_start(event: ProcessStarted, context: LaunchContext) -> None:
        seen.append("started: ")

    def on_output(event: ProcessIO) -> None:
        seen.append(event.text.decode())

    process = ExecuteProcess(cmd=python("print('hello')"))
    run(
        RegisterEventHandler(OnProcessStart(target_action=process, on_start=on_start)),
        RegisterEventHandler(OnProcessIO(target_action=process, on_stdout=on_output)),
        process,
    )
    assert "".join(seen) == "started: hello\n"


def test_what_follows_an_exit_may_be_given_as_actions(tmp_path: Path) -> None:
    first = ExecuteProcess(cmd=python(""), on_exit=[ExecuteProcess(cmd=write(tmp_path / "a"))])
    second = ExecuteProcess(cmd=write(tmp_path / "b"))
    run(first, RegisterEventHandler(OnProcessExit(target_action=first, on_exit=[second])))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_completion_of_an_action_is_an_event(tmp_path: Path) -> None:
    say = LogInfo(msg="done soon")
    after = ExecuteProcess(cmd=write(tmp_path / "a"))
    run(RegisterEventHandler(OnExecutionComplete(target_action=say, on_completion=[after])), say)
    assert (tmp_path / "a").exists()


def test_a_required_process_that_fails_fails_the_launch_and_stops_the_others(exits: Exits) -> None:
    def required(event: ProcessExited, context: LaunchContext) -> None:
        if event.returncode != 0 and not context.is_shutdown:
            raise RuntimeError(f"{event.process_name} is required")

    node = ExecuteProcess(cmd=python("raise SystemExit(3)"))
    handler = RegisterEventHandler(OnProcessExit(target_action=node, on_exit=required))
    assert run(handler, exits.handler(), ExecuteProcess(cmd=SLEEP), node) == 1
    assert exits.codes[0] == 3
    assert exits.codes[1] != 0


def test_the_same_handler_lets_a_shutdown_pass_that_was_asked_for() -> None:
    def required(event: ProcessExited, context: LaunchContext) -> None:
        if event.returncode != 0 and not context.is_shutdown:
            raise RuntimeError(f"{event.process_name} is required")

    node = ExecuteProcess(cmd=SLEEP)
    handler = RegisterEventHandler(OnProcessExit(target_action=node, on_exit=required))
    assert run(handler, node, TimerAction(period=0.3, actions=[Shutdown(reason="enough")])) == 0


def test_a_process_may_bring_the_launch_down_by_its_end(exits: Exits) -> None:
    assert run(exits.handler(), ExecuteProcess(cmd=SLEEP), ExecuteProcess(cmd=python(""), on_exit=Shutdown())) == 0
    assert len(exits.codes) == 2


def test_shutdown_handlers_learn_the_reason() -> None:
    reasons = []
    on_shutdown = OnShutdown(on_shutdown=lambda event, context: reasons.append(event.reason))
    run(RegisterEventHandler(on_shutdown), ExecuteProcess(cmd=SLEEP), Shutdown(reason="enough"))
    assert reasons == ["enough"]


def test_an_exception_behind_a_started_process_does_not_leave_it_behind(exits: Exits) -> None:
    def broken(context: LaunchContext) -> None:
        raise ValueError("typo")

    process = ExecuteProcess(cmd=SLEEP)
    started = RegisterEventHandler(OnProcessStart(target_action=process, on_start=[OpaqueFunction(function=broken)]))
    assert run(exits.handler(), started, process) == 1
    assert not is_running(exits.events[0].pid)


def test_a_process_that_ignores_sigint_gets_sigterm(exits: Exits) -> None:
    process = ExecuteProcess(cmd=IGNORES_SIGINT, sigterm_timeout="0.1")
    down = OnProcessIO(target_action=process, on_stdout=lambda event: Shutdown())
    assert run(exits.handler(), RegisterEventHandler(down), process) == 0
    assert exits.codes == [-signal.SIGTERM]


def test_a_process_that_ignores_all_gets_sigkill(exits: Exits) -> None:
    process = ExecuteProcess(cmd=IGNORES_ALL, sigterm_timeout="0.1", sigkill_timeout="0.1")
    down = OnProcessIO(target_action=process, on_stdout=lambda event: Shutdown())
    assert run(exits.handler(), RegisterEventHandler(down), process) == 0
    assert exits.codes == [-signal.SIGKILL]


def test_timeouts_can_be_set_for_all_processes(exits: Exits) -> None:
    process = ExecuteProcess(cmd=IGNORES_ALL)
    down = OnProcessIO(target_action=process, on_stdout=lambda event: Shutdown())
    run(exits.handler(), RegisterEventHandler(down), process, sigterm_timeout="0.1", sigkill_timeout="0.1")
    assert exits.codes == [-signal.SIGKILL]


def test_one_process_can_be_shut_down_alone(exits: Exits, tmp_path: Path) -> None:
    process = ExecuteProcess(cmd=SLEEP)
    stop = EmitEvent(event=ShutdownProcess(process_matcher=matches_action(process)))
    other = ExecuteProcess(cmd=write(tmp_path / "a"))
    after = RegisterEventHandler(OnProcessExit(target_action=process, on_exit=[other]))
    assert run(exits.handler(process), after, process, TimerAction(period=0.3, actions=[stop])) == 0
    assert exits.codes != [0]
    assert (tmp_path / "a").exists()


def test_a_process_can_be_sent_a_signal(exits: Exits) -> None:
    process = ExecuteProcess(cmd=SLEEP)
    kill = EmitEvent(event=SignalProcess(signal_number=signal.SIGKILL, process_matcher=matches_action(process)))
    started = OnProcessStart(target_action=process, on_start=[kill])
    assert run(exits.handler(), RegisterEventHandler(started), process) == 0
    assert exits.codes == [-signal.SIGKILL]


def test_a_process_is_started_again_until_the_launch_goes_down(exits: Exits) -> None:
    def enough(event: ProcessExited, context: LaunchContext) -> Shutdown | None:
        return Shutdown() if len(exits.codes) == 3 else None

    process = ExecuteProcess(cmd=python("raise SystemExit(1)"), respawn=True, respawn_delay=0.01)
    stop = RegisterEventHandler(OnProcessExit(target_action=process, on_exit=enough))
    assert run(stop, exits.handler(), process) == 0
    assert exits.codes == [1, 1, 1]


def test_a_shutdown_ends_the_wait_before_a_process_is_started_again(exits: Exits) -> None:
    process = ExecuteProcess(cmd=python(""), respawn=True, respawn_delay=60.0)
    down = RegisterEventHandler(OnProcessExit(target_action=process, on_exit=[Shutdown()]))
    assert run(exits.handler(), down, process) == 0
    assert exits.codes == [0]


def test_a_missing_executable_starts_nothing(exits: Exits) -> None:
    assert run(exits.handler(), ExecuteProcess(cmd=["/no/such/executable"])) == 0
    assert exits.events == []


def test_working_directory_environment_and_shell_are_given(tmp_path: Path) -> None:
    process = ExecuteProcess(
        cmd=["echo", "$A_VARIABLE", ">", "out"], shell=True, cwd=str(tmp_path), additional_env={"A_VARIABLE": "x y"}
    )
    assert run(process) == 0
    assert (tmp_path / "out").read_text() == "x y\n"


def test_a_prefix_goes_before_the_command(tmp_path: Path) -> None:
    assert run(ExecuteProcess(cmd=write(tmp_path / "a"), prefix=f"{sys.executable} -c 'pass'")) == 0
    assert not (tmp_path / "a").exists()


def test_a_process_may_be_given_a_terminal() -> None:
    seen = []
    process = ExecuteProcess(cmd=python("import sys; print(sys.stdout.isatty())"), emulate_tty=True)
    on_output = OnProcessIO(target_action=process, on_stdout=lambda event: seen.append(event.text))
    run(RegisterEventHandler(on_output), process)
    assert b"".join(seen).split() == [b"True"]


def test_a_service_that_is_not_to_end_by_itself_waits_for_a_shutdown() -> None:
    service = LaunchService(noninteractive=True)
    later = TimerAction(period=0.2, actions=[Shutdown()])
    service.include_launch_description(LaunchDescription([ExecuteProcess(cmd=python("")), later]))
    assert service.run(shutdown_when_idle=False) == 0
