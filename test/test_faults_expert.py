"""Faults of what the action expert hears and of the action expert itself, with the guard that must live with them."""

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
from fault_sources import CHECKPOINT, Prefixes
from fault_stack import Stack, stack_of

from arvla_ros.msg import VLPrefix

COMMAND_TIMEOUT_S = 0.5
MAX_STALENESS_S = 1.0
TOO_OLD = r"picture is .* s old, more than max_staleness_s 1"


@pytest.fixture(scope="module")
def shared(module_ros_environment, tmp_path_factory) -> Iterator[Stack]:
    with stack_of(module_ros_environment, tmp_path_factory.mktemp("expert")) as stack:
        stack.start("guard", command_timeout_s=COMMAND_TIMEOUT_S)
        start_expert(stack)
        yield stack


@pytest.fixture(scope="module")
def prefixes(shared: Stack) -> Prefixes:
    return Prefixes(shared.node)


def start_expert(stack: Stack, checkpoint: Path = CHECKPOINT, alias: str = "") -> None:
    stack.start(
        "action_expert",
        alias,
        checkpoint=checkpoint,
        late_staleness_s=MAX_STALENESS_S / 2,
        max_staleness_s=MAX_STALENESS_S,
    )


@pytest.fixture
def stack(shared: Stack, prefixes: Prefixes) -> Stack:
    shared.keep("guard", "action_expert")
    if "action_expert" not in shared.processes:
        start_expert(shared)
    prefixes.distort = None
    prefixes.running = True
    shared.begin()
    shared.reset_expert()
    return shared


# Prefixes


def none(prefix: VLPrefix) -> list[VLPrefix]:
    return []


def truncated(prefix: VLPrefix) -> list[VLPrefix]:
    prefix.keys = prefix.keys[: len(prefix.keys) // 2]
    return [prefix]


def not_finite(prefix: VLPrefix) -> list[VLPrefix]:
    prefix.values = array.array("B", np.full(len(prefix.values) // 4, np.nan, dtype=np.float32).tobytes())
    return [prefix]


def of_another_model(prefix: VLPrefix) -> list[VLPrefix]:
    prefix.model_id = "ab" * 32
    return [prefix]


def unstamped(prefix: VLPrefix) -> list[VLPrefix]:
    prefix.header.stamp.sec = prefix.header.stamp.nanosec = 0
    return [prefix]


def of_an_hour_ago(prefix: VLPrefix) -> list[VLPrefix]:
    prefix.header.stamp.sec -= 3600
    return [prefix]


def of_the_next_hour(prefix: VLPrefix) -> list[VLPrefix]:
    prefix.header.stamp.sec += 3600
    return [prefix]


class Repeated:
    """The same prefix again and again."""

    def __init__(self) -> None:
        self._first: VLPrefix | None = None

    def __call__(self, prefix: VLPrefix) -> list[VLPrefix]:
        self._first = self._first or prefix
        return [self._first] * 2


@pytest.mark.parametrize(
    "distort",
    [none, truncated, not_finite, of_another_model, unstamped, of_an_hour_ago, of_the_next_hour, Repeated()],
)
def test_without_prefixes_to_believe_the_arm_comes_to_rest(stack, prefixes, distort):
    def fault() -> None:
        prefixes.distort = distort

    def over() -> None:
        prefixes.distort = None

    assert_fault_stops_the_arm(stack, fault, over, TOO_OLD, MAX_STALENESS_S)


def test_prefixes_out_of_order_and_twice_are_as_good_as_in_order(stack, prefixes):
    seen: list[VLPrefix] = []

    def shuffled(prefix: VLPrefix) -> list[VLPrefix]:
        seen.append(prefix)
        return [prefix, seen[max(len(seen) - 3, 0)], prefix]

    stack.arm_and_move()
    prefixes.distort = shuffled
    stack.watch(2 * MAX_STALENESS_S)
    assert_goes_on(stack)
    anchors = [step.anchor_step for _, step in stack.expert_steps]
    assert anchors == sorted(anchors), "an older picture took the place of a newer one"


def test_a_prefix_of_100_megabytes_is_refused_and_control_goes_on(stack, prefixes):
    stack.arm_and_move()
    huge = prefixes.message(0)
    huge.keys = array.array("B", bytes(50_000_000))
    huge.values = array.array("B", bytes(50_000_000))
    prefixes.send(huge)
    stack.watch(2 * MAX_STALENESS_S)
    assert_goes_on(stack)
    stack.wait_for(lambda: "prefix refused: " in stack.processes["action_expert"].output, "a prefix refused")


# The action expert itself


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


def test_actions_of_3_rad_are_walked_within_the_limits(stack, tmp_path):
    stack.keep("guard")
    start_expert(stack, checkpoint_of_large_actions(tmp_path))
    stack.reset_expert()
    stack.arm_and_move()
    stack.watch(1.0)
    asked = [np.abs(np.array(step.action[:6])).max() for _, step in stack.expert_steps if step.action]
    assert max(asked) > 3.0
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
    assert second.wait() == 1
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
