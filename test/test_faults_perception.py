"""Faults of the camera and of perception, judged by what the driver gets from the whole chain behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from fault_checks import assert_fault_stops_the_arm, assert_goes_on
from fault_sources import CHECKPOINT, COMMAND_TIMEOUT_S, INSTRUCTION, MAX_STALENESS_S, TOO_OLD, Camera, start_expert
from fault_stack import LOADING_S, Stack, stack_of
from sensor_msgs.msg import Image

from arvla_ros.policy.checkpoint import load_backbone, load_expert, load_manifest, save_checkpoint

# A node with torch takes seconds to load, on a busy machine many.
pytestmark = pytest.mark.timeout(400)

# A camera that shows nothing new is found out this long after; s.
NOTICED_S = 0.5


@pytest.fixture(scope="module")
def other_checkpoint(tmp_path_factory) -> Path:
    """The shipped one, with a backbone that was trained a little longer: one that the expert does not know."""
    folder = tmp_path_factory.mktemp("other")
    backbone = load_backbone(CHECKPOINT)
    with torch.no_grad():
        next(iter(backbone.parameters())).add_(1e-3)
    save_checkpoint(folder, load_manifest(CHECKPOINT), backbone, load_expert(CHECKPOINT), lambda manifest: "")
    return folder


@pytest.fixture(scope="module")
def shared(module_ros_environment, tmp_path_factory) -> Iterator[Stack]:
    with stack_of(module_ros_environment, tmp_path_factory.mktemp("perception")) as stack:
        stack.start("guard", command_timeout_s=COMMAND_TIMEOUT_S)
        start_expert(stack)
        start_perception(stack)
        yield stack


@pytest.fixture(scope="module")
def camera(shared: Stack) -> Camera:
    return Camera(shared.node)


def start_perception(stack: Stack, checkpoint: Path = CHECKPOINT, alias: str = "") -> None:
    stack.start("perception", alias, checkpoint=checkpoint, instruction=f"'{INSTRUCTION}'", refresh_rate_hz=5.0)


@pytest.fixture
def stack(shared: Stack, camera: Camera) -> Stack:
    shared.keep("guard", "action_expert", "perception")
    if "perception" not in shared.processes:
        start_perception(shared)
    camera.distort = None
    camera.running = True
    shared.begin()
    shared.reset_expert()
    shared.allow_staleness(MAX_STALENESS_S)
    return shared


# The camera


def dropped(image: Image) -> list[Image]:
    return []


def unstamped(image: Image) -> list[Image]:
    image.header.stamp.sec = image.header.stamp.nanosec = 0
    return [image]


def of_an_hour_ago(image: Image) -> list[Image]:
    image.header.stamp.sec -= 3600
    return [image]


def of_the_next_hour(image: Image) -> list[Image]:
    image.header.stamp.sec += 3600
    return [image]


def of_another_size(image: Image) -> list[Image]:
    image.height, image.width, image.step = 17, 23, 69
    image.data = image.data[: 17 * 69]
    return [image]


def truncated(image: Image) -> list[Image]:
    image.data = image.data[:1000]
    return [image]


def of_an_unknown_encoding(image: Image) -> list[Image]:
    image.encoding = "smell8"
    return [image]


class Frozen:
    """The same picture again and again, under its old stamp or under new ones."""

    def __str__(self) -> str:
        return f"frozen_under_{'new' if self._new_stamps else 'old'}_stamps"

    def __init__(self, stamps: str) -> None:
        self._new_stamps = stamps == "new"
        self._first: Image | None = None

    def __call__(self, image: Image) -> Sequence[Image]:
        stamp = image.header.stamp
        self._first = self._first or image
        if self._new_stamps:
            self._first.header.stamp = stamp
        return [self._first]


@pytest.mark.parametrize(
    "distort",
    [
        dropped,
        unstamped,
        of_an_hour_ago,
        of_the_next_hour,
        of_another_size,
        truncated,
        of_an_unknown_encoding,
        Frozen(stamps="old"),
        Frozen(stamps="new"),
    ],
    ids=lambda distort: getattr(distort, "__name__", str(distort)),
)
def test_without_pictures_to_believe_the_arm_comes_to_rest(stack, camera, distort):
    def fault() -> None:
        camera.distort = distort

    def over() -> None:
        camera.distort = None

    assert_fault_stops_the_arm(stack, fault, over, TOO_OLD, MAX_STALENESS_S + NOTICED_S)


# Perception


def test_perception_killed_while_moving_the_arm_comes_to_rest_and_waits_for_a_person(stack):
    def over() -> None:
        stack.keep("guard", "action_expert")
        start_perception(stack)
        stack.reset_expert()

    assert_fault_stops_the_arm(stack, stack.processes["perception"].kill, over, TOO_OLD, MAX_STALENESS_S)


def test_perception_stopped_while_moving_the_arm_comes_to_rest_and_waits_for_a_person(stack):
    perception = stack.processes["perception"]
    assert_fault_stops_the_arm(stack, perception.stop, perception.go_on, TOO_OLD, MAX_STALENESS_S)


def test_perception_restarted_with_another_checkpoint_the_arm_comes_to_rest(stack, other_checkpoint):
    def fault() -> None:
        stack.keep("guard", "action_expert")
        start_perception(stack, other_checkpoint, alias="perception of another model")

    def over() -> None:
        stack.wait_for(
            lambda: "is not" in stack.processes["action_expert"].output, "prefixes of another model refused", LOADING_S
        )
        stack.keep("guard", "action_expert")
        start_perception(stack)
        stack.reset_expert()

    assert_fault_stops_the_arm(stack, fault, over, TOO_OLD, MAX_STALENESS_S)


def test_a_flood_of_parameters_disturbs_nothing(stack):
    # What 600 answers cost on a busy machine is not what this is about.
    stack.allow_staleness(5 * MAX_STALENESS_S)
    stack.arm_and_move()
    for count in range(300):
        stack.set_parameters("perception", refresh_rate_hz=2.0 + count % 5)
        stack.set_parameters("perception", instruction="reach the moon")
    stack.watch(MAX_STALENESS_S)
    assert_goes_on(stack)
    stack.set_parameters("perception", refresh_rate_hz=5.0)
