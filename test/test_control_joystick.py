"""What axes and buttons of sensor_msgs/Joy mean, without ROS."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvla_ros.control.joystick import FIELDS, PRESETS, JoyError, Joystick, parse
from arvla_ros.control.teleop import MOTIONS, Act

AXES = {"game_controller": 6, "xbox": 8, "ps4": 8, "spacemouse": 6}
BUTTONS = 21


def rest(preset: str) -> list[float]:
    """Return axes of a device at rest: triggers of joy_node read 1."""
    return [1.0 if preset in ("xbox", "ps4") and index in (2, 5) else 0.0 for index in range(AXES[preset])]


def joystick(preset: str) -> Joystick:
    device = Joystick(PRESETS[preset])
    device.on_message(rest(preset), [0] * BUTTONS, 0.0)
    return device


def push(device: Joystick, preset: str, axes: dict[int, float] | None = None, buttons: tuple[int, ...] = ()):
    values = rest(preset)
    for index, value in (axes or {}).items():
        values[index] = value
    return device.on_message(values, [int(index in buttons) for index in range(BUTTONS)], 0.1)


@pytest.mark.parametrize("preset", AXES)
def test_a_device_at_rest_asks_for_nothing(preset):
    device = joystick(preset)
    np.testing.assert_array_equal(device.motion, np.zeros(7))
    assert not device.pressed
    assert device.fault(0.1) == ""


@pytest.mark.parametrize("preset", AXES)
def test_a_push_away_from_the_operator_moves_the_hand_forward(preset):
    device = joystick(preset)
    push(device, preset, {0 if preset == "spacemouse" else 1: 1.0})
    assert device.motion[0] == pytest.approx(1.0)
    assert not device.motion[1:].any()


@pytest.mark.parametrize(
    ("preset", "axes", "sign"),
    [
        ("game_controller", {4: -1.0}, 1.0),
        ("game_controller", {5: -1.0}, -1.0),
        ("xbox", {2: -1.0}, 1.0),
        ("ps4", {5: -1.0}, -1.0),
    ],
)
def test_the_left_trigger_opens_and_the_right_one_closes(preset, axes, sign):
    device = joystick(preset)
    push(device, preset, axes)
    assert device.motion[MOTIONS.index("gripper")] == pytest.approx(sign)


def test_a_trigger_that_was_never_seen_at_rest_is_not_half_pressed():
    device = Joystick(PRESETS["xbox"])
    device.on_message([0.0] * 8, [0] * BUTTONS, 0.0)
    np.testing.assert_array_equal(device.motion, np.zeros(7))


def test_an_act_comes_once_for_each_press():
    device = joystick("game_controller")
    assert push(device, "game_controller", buttons=(1,)) == [Act.ESTOP]
    assert push(device, "game_controller", buttons=(1,)) == []
    assert push(device, "game_controller") == []
    assert push(device, "game_controller", buttons=(1, 6)) == [Act.ESTOP, Act.ENABLE]


def test_a_button_down_in_the_very_first_message_counts_for_the_estop():
    device = Joystick(PRESETS["game_controller"])
    assert Act.ESTOP in push(device, "game_controller", buttons=(1,))


@pytest.mark.parametrize(
    ("axes", "buttons", "words"),
    [
        ([0.0] * 2, [0] * 21, "has 2 axes and 21 buttons, the mapping needs 6 and 15"),
        ([0.0] * 6, [0] * 3, "has 6 axes and 3 buttons"),
        ([], [], "has 0 axes and 0 buttons"),
        ([math.nan] + [0.0] * 5, [0] * 21, "not finite"),
        ([math.inf] + [0.0] * 5, [0] * 21, "not finite"),
    ],
)
def test_a_message_that_does_not_fit_stops_motion_and_is_told(axes, buttons, words):
    device = joystick("game_controller")
    push(device, "game_controller", {1: 1.0}, buttons=(9,))
    assert device.pressed
    assert device.on_message(axes, buttons, 0.2) == []
    assert words in device.fault(0.2)
    assert not device.pressed
    assert not device.motion.any()


def test_a_silent_joystick_is_lost():
    device = joystick("game_controller")
    push(device, "game_controller", {1: 1.0}, buttons=(9,))
    assert device.fault(0.5) == ""
    assert "unplugged?" in device.fault(0.7)
    assert not device.pressed
    assert not device.motion.any()


def test_a_joystick_that_never_spoke_is_told():
    assert "no /joy yet" in Joystick(PRESETS["xbox"]).fault(0.0)


@given(
    st.sampled_from(sorted(AXES)),
    st.lists(st.floats(width=32), max_size=10),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=25),
)
def test_whatever_comes_motion_is_finite_and_within_one(preset, axes, buttons):
    device = joystick(preset)
    device.on_message(axes, buttons, 0.1)
    assert np.isfinite(device.motion).all()
    assert np.abs(device.motion).max() <= 1.0


@pytest.mark.parametrize("expression", ["a", "x1", "1", "a1*2", "a-1", "b1 or b2"])
def test_an_expression_that_is_no_sum_of_terms_is_refused(expression):
    with pytest.raises(JoyError, match=r"roll=.* is not a sum of axes"):
        parse("roll", expression)


def test_every_preset_maps_known_fields_only():
    assert all(set(preset) <= set(FIELDS) for preset in PRESETS.values())
