"""Our nodes as processes of their own, and a test in the place of the driver, the policy and the person in charge."""

from __future__ import annotations

import contextlib
import math
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from fault_arm import FakeArm
from rcl_interfaces.srv import SetParameters
from rclpy.client import Client
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from std_msgs.msg import Bool
from std_srvs.srv import SetBool, Trigger

from arvla_ros.msg import ActionStep, ArmCommand, GuardState
from arvla_ros.robots import wx250s

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
TELEMETRY = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
# Generous: what is waited for comes within a second on a machine that does nothing else.
PATIENCE_S = 20.0

# A node with torch takes seconds to load, on a busy machine many.
LOADING_S = 90.0
GUARD_PERIOD_S = 0.02
# After so long a service that has not answered is asked again.
ANSWER_S = 2.0

Parameters = dict[str, Any]


class Process:
    """One of our nodes, started as its executable is, with its output at hand."""

    def __init__(self, name: str, environment: dict[str, str], folder: Path, parameters: Parameters) -> None:
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


class Swing:
    """A policy that streams: the waist to and fro, each target a step away from where the arm is."""

    RATE_HZ, STEP, WIDTH = 20.0, 0.05, 0.5

    def __init__(self, stack: Stack) -> None:
        self.running = False
        self.distort: Callable[[ArmCommand], ArmCommand | None] | None = None
        self._stack = stack
        self._side = 1.0
        self._commands = stack.node.create_publisher(ArmCommand, "/arm/command", 1)
        stack.node.create_timer(1 / self.RATE_HZ, self._turn, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _turn(self) -> None:
        if not self.running:
            return
        joints = self._stack.arm.joints
        goal = wx250s.READY + np.array([self._side * self.WIDTH, 0, 0, 0, 0, 0])
        if abs(joints[0] - goal[0]) < self.STEP:
            self._side = -self._side
        message = self.message(joints + np.clip(goal - joints, -self.STEP, self.STEP))
        distorted = message if self.distort is None else self.distort(message)
        if distorted is not None:
            self._commands.publish(distorted)

    def message(self, joints: Any, **fields: Any) -> ArmCommand:
        """Return a command for joints in rad, stamped now."""
        made = ArmCommand(source="action_expert", joint_names=list(wx250s.ARM_JOINTS), gripper_opening=0.06)
        made.header.stamp = self._stack.node.get_clock().now().to_msg()
        made.joint_positions = [float(joint) for joint in joints]
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    def send(self, message: ArmCommand) -> None:
        self._commands.publish(message)


class Stack:
    """Everything around the nodes under test, in one node of this process that spins in a thread of its own."""

    def __init__(self, environment: dict[str, str], folder: Path, use_sim_time: bool) -> None:
        self.use_sim_time = use_sim_time
        self.environment, self._folder = environment, folder
        self.processes: dict[str, Process] = {}
        self.guard_states: list[tuple[float, GuardState]] = []
        self.diagnostics: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
        self.expert_steps: list[tuple[float, ActionStep]] = []
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=int(environment["ROS_DOMAIN_ID"]))
        time_source = Parameter("use_sim_time", value=use_sim_time)
        self.node = rclpy.create_node("fault_stack", context=self._context, parameter_overrides=[time_source])
        self.arm = FakeArm(self.node)
        self.swing = Swing(self)
        self.node.create_subscription(GuardState, "/guard/state", self._on_guard_state, TELEMETRY)
        self.node.create_subscription(ActionStep, "/action_expert/step", self._on_step, TELEMETRY)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 100)
        self.estops = [self.node.create_publisher(Bool, "/estop", LATCHED) for _ in range(2)]
        self._enable = self.node.create_client(SetBool, "/guard/enable")
        self._home = self.node.create_client(Trigger, "/guard/home")
        self._reset = self.node.create_client(Trigger, "/action_expert/reset")
        self._parameters = {
            name: self.node.create_client(SetParameters, f"/{name}/set_parameters")
            for name in ("guard", "action_expert", "perception")
        }
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def _on_guard_state(self, message: GuardState) -> None:
        self.guard_states.append((time.monotonic(), message))

    def _on_step(self, message: ActionStep) -> None:
        self.expert_steps.append((time.monotonic(), message))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.diagnostics[status.name].append((time.monotonic(), status.message))

    # Processes

    def start(self, name: str, alias: str = "", **parameters: Any) -> Process:
        """Start a node by its executable; it is known here as ``alias``, or as ``name``."""
        parameters = {"use_sim_time": self.use_sim_time, **parameters}
        process = Process(name, self.environment, self._folder, parameters)
        self.processes[alias or name] = process
        return process

    def keep(self, *names: str) -> None:
        """End every process but these; those that have ended are forgotten."""
        for name, process in list(self.processes.items()):
            if name not in names and process.alive:
                process.end()
            if not process.alive:
                del self.processes[name]

    def close(self) -> None:
        self.keep()
        self._executor.shutdown()
        self._thread.join(PATIENCE_S)
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    # Waiting

    def wait_for(self, reached: Callable[[], Any], what: str, timeout_s: float = PATIENCE_S) -> None:
        """Wait for a condition, and fail with what is known then."""
        end = time.monotonic() + timeout_s
        while not reached():
            if time.monotonic() > end:
                logs = "\n".join(f"--- {name}\n{process.output[-2000:]}" for name, process in self.processes.items())
                raise AssertionError(f"not in {timeout_s} s: {what}; guard says {self.guard_state}\n{logs}")
            time.sleep(0.005)

    def watch(self, seconds: float) -> None:
        """Let things go on, to see what they come to."""
        time.sleep(seconds)

    def wait_for_guard(self) -> None:
        """Wait until a guard publishes its state, and hears the arm."""
        since = time.monotonic()
        self.wait_for(lambda: self.guard_states and self.guard_states[-1][0] > since, "a guard that is up")

    def call(self, client: Client, request: Any, timeout_s: float = PATIENCE_S) -> Any:
        """Call a service until it answers: a node that was killed is still seen for a while after its end."""
        answer: list[Any] = []

        def answered() -> bool:
            if client.wait_for_service(timeout_sec=0.5):
                future = client.call_async(request)
                end = time.monotonic() + ANSWER_S
                while not future.done() and time.monotonic() < end:
                    time.sleep(0.005)
                answer.extend([future.result()] if future.done() else [])
            return bool(answer)

        self.wait_for(answered, f"an answer of {client.srv_name}", timeout_s)
        return answer[0]

    # The person in charge

    @property
    def guard_state(self) -> GuardState | None:
        return self.guard_states[-1][1] if self.guard_states else None

    def in_mode(self, mode: int) -> bool:
        return self.guard_state is not None and self.guard_state.mode == mode

    def enable(self, on: bool = True) -> Any:
        return self.call(self._enable, SetBool.Request(data=on))

    def call_enable(self) -> Future:
        """Ask the guard to arm, and do not wait."""
        return self._enable.call_async(SetBool.Request(data=True))

    def set_parameters(self, node: str, **values: Any) -> Future:
        """Set parameters of a node one by one, and do not wait."""
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        )
        return self._parameters[node].call_async(request)

    def allow_staleness(self, seconds: float) -> None:
        """Let the action expert go on for so long without a new picture."""
        self.wait_for(self.set_parameters("action_expert", max_staleness_s=seconds).done, "an action expert that is up")

    def press_estop(self, pressed: bool = True, button: int = 0) -> None:
        self.estops[button].publish(Bool(data=pressed))

    def arm_and_move(self) -> None:
        """Arm the guard, and wait until the arm moves."""

        def moving() -> bool:
            # On a busy machine a source may be silent for so long that it has to be armed again.
            if not self.in_mode(GuardState.MODE_ACTIVE) or time.monotonic() > armed_at[-1] + ANSWER_S:
                self.enable()
                armed_at.append(time.monotonic())
                self.watch(2 * GUARD_PERIOD_S)
            return self.moving()

        armed_at = [-math.inf]
        self.wait_for(moving, "an arm that moves")

    def moving(self) -> bool:
        """Whether the last few commands moved the arm."""
        return self.arm.record.speeds[-5:].max(initial=0.0) > 1e-3 and len(self.arm.record.times) >= 5

    def ask_home(self) -> Future:
        """Ask the guard to go home, and do not wait."""
        return self._home.call_async(Trigger.Request())

    def call_home(self) -> Any:
        return self.call(self._home, Trigger.Request())

    def go_home(self) -> None:
        """Let the guard take the arm to its home pose, whatever happened before."""

        def started() -> bool:
            return bool(self.call_home().success)

        self.wait_for(started, "a guard that goes home")
        since = time.monotonic()
        self.wait_for(lambda: self.in_mode(GuardState.MODE_HOLD) and self.guard_states[-1][0] > since, "the home pose")

    def reset_expert(self) -> None:
        """Let the policy forget what it saw, and wait until it acts on what it sees now."""
        since = time.monotonic()
        assert self.call(self._reset, Trigger.Request(), LOADING_S).success
        self.wait_for(
            lambda: (
                self.expert_steps
                and self.expert_steps[-1][0] > since
                and self.expert_steps[-1][1].mode == ActionStep.MODE_NORMAL
            ),
            "an action expert that has seen a picture",
            LOADING_S,
        )

    def begin(self) -> None:
        """End every fault of the test before, take the arm home, and begin a new record."""
        self.arm.distort = self.swing.distort = None
        self.swing.running = False
        for button in range(len(self.estops)):
            self.press_estop(False, button)
        self.go_home()
        self.guard_states.clear()
        self.expert_steps.clear()
        self.diagnostics.clear()
        self.arm.begin_record()


@contextlib.contextmanager
def stack_of(environment: dict[str, str], folder: Path, use_sim_time: bool = False) -> Iterator[Stack]:
    """Yield a stack without nodes; whatever was started in it has ended afterwards."""
    stack = Stack(environment, folder, use_sim_time)
    try:
        yield stack
    finally:
        stack.close()
