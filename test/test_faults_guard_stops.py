"""The e-stop at any moment, floods of parameters, a second guard, and a guard that is killed."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np
import pytest
from fault_checks import (
    assert_fault_stops_the_arm,
    assert_goes_on,
    assert_nodes_live,
    assert_safe,
    assert_stays_held,
    assert_within_limits,
    wait_for_hold,
)
from fault_stack import LOADING_S, Stack, stack_of

from arvla_ros.msg import GuardState


@pytest.fixture(scope="module")
def shared(module_ros_environment, tmp_path_factory) -> Iterator[Stack]:
    with stack_of(module_ros_environment, tmp_path_factory.mktemp("guard")) as stack:
        yield stack


@pytest.fixture
def stack(shared: Stack) -> Stack:
    shared.arm.answer_s = 0.0
    shared.keep("guard")
    if "guard" not in shared.processes:
        shared.start("guard")
        shared.wait_for_guard()
    shared.begin()
    shared.swing.running = True
    return shared


def test_the_estop_pressed_while_moving_stops_the_arm(stack):
    assert_fault_stops_the_arm(stack, stack.press_estop, lambda: stack.press_estop(False), "e-stop", 0.0)


def test_while_the_estop_is_pressed_nobody_can_arm_or_send_home(stack):
    stack.press_estop()
    stack.wait_for(lambda: stack.in_mode(GuardState.MODE_ESTOP), "the e-stop")
    assert "/estop" in stack.enable().message
    assert not stack.call_home().success
    stack.watch(0.5)
    assert np.ptp(stack.arm.record.joints, axis=0).max() == 0.0
    assert_safe(stack)


@pytest.mark.parametrize("delay_s", [-0.01, 0.0, 0.005, 0.01, 0.02, 0.03])
def test_the_estop_pressed_while_the_guard_is_being_armed_wins(stack, delay_s):
    if delay_s < 0:
        stack.press_estop()
    future = stack.call_enable()
    stack.watch(max(delay_s, 0.0))
    began = time.monotonic()
    stack.press_estop()
    stack.wait_for(future.done, "an answer of enable")
    wait_for_hold(stack, began, "e-stop")
    assert_stays_held(stack, "e-stop")
    assert stack.guard_state.mode == GuardState.MODE_ESTOP
    assert stack.arm.record.speeds[-10:].max() == 0.0
    assert_safe(stack)


def test_the_estop_hit_while_the_driver_is_still_being_asked_ends_the_arming(stack):
    stack.keep()
    stack.start("guard")
    stack.wait_for_guard()
    stack.arm.answer_s = 0.2
    future = stack.call_enable()
    stack.watch(0.3)
    stack.press_estop()
    stack.wait_for(lambda: stack.in_mode(GuardState.MODE_ESTOP), "the e-stop")
    stack.press_estop(False)
    stack.wait_for(future.done, "an answer of enable")
    stack.arm.answer_s = 0.0
    assert not future.result().success
    assert_stays_held(stack, "e-stop")


def test_the_estop_pressed_on_the_way_home_stops_the_arm(stack):
    stack.arm_and_move()
    stack.watch(0.3)
    assert stack.call_home().success
    stack.watch(0.1)
    began = time.monotonic()
    stack.press_estop()
    wait_for_hold(stack, began, "e-stop")
    assert_stays_held(stack, "e-stop")
    assert stack.arm.record.speeds[-10:].max() == 0.0
    assert_safe(stack)


def test_of_two_estops_pressed_one_released_lets_nothing_move(stack):
    def fault() -> None:
        stack.press_estop(button=0)
        stack.press_estop(button=1)

    def one_is_released() -> None:
        stack.press_estop(False, button=1)

    stack.arm_and_move()
    began = time.monotonic()
    fault()
    wait_for_hold(stack, began, "e-stop")
    one_is_released()
    assert_stays_held(stack, "e-stop")
    assert stack.arm.record.speeds[-10:].max() == 0.0
    assert_safe(stack)


def test_a_press_is_obeyed_although_another_switch_is_released_at_the_same_moment(stack):
    def fault() -> None:
        for _ in range(5):
            stack.press_estop(True, button=0)
            stack.press_estop(False, button=1)

    assert_fault_stops_the_arm(stack, fault, lambda: stack.press_estop(False), "e-stop", 0.0)


def test_an_estop_hit_again_and_again_is_as_good_as_one(stack):
    def fault() -> None:
        for count in range(100):
            stack.press_estop(count % 2 == 0, button=count % 3 % 2)
        stack.press_estop()

    assert_fault_stops_the_arm(stack, fault, lambda: [stack.press_estop(False, b) for b in (0, 1)], "e-stop", 0.0)


def test_a_flood_of_parameters_disturbs_nothing(stack):
    stack.arm_and_move()
    for count in range(300):
        stack.set_parameters("guard", speed_scale=0.5 + 0.001 * count)
    assert_goes_on(stack)


BAD_VALUES = (
    ("speed_scale", -1.0), ("speed_scale", math.nan), ("speed_scale", "fast"), ("max_joint_velocity", 1e9),
    ("command_timeout_s", math.inf), ("state_timeout_s", 0.0), ("no_such_parameter", 1.0),
)  # fmt: skip


def test_of_hundreds_of_parameters_set_while_moving_the_bad_ones_are_refused_with_a_reason(stack):
    stack.arm_and_move()
    for count in range(30):
        good = stack.set_parameters("guard", speed_scale=0.5 + 0.01 * count)
        bad = [stack.set_parameters("guard", **{name: value}) for name, value in BAD_VALUES]
        stack.wait_for(lambda futures=(good, *bad): all(future.done() for future in futures), "answers to 8 requests")
        assert good.result().results[0].successful
        refused = [future.result().results[0] for future in bad]
        assert not any(result.successful for result in refused)
        assert all(result.reason for result in refused)
    assert_goes_on(stack)


def test_a_lower_speed_limit_set_while_moving_is_kept_from_then_on(stack):
    stack.arm_and_move()
    stack.wait_for(stack.set_parameters("guard", max_joint_velocity=0.3).done, "a slower guard")
    stack.watch(0.5)
    stack.arm.begin_record()
    assert_goes_on(stack, speed=0.3)
    stack.wait_for(stack.set_parameters("guard", max_joint_velocity=math.pi).done, "a guard as fast as before")


def test_a_second_guard_refuses_to_start(stack):
    stack.arm_and_move()
    second = stack.start("guard", alias="second")
    assert second.wait(LOADING_S) == 1
    assert "guard" in second.output
    assert "Traceback" not in second.output
    stack.keep("guard")
    assert_goes_on(stack)


def test_a_guard_killed_while_moving_sends_nothing_until_one_is_armed_again(stack):
    stack.arm_and_move()
    stack.processes["guard"].kill()
    stack.watch(0.2)
    stack.arm.begin_record()
    stack.watch(0.5)
    assert stack.arm.record.joints == []
    stack.start("guard")
    stack.wait_for_guard()
    stack.watch(0.5)
    assert stack.arm.record.joints == []
    assert stack.guard_state.mode == GuardState.MODE_DISARMED
    assert stack.guard_state.reason
    stack.arm_and_move()
    assert_safe(stack)


def test_a_guard_that_hung_for_a_second_does_not_jump(stack):
    stack.arm_and_move()
    stack.processes["guard"].stop()
    stack.watch(1.0)
    stack.processes["guard"].go_on()
    stack.watch(0.5)
    assert_within_limits(stack.arm.record)
    assert_nodes_live(stack)


def test_a_guard_started_while_the_estop_is_pressed_obeys_it(stack):
    stack.press_estop()
    stack.keep()
    stack.start("guard")
    stack.wait_for(lambda: stack.in_mode(GuardState.MODE_ESTOP), "the e-stop")
    assert_stays_held(stack, "e-stop")
