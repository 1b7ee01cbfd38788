"""Faults of what the action expert hears and of the action expert itself, with the guard that must live with them."""

from __future__ import annotations

import array
import copy
import json
import math
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fault_checks import assert_fault_stops_the_arm, assert_goes_on, assert_safe
from fault_sources import CHECKPOINT, Prefixes
from fault_stack import Stack, stack_of

from arvla_ros.msg import VLPrefix

COMMAND_TIMEOUT_S = 0.5
MAX_STALENESS_S = 1.0
TOO_OLD = r"picture is 1\.\d+ s old, more than max_staleness_s 1"


@pytest.fixture(scope="module")
def shared(module_ros_environment, tmp_path_factory) -> Iterator[Stack]:
    with stack_of(module_ros_environment, tmp_path_factory.mktemp("expert")) as stack:
        stack.start("guard", command_timeout_s=COMMAND_TIMEOUT_S)
        start_expert(stack)
        stack.prefixes = Prefixes(stack.node)
        yield stack


def start_expert(stack: Stack, checkpoint: Path = CHECKPOINT, alias: str = "") -> None:
    stack.start(
        "action_expert",
        alias,
        checkpoint=checkpoint,
        late_staleness_s=MAX_STALENESS_S / 2,
        max_staleness_s=MAX_STALENESS_S,
    )


@pytest.fixture
def stack(shared: Stack) -> Stack:
    shared.keep("guard", "action_expert")
    if "action_expert" not in shared.processes:
        start_expert(shared)
    shared.prefixes.distort = None
    shared.prefixes.running = True
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
def test_without_prefixes_to_believe_the_arm_comes_to_rest(stack, distort):
    def fault() -> None:
        stack.prefixes.distort = distort

    def over() -> None:
        stack.prefixes.distort = None

    assert_fault_stops_the_arm(stack, fault, over, TOO_OLD, MAX_STALENESS_S)
