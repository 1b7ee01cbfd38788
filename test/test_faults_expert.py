"""An action expert that dies, hangs, computes nonsense or is there twice, and the guard that must live with it."""

from __future__ import annotations

import array
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fault_checks import assert_fault_stops_the_arm, assert_goes_on, assert_safe
from fault_sources import (
    CHECKPOINT,
    COMMAND_TIMEOUT_S,
    MAX_STALENESS_S,
    Prefixes,
    begin_with_expert,
    stack_with_expert,
    start_expert,
)
from fault_stack import LOADING_S, Stack
from sensor_msgs.msg import JointState

from arvla_ros.msg import VLPrefix

# A node with torch takes seconds to load, on a busy machine many.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def shared(module_ros_environment, tmp_path_factory) -> Iterator[tuple[Stack, Prefixes]]:
    with stack_with_expert(module_ros_environment, tmp_path_factory.mktemp("expert")) as shared:
        yield shared


@pytest.fixture
def prefixes(shared: tuple[Stack, Prefixes]) -> Prefixes:
    return shared[1]


@pytest.fixture
def stack(shared: tuple[Stack, Prefixes]) -> Stack:
    begin_with_expert(*shared)
    return shared[0]


def test_killed_while_moving_the_arm_comes_to_rest_and_a_new_one_waits_for_a_person(stack):
    def over() -> None:
        stack.keep("guard")
        start_expert(stack)
        stack.reset_expert()

    assert_fault_stops_the_arm(
        stack, stack.processes["action_expert"].kill, over, "no command from 'action_expert'", COMMAND_TIMEOUT_S
    )


def test_stopped_while_moving_the_arm_comes_to_rest_and_waits_for_a_person(stack):
    expert = stack.processes["action_expert"]
    assert_fault_stops_the_arm(stack, expert.stop, expert.go_on, "no command from 'action_expert'", COMMAND_TIMEOUT_S)


def test_an_action_that_is_not_finite_brings_the_arm_to_rest(stack, prefixes):
    def overflowing(prefix: VLPrefix) -> list[VLPrefix]:
        """Finite itself, but what the expert computes from it is not."""
        prefix.values = array.array("B", np.full(len(prefix.values) // 4, 3e38, dtype=np.float32).tobytes())
        return [prefix]

    def fault() -> None:
        prefixes.distort = overflowing

    def over() -> None:
        prefixes.distort = None
        stack.reset_expert()

    assert_fault_stops_the_arm(stack, fault, over, "action is not finite", MAX_STALENESS_S)


def test_a_failed_bus_read_brings_the_arm_to_rest_and_does_not_stay_in_the_history(stack):
    def failed(reading: JointState) -> JointState:
        reading.position = [-math.pi] * len(reading.name)
        return reading

    def fault() -> None:
        stack.arm.distort = failed

    def over() -> None:
        stack.arm.distort = None

    assert_fault_stops_the_arm(stack, fault, over, "failed bus read", 0.0)
    assert max(abs(value) for _, step in stack.expert_steps for value in step.state) < math.pi - 0.1


def test_actions_of_3_rad_are_walked_within_the_limits(stack, tmp_path):
    stack.keep("guard")
    start_expert(stack, checkpoint_of_large_actions(tmp_path))
    stack.reset_expert()
    stack.arm_and_move()
    stack.watch(1.0)
    asked = [np.abs(np.array(step.action[:6])).max() for _, step in stack.expert_steps if step.action]
    assert np.nanmax(asked) > 3.0
    assert_safe(stack)
    stack.keep("guard")


def checkpoint_of_large_actions(folder: Path) -> Path:
    """Return a copy of the shipped checkpoint whose joints want to move 30 times as far."""
    shutil.copytree(CHECKPOINT, folder / "large")
    file = folder / "large" / "config.json"
    config = json.loads(file.read_text())
    scale = config["normalization"]["action"]["scale"]
    config["normalization"]["action"]["scale"] = [30 * value for value in scale[:6]] + scale[6:]
    file.write_text(json.dumps(config))
    return folder / "large"


def test_a_second_action_expert_refuses_to_start(stack):
    stack.arm_and_move()
    start_expert(stack, alias="second")
    second = stack.processes["second"]
    assert second.wait(LOADING_S) == 1
    assert "action_expert" in second.output
    assert "Traceback" not in second.output
    stack.keep("guard", "action_expert")
    assert_goes_on(stack)


def test_a_flood_of_parameters_disturbs_nothing(stack):
    stack.arm_and_move()
    for count in range(300):
        stack.set_parameters("action_expert", history_length=1 + count % 16)
        stack.set_parameters("action_expert", late_staleness_s=math.nan)
    stack.watch(2 * MAX_STALENESS_S)
    assert_goes_on(stack)
    stack.set_parameters("action_expert", history_length=16)
