"""The whole stack as a user starts it: real processes, real DDS, real physics."""

from __future__ import annotations

import json
import os
import re
import signal
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stack3_checkpoint import save_untrained

from arvla_ros.episodes.episode_folder import EpisodeInfo, episodes
from arvla_ros.episodes.lerobot_reader import LeRobotDataset
from arvla_ros.episodes.to_lerobot import ToLeRobotConfig, to_lerobot
from arvla_ros.evaluation.run_log import RunLog

NODES = {"perception", "action_expert", "guard", "sim_widowx", "rollout"}


class Launch:
    """``ros2 launch arvla_ros FILE`` in a process group of its own, with its output at hand."""

    def __init__(self, environment: dict[str, str], log: Path, file: str, *arguments: str) -> None:
        self.environment = environment
        self._log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                ["ros2", "launch", "arvla_ros", file, *arguments],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def wait(self, timeout: float) -> int:
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            pytest.fail(f"launch has not ended within {timeout} s:\n{self.output}")

    def wait_for(self, reached: Callable[[str], bool], timeout: float = 60.0) -> None:
        deadline = time.monotonic() + timeout
        while not reached(self.output):
            assert self.process.poll() is None, f"launch ended early:\n{self.output}"
            assert time.monotonic() < deadline, f"not reached in {timeout} s:\n{self.output}"
            time.sleep(0.2)

    def pids(self) -> list[int]:
        return [int(pid) for pid in re.findall(r"process started with pid \[(\d+)\]", self.output)]

    def alive(self) -> list[int]:
        return [pid for pid in self.pids() if Path(f"/proc/{pid}").exists()]

    def kill_all(self) -> None:
        for pid in [self.process.pid, *self.alive()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(10)


@pytest.fixture
def launch(ros_environment, tmp_path):
    started: list[Launch] = []

    def start(*arguments: str, file: str = "widowx.launch.py") -> Launch:
        started.append(Launch(ros_environment, tmp_path / f"launch_{len(started)}.log", file, *arguments))
        return started[-1]

    yield start
    for each in started:
        each.kill_all()


def ros2(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ros2", *words], env=environment, capture_output=True, text=True, timeout=30)


@pytest.mark.timeout(240)
def test_the_shipped_policy_carries_out_simulated_episodes(launch, tmp_path):
    stack = launch("sim:=true", "episodes:=3", f"report:={tmp_path / 'run'}")
    assert stack.wait(200) == 0, stack.output
    log = RunLog.load(tmp_path / "run")
    assert len(log.episodes) == 3
    assert any(episode.success for episode in log.episodes), stack.output
    seen = [step for step in log.steps if step.staleness_steps >= 0]
    assert all(step.staleness_steps == step.step - step.anchor_step for step in seen)
    assert stack.alive() == []


@pytest.mark.timeout(240)
def test_refresh_rate_set_while_running_changes_staleness(launch, ros_environment):
    stack = launch("sim:=true")
    stack.wait_for(lambda output: "episode 1:" in output)

    def usual_staleness() -> float:
        words = ("topic", "echo", "--field", "staleness_steps", "/action_expert/step")
        process = subprocess.Popen(
            ["ros2", *words, "--qos-reliability", "best_effort"],
            env=ros_environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        time.sleep(8.0)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=10)
        return statistics.median(int(value) for value in re.findall(r"^(\d+)$", output, re.MULTILINE))

    before = usual_staleness()
    done = ros2(ros_environment, "param", "set", "/perception", "refresh_rate_hz", "0.5")
    assert "Set parameter successful" in done.stdout, done
    # One picture in 20 steps instead of one in 4: the median rises by 8, less what a busy machine adds to both.
    assert usual_staleness() > before + 4
    refused = ros2(ros_environment, "param", "set", "/perception", "refresh_rate_hz", "-1.0")
    assert "Set parameter successful" not in refused.stdout
    assert "0.5" in ros2(ros_environment, "param", "get", "/perception", "refresh_rate_hz").stdout


@pytest.mark.timeout(240)
def test_the_scripted_expert_records_demonstrations_that_become_a_dataset(launch, tmp_path):
    recorded, dataset = tmp_path / "episodes", tmp_path / "dataset"
    stack = launch(
        "sim:=true", "task:=reach", "episodes:=2", f"directory:={recorded}", "operator:=nobody", file="record.launch.py"
    )
    assert stack.wait(180) == 0, stack.output
    assert stack.alive() == []
    infos = [EpisodeInfo.read(folder) for folder in episodes(recorded)]
    assert [(info.task, info.operator, info.dropped) for info in infos] == [("reach", "scripted expert", {})] * 2
    assert all(info.kept == (info.score == 1.0) for info in infos)
    done = to_lerobot(ToLeRobotConfig(recorded, dataset, all=True))
    assert done == 0
    converted = LeRobotDataset(dataset)
    assert [episode.task for episode in converted] == [info.instruction for info in infos]
    assert all(len(episode) > 10 for episode in converted)


def test_ctrl_c_leaves_no_process_behind(launch):
    stack = launch("sim:=true")
    stack.wait_for(lambda output: len(re.findall("process started with pid", output)) == len(NODES))
    stack.wait_for(lambda output: "instruction is now" in output)  # all five are up
    os.killpg(stack.process.pid, signal.SIGINT)
    stack.wait(30)
    assert stack.alive() == []
    assert "Traceback" not in stack.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("checkpoint:=/no/such/folder",), r"parameter checkpoint='/no/such/folder': no such folder.*; give "),
        (("instruction:=reach the purple banana",), r"parameter instruction: .*unknown 'purple', 'banana'; .*knows: "),
        (("task:=juggle",), r"parameter task='juggle': task 'juggle' is none of reach"),
        (("device:=quantum",), r"parameter device 'quantum': .*; use cpu, or cuda"),
    ],
)
def test_bad_input_ends_the_launch_with_one_clear_line(launch, arguments, message):
    stack = launch("sim:=true", *arguments)
    assert stack.wait(90) == 1, stack.output
    assert re.search(message, stack.output), stack.output
    assert "Traceback" not in stack.output
    assert stack.alive() == []


def test_a_checkpoint_of_another_program_is_refused(launch, tmp_path):
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "config.json").write_text(json.dumps({"model_type": "llama"}))
    stack = launch("sim:=true", f"checkpoint:={tmp_path / 'foreign'}")
    assert stack.wait(90) == 1, stack.output
    # Whoever reads it first says so: the guard, that it lacks the contract.
    assert re.search(r"parameter checkpoint.*config\.json: (format is None|it lacks 'contract')", stack.output)
    assert "Traceback" not in stack.output


def test_on_an_arm_a_node_that_ends_leaves_the_guard_with_it(launch, tmp_path):
    params = tmp_path / "params.yaml"
    params.write_text("/perception:\n  ros__parameters:\n    camera_timeout_s: 1.0\n")
    stack = launch(f"params_file:={params}", "instruction:=reach the red cup")
    stack.wait_for(lambda output: "ended with exit code 1; the other nodes stay" in output)
    assert re.search(r"parameter camera_topics=\['/camera/image_raw'\]: no image within", stack.output), stack.output
    assert len(stack.alive()) == 2  # guard and action expert
    os.killpg(stack.process.pid, signal.SIGINT)
    stack.wait(30)
    assert stack.alive() == []


def test_without_the_drivers_package_asking_for_it_is_one_clear_line(launch):
    stack = launch("use_driver:=true")
    assert stack.wait(60) == 1
    assert "there is no package interbotix_xsarm_control; install the Interbotix packages" in stack.output
    assert stack.pids() == []


@pytest.mark.timeout(240)
def test_episodes_of_stack3_end_by_simulated_time(launch, tmp_path):
    params = tmp_path / "params.yaml"
    params.write_text("/rollout:\n  ros__parameters:\n    time_limit_s: 3.0\n")
    stack = launch(
        *("sim:=true", "task:=stack3", "seed:=40", "episodes:=2", "real_time_factor:=0.5"),
        *(f"checkpoint:={save_untrained(tmp_path / 'untrained')}", f"params_file:={params}"),
        f"report:={tmp_path / 'run'}",
    )
    assert stack.wait(200) == 0, stack.output
    log = RunLog.load(tmp_path / "run")
    assert [episode.seed for episode in log.episodes] == [41, 42]
    for episode in log.episodes:
        assert not episode.success
        # In real time each takes twice as long.
        assert 2.8 <= (episode.end_ns - episode.start_ns) * 1e-9 <= 10.0
    assert stack.alive() == []


@pytest.mark.timeout(240)
def test_on_simulated_time_the_shipped_policy_succeeds_as_it_does_in_real_time(launch, tmp_path):
    stack = launch("sim:=true", "episodes:=3", "real_time_factor:=1.5", f"report:={tmp_path / 'run'}")
    assert stack.wait(200) == 0, stack.output
    log = RunLog.load(tmp_path / "run")
    assert any(episode.success for episode in log.episodes), stack.output
    seen = [step for step in log.steps if step.staleness_steps >= 0]
    assert seen
    assert all(0 <= step.staleness_steps < 20 for step in seen)
