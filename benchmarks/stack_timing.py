"""The whole stack in simulation, timed from outside: ticks, jitter, ages, what each process costs.

    python benchmarks/stack_timing.py --minutes 10

Control runs at 50 Hz with the shipped policy while perception looks as fast as it can, so that it saturates its core.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import rclpy
import torch
import tyro
import yaml
from rclpy.executors import SingleThreadedExecutor

from arvla_ros.evaluation.timing import machine, processor_s
from arvla_ros.msg import ActionStep, GuardState
from arvla_ros.nodes.qos import TELEMETRY
from arvla_ros.nodes.stamps import to_ns

STARTED = re.compile(r"\[([\w.]+)-\d+\]: process started with pid \[(\d+)\]")
SETTLE_S = 10.0


@dataclass(frozen=True)
class StackTimingConfig:
    """What to run, and for how long."""

    minutes: float = 10.0
    """Measured time, after 10 s to settle."""
    control_rate_hz: float = 50.0
    """Of the action expert."""
    refresh_rate_hz: float = 0.0
    """Of perception; 0: as fast as it can."""
    camera_rate_hz: float = 60.0
    """Of the simulated camera: more than perception can look at."""
    domain: int = 42
    """ROS domain; nothing else may run in it."""


@dataclass
class Seen:
    """What was published while it was measured."""

    steps: list[ActionStep] = field(default_factory=list)
    states: list[GuardState] = field(default_factory=list)


def main(config: StackTimingConfig) -> None:
    """Run the stack and print two tables in Markdown."""
    # Here and in the processes that are started.
    os.environ |= {"ROS_DOMAIN_ID": str(config.domain), "ROS_LOCALHOST_ONLY": "1"}
    with tempfile.TemporaryDirectory() as folder, _stack(config, Path(folder)) as pids, _listening() as (seen, spin):
        spin(SETTLE_S)
        seen.steps.clear()
        seen.states.clear()
        before, started = {name: processor_s(pid) for name, pid in pids.items()}, time.monotonic()
        spin(60.0 * config.minutes)
        elapsed = time.monotonic() - started
        shares = {name: (processor_s(pid) - before[name]) / elapsed for name, pid in pids.items()}
    print(f"{config.minutes:g} minutes, {os.cpu_count()} cores, {machine(torch.device('cpu'))}\n")
    print("\n".join(_figures(seen, config)))
    print("\n| process | share of a core |\n|---|---|")
    print("\n".join(f"| {name} | {100 * share:.1f} % |" for name, share in shares.items()))


@contextmanager
def _stack(config: StackTimingConfig, folder: Path) -> Iterator[dict[str, int]]:
    """Launch the stack, wait until it moves, and yield the process ids by node."""
    nodes = {
        "/action_expert": {"control_rate_hz": config.control_rate_hz},
        "/perception": {"refresh_rate_hz": config.refresh_rate_hz},
        "/sim_widowx": {"camera_rate_hz": config.camera_rate_hz},
    }
    params = folder / "params.yaml"
    params.write_text(yaml.safe_dump({name: {"ros__parameters": values} for name, values in nodes.items()}))
    log = folder / "launch.log"
    command = ["ros2", "launch", "arvla_ros", "widowx.launch.py", "sim:=true", f"params_file:={params}"]
    with log.open("w") as output:
        process = _start(command, output)
    try:
        deadline = time.monotonic() + 90.0
        while "episode 1:" not in log.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the stack did not start:\n{log.read_text()}")
            time.sleep(0.5)
        yield {name: int(pid) for name, pid in STARTED.findall(log.read_text())}
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)


def _start(command: list[str], output: IO[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)


@contextmanager
def _listening() -> Iterator[tuple[Seen, Callable[[float], None]]]:
    rclpy.init()
    node, executor, seen = rclpy.create_node("stack_timing"), SingleThreadedExecutor(), Seen()
    node.create_subscription(ActionStep, "/action_expert/step", seen.steps.append, TELEMETRY)
    node.create_subscription(GuardState, "/guard/state", seen.states.append, TELEMETRY)
    executor.add_node(node)

    def spin(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            executor.spin_once(timeout_sec=0.1)

    try:
        yield seen, spin
    finally:
        node.destroy_node()
        rclpy.shutdown()


def _figures(seen: Seen, config: StackTimingConfig) -> Iterator[str]:
    """Yield the lines of a table of what was published."""
    # A reset of the timeline between two episodes begins at step 0 again: no period spans it.
    stamps = np.array([to_ns(step.header.stamp) for step in seen.steps])
    steps = np.array([step.step for step in seen.steps])
    same = np.diff(steps) == 1
    periods_ms = np.diff(stamps)[same] * 1e-6
    missed = sum(
        max(0, later.missed_ticks - earlier.missed_ticks)
        for earlier, later in zip(seen.steps, seen.steps[1:], strict=False)
    )
    looked = [step for step in seen.steps if step.age.commanded >= 0]
    sent = [state.age for state in seen.states if state.age.sent >= 0 and state.age.commanded >= 0]
    yield "| | p50 | p99 | max |\n|---|---|---|---|"
    yield _row("tick jitter, ms", np.abs(periods_ms - 1e3 / config.control_rate_hz))
    yield _row("inference, ms", [step.inference_time * 1e3 for step in seen.steps])
    yield _row("capture → prefix ready, ms", [step.age.ready * 1e3 for step in looked])
    yield _row("capture → first used, ms", [step.age.first_used * 1e3 for step in looked])
    yield _row("capture → tick (staleness), ms", [step.age.commanded * 1e3 for step in looked])
    yield _row("capture → sent, ms", [age.sent * 1e3 for age in sent])
    yield _row("tick → sent by the guard, ms", [(age.sent - age.commanded) * 1e3 for age in sent])
    yield f"\n{len(seen.steps)} ticks, {missed} missed"


def _row(name: str, values: Sequence[float]) -> str:
    p50, p99, most = np.percentile(values, (50, 99, 100)) if len(values) else (np.nan,) * 3
    return f"| {name} | {p50:.2f} | {p99:.2f} | {most:.2f} |"


if __name__ == "__main__":
    main(tyro.cli(StackTimingConfig, description=__doc__))
