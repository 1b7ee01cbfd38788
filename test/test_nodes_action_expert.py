"""The action expert as its own process over real DDS, judged by what it commands and tells."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rclpy
import torch
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from arvla_ros.msg import ActionStep, ArmCommand, VLPrefix
from arvla_ros.nodes.prefix_message import encode
from arvla_ros.nodes.qos import NEWEST, TELEMETRY
from arvla_ros.policy.checkpoint import Manifest, save_checkpoint
from arvla_ros.policy.expert import ActionExpert, ExpertConfig
from arvla_ros.policy.normalization import Normalizer
from arvla_ros.policy.prefix import Prefix
from arvla_ros.policy.small import SmallBackbone, SmallConfig
from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import RobotContract

NAMES = ["right_finger", *reversed(wx250s.ARM_JOINTS), "a_sensor_of_somebody", "left_finger", "gripper"]
"""Joint states in another order than the driver's, with one more."""
SIZES = {"layers": 2, "kv_heads": 1, "head_dim": 8}
READY_AGE_S = 0.01


def checkpoint(folder: Path, action_space: str) -> Manifest:
    """Write a small untrained policy whose actions are gentle."""
    torch.manual_seed(0)
    expert = ActionExpert(ExpertConfig(width=16, mlp_width=24, query_heads=2, **SIZES))
    backbone = SmallConfig(("reach the cup",), width=16, mlp_width=24, heads=2, stem_widths=(8, 8, 8), **SIZES)
    contract = replace(RobotContract.load(), action_space=action_space)
    return save_checkpoint(
        folder,
        Manifest(
            task="reach",
            contract=contract,
            backbone=backbone,
            expert=expert.config,
            state=Normalizer.mean_std(torch.randn(20, 7)),
            action=Normalizer.mean_std(1e-3 * torch.randn(20, 7) + torch.tensor([0.0] * 6 + [0.5])),
            position=Normalizer.mean_std(torch.randn(20, 2)),
        ),
        SmallBackbone(backbone),
        expert,
        lambda manifest: "# a small one\n",
    )


class Expert:
    """A running action expert, the arm's joint states beside it, and what it says."""

    def __init__(self, environment: dict[str, str], folder: Path, manifest: Manifest, log: Path) -> None:
        self.manifest = manifest
        self._log = log
        self.process = start(environment, log, f"checkpoint:={folder}", "control_rate_hz:=20.0")
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=int(environment["ROS_DOMAIN_ID"]))
        self.node = rclpy.create_node("arm", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.commands: list[ArmCommand] = []
        self.steps: list[ActionStep] = []
        self.figures: dict[str, str] = {}
        self.joints, self.states_flow = wx250s.READY, True
        self._states = self.node.create_publisher(JointState, "/wx250s/joint_states", 10)
        self._prefixes = self.node.create_publisher(VLPrefix, "/vl_prefix", NEWEST)
        self.node.create_subscription(ArmCommand, "/arm/command", self.commands.append, NEWEST)
        self.node.create_subscription(ActionStep, "/action_expert/step", self.steps.append, TELEMETRY)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        self._reset = self.node.create_client(Trigger, "/action_expert/reset")
        self._set = self.node.create_client(SetParametersAtomically, "/action_expert/set_parameters_atomically")
        self.node.create_timer(0.02, self._publish_state)

    @property
    def output(self) -> str:
        return self._log.read_text()

    def _publish_state(self) -> None:
        if self.states_flow:
            by_name = {**dict(zip(wx250s.ARM_JOINTS, self.joints.tolist(), strict=True)), "left_finger": 0.03}
            message = JointState(name=NAMES, position=[by_name.get(name, 0.0) for name in NAMES])
            message.header.stamp = self.node.get_clock().now().to_msg()
            self._states.publish(message)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.figures = {value.key: value.value for value in status.values}

    def prefix(self, captured_ago_s: float = 0.0, **changes: object) -> VLPrefix:
        manifest = self.manifest
        shape = (SIZES["layers"], SIZES["kv_heads"], manifest.backbone.prefix_tokens, SIZES["head_dim"])
        made = Prefix(torch.randn(shape), torch.randn(shape), torch.ones(shape[2], dtype=torch.bool))
        stamp_ns = self.node.get_clock().now().nanoseconds - round(captured_ago_s * 1e9)
        message = encode(made, stamp_ns, manifest.model_id, "reach the cup", ready_age_s=READY_AGE_S)
        for name, value in changes.items():
            setattr(message, name, value)
        return message

    def send(self, message: VLPrefix) -> None:
        self._prefixes.publish(message)

    def until(self, reached: Callable[[], object], what: str, timeout: float = 60.0) -> None:
        end = time.monotonic() + timeout
        while not reached():
            assert self.process.poll() is None, f"it ended:\n{self.output}"
            assert time.monotonic() < end, f"not in {timeout} s: {what}\n{self.steps[-1:]}\n{self.output[-2000:]}"
            self.executor.spin_once(timeout_sec=0.01)

    def begin(self) -> None:
        """Forget the test before."""
        self.joints, self.states_flow = wx250s.READY, True
        answer = self._reset.call_async(Trigger.Request())
        self.until(answer.done, "an answer to reset")
        self.commands.clear()
        self.steps.clear()
        self.until(lambda: self.steps and self.steps[-1].state, "a step that sees the joint states")

    def keep_looking(self) -> Callable[[], bool]:
        """Return a condition that sends prefixes until there is a command."""

        def commanded() -> bool:
            self.send(self.prefix())
            return bool(self.commands)

        return commanded

    def set(self, **values: object) -> tuple[bool, str]:
        parameters = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        answer = self._set.call_async(SetParametersAtomically.Request(parameters=parameters))
        self.until(answer.done, "an answer to set_parameters_atomically")
        return answer.result().result.successful, answer.result().result.reason


def start(environment: dict[str, str], log: Path, *parameters: str) -> subprocess.Popen[bytes]:
    words = [word for parameter in parameters for word in ("-p", parameter)]
    with log.open("w") as output:
        return subprocess.Popen(
            ["ros2", "run", "arvla_ros", "action_expert", "--ros-args", *words],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


@pytest.fixture(scope="module")
def running(module_ros_environment, tmp_path_factory) -> Iterator[Expert]:
    folder = tmp_path_factory.mktemp("bridge")
    manifest = checkpoint(folder / "checkpoint", "bridge")
    expert = Expert(module_ros_environment, folder / "checkpoint", manifest, folder / "log")
    yield expert
    expert.process.terminate()
    expert.process.wait(20)
    expert.executor.shutdown()
    expert.node.destroy_node()
    rclpy.shutdown(context=expert.context)


@pytest.fixture
def expert(running: Expert) -> Expert:
    running.until(lambda: running.steps, "the first step", timeout=90.0)
    running.begin()
    return running


def test_actions_of_the_hand_arrive_as_joints_near_the_arm_with_the_ages_of_the_picture(expert):
    expert.until(expert.keep_looking(), "a command")
    command = expert.commands[-1]
    assert command.source == "action_expert"
    assert command.joint_names == list(wx250s.ARM_JOINTS)
    assert not command.use_pose
    assert np.abs(np.array(command.joint_positions) - expert.joints).max() < 0.2
    assert command.age.ready == pytest.approx(READY_AGE_S)
    assert 0.0 <= command.age.first_used <= command.age.commanded
    assert command.age.sent == -1.0


def test_a_picture_too_old_makes_it_tell_the_guard_to_hold(expert):
    expert.until(expert.keep_looking(), "a command")
    expert.until(lambda: expert.commands[-1].hold, "a hold")
    assert re.fullmatch(r"picture is .* s old, more than max_staleness_s 2\.5", expert.commands[-1].hold)
    assert len(expert.commands[-1].joint_positions) == 0
    expert.until(lambda: expert.steps[-1].mode == ActionStep.MODE_HOLD, "a step that says so")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"model_id": "ab" * 32}, "refused_other_model"),
        ({"keys": b"\0" * 12}, "refused_sizes"),
        ({"keys": b"\0" * 20_000_000}, "refused_too_long"),
        ({"dtype": "complex64"}, "refused_dtype"),
    ],
)
def test_a_prefix_that_cannot_be_used_is_refused_and_counted(expert, changes, kind):
    before = int(expert.figures.get(kind, "0"))
    expert.send(expert.prefix(**changes))
    expert.until(lambda: int(expert.figures.get(kind, "0")) > before, f"{kind} in the diagnostics")
    assert expert.commands == []


def test_a_prefix_with_a_value_that_is_not_finite_is_refused_and_counted(expert):
    message = expert.prefix()
    message.values = b"\xff\xff\xff\x7f" + bytes(message.values[4:])
    expert.send(message)
    expert.until(lambda: "refused_not_finite" in expert.figures, "refused_not_finite in the diagnostics")
    assert expert.commands == []


@pytest.mark.parametrize(
    ("ago_s", "kind"), [(3600.0, "refused_before_reset"), (-3600.0, "refused_far_future"), (-0.5, "from_future")]
)
def test_a_picture_from_another_time_is_counted(expert, ago_s, kind):
    before = int(expert.figures.get(kind, "0"))
    expert.send(expert.prefix(captured_ago_s=ago_s))
    expert.until(lambda: int(expert.figures.get(kind, "0")) > before, f"{kind} in the diagnostics")


def test_without_joint_states_it_falls_silent_and_goes_on_when_they_come_again(expert):
    expert.until(expert.keep_looking(), "a command")
    expert.states_flow = False
    expert.until(lambda: expert.steps[-1].mode == ActionStep.MODE_HOLD, "a hold")
    expert.commands.clear()
    count = len(expert.steps)
    expert.until(lambda: len(expert.steps) > count + 10, "ten steps")
    assert [command for command in expert.commands if not command.hold] == []
    expert.states_flow = True
    expert.until(expert.keep_looking(), "a command")


def test_a_failed_bus_read_is_no_state(expert):
    expert.joints = np.full(6, -np.pi)
    expert.until(lambda: "refused_states_failed_read" in expert.figures, "a failed read in the diagnostics")
    expert.until(lambda: expert.steps[-1].mode == ActionStep.MODE_HOLD, "a hold")
    assert len(expert.steps[-1].state) == 0


def test_live_parameters_take_effect_and_wrong_ones_are_refused_with_the_reason(expert):
    assert expert.set(late_staleness_s=2.0, max_staleness_s=4.0) == (True, "")
    done, reason = expert.set(late_staleness_s=5.0)
    assert not done
    assert reason == "late_staleness_s=5 must not be more than max_staleness_s=4"
    assert expert.set(late_staleness_s=5.0, max_staleness_s=6.0)[0]
    assert not expert.set(history_length=0)[0]
    done, reason = expert.set(command_mode="joint")
    assert not done
    assert "read" in reason
    assert expert.set(late_staleness_s=1.2, max_staleness_s=2.5, history_length=8)[0]


def test_the_diagnostics_tell_jitter_inference_and_ages(expert):
    expert.until(expert.keep_looking(), "a command")
    names = ("jitter_ms", "inference_ms", "staleness_s", "ready_age_s", "first_used_s")
    expert.until(lambda: all(f"{name}_p50_p99" in expert.figures for name in names), "all figures")
    assert expert.figures["missed_ticks"].isdigit()


def test_a_second_one_refuses_to_start(expert, module_ros_environment, tmp_path):
    second = start(module_ros_environment, tmp_path / "log")
    assert second.wait(120) == 1
    assert "/action_expert publishes" in (tmp_path / "log").read_text()
    assert expert.process.poll() is None


def test_a_command_mode_that_the_checkpoint_has_not_is_refused(ros_environment, tmp_path):
    process = start(ros_environment, tmp_path / "log", "command_mode:=ee")
    assert process.wait(120) == 1
    expected = r"parameter command_mode='ee': this checkpoint's action space 'joint_delta' is of mode 'joint'; set"
    assert re.search(expected, (tmp_path / "log").read_text())
