"""Prefixes that come out of order, twice, broken, foreign, misdated, far too large, or not at all."""

from __future__ import annotations

import array
import re
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from fault_checks import assert_fault_stops_the_arm, assert_goes_on, assert_safe
from fault_sources import MAX_STALENESS_S, TOO_OLD, Prefixes, begin_with_expert, stack_with_expert
from fault_stack import LOADING_S, Stack

from arvla_ros.msg import GuardState, VLPrefix

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
    ids=lambda distort: getattr(distort, "__name__", "repeated"),
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


SEND_100_MB = """
import array, time, rclpy
from arvla_ros.msg import GuardState, VLPrefix
from rclpy.qos import QoSProfile, ReliabilityPolicy

rclpy.init()
node = rclpy.create_node("perception")
publisher = node.create_publisher(VLPrefix, "/vl_prefix", QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE))
while publisher.get_subscription_count() == 0:
    time.sleep(0.01)
message = VLPrefix(keys=array.array("B", bytes(50_000_000)), values=array.array("B", bytes(50_000_000)))
message.header.stamp = node.get_clock().now().to_msg()
publisher.publish(message)
time.sleep(3.0)
"""


@pytest.mark.timeout(300)
def test_a_prefix_of_100_megabytes_is_refused_and_the_arm_goes_on_or_rests(stack):
    stack.arm_and_move()
    # From a process of its own: this one plays the arm, which must not stop meanwhile.
    sender = subprocess.Popen([sys.executable, "-c", SEND_100_MB], env=stack.environment)
    expert = stack.processes["action_expert"]
    stack.wait_for(lambda: "prefix refused: 1000" in expert.output, "a prefix refused for its length", LOADING_S)
    assert sender.wait(LOADING_S) == 0
    assert_safe(stack)
    # Receiving it takes the expert a part of a second; on a busy machine that may be a silence to hold for.
    state = stack.guard_state
    assert state.mode == GuardState.MODE_ACTIVE or re.search("no command from 'action_expert'|s old", state.reason)
    stack.arm_and_move()
    assert_goes_on(stack)
