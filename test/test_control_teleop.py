"""The target that an operator moves, the deadman, and keys, without ROS."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvla_ros.control.deadman import Deadman, Toggle
from arvla_ros.control.joystick import Joystick
from arvla_ros.control.keyboard import ACT_KEYS, HELP, MOTION_KEYS, Keyboard, KeyDecoder
from arvla_ros.control.operator_input import OperatorInput
from arvla_ros.control.teleop import MOTIONS, Act, HandServo, TeleopLimits
from arvla_ros.robots import rotations
from arvla_ros.robots.action_space import EndEffectorTarget

LIMITS = TeleopLimits()
LOWER, UPPER = 0.030, 0.074
DT = 0.05
DOWN = rotations.from_rpy(np.array([0.0, np.pi / 2, 0.0]))

unit_range = st.floats(-1.0, 1.0)
motions = st.lists(unit_range, min_size=7, max_size=7).map(np.array)
quaternions = (
    st.lists(unit_range, min_size=4, max_size=4)
    .filter(lambda q: np.linalg.norm(q) > 0.1)
    .map(lambda q: rotations.unit(np.array(q)))
)
hands = st.builds(
    lambda place, rotation: EndEffectorTarget(np.array(place), rotation, 0.05),
    st.lists(st.floats(-0.6, 0.6), min_size=3, max_size=3),
    quaternions,
)


def servo() -> HandServo:
    return HandServo(LIMITS, LOWER, UPPER)


def hand(place=(0.2, 0.0, 0.2), rotation=DOWN, opening=0.05) -> EndEffectorTarget:
    return EndEffectorTarget(np.array(place), rotation, opening)


def only(axis: str, value: float = 1.0) -> np.ndarray:
    return np.array([value if name == axis else 0.0 for name in MOTIONS])


def turned(target: EndEffectorTarget, measured: EndEffectorTarget) -> float:
    return rotations.angle(rotations.multiply(target.rotation, rotations.inverse(measured.rotation)))


@given(st.lists(st.tuples(motions, hands), min_size=1, max_size=30), st.booleans())
def test_the_target_never_leads_the_measured_hand_by_more_than_the_bound(steps, tool_frame):
    moving = servo()
    moving.tool_frame = tool_frame
    moving.take(steps[0][1])
    for motion, measured in steps:
        target = moving.advance(motion, measured, DT)
        assert np.linalg.norm(target.position - measured.position) <= LIMITS.max_lead_m + 1e-9
        assert turned(target, measured) <= LIMITS.max_lead_rad + 1e-6
        assert np.linalg.norm(target.rotation) == pytest.approx(1.0, abs=1e-9)
        assert LOWER <= target.opening <= UPPER


@given(st.lists(motions, min_size=1, max_size=30), hands, st.booleans())
def test_the_target_of_a_hand_at_rest_moves_no_faster_than_the_speed_limits(steps, measured, tool_frame):
    moving = servo()
    moving.tool_frame = tool_frame
    moving.take(measured)
    before = measured
    for motion in steps:
        target = moving.advance(motion, measured, DT)
        assert np.linalg.norm(target.position - before.position) <= LIMITS.linear_speed * DT + 1e-9
        assert turned(target, before) <= LIMITS.angular_speed * DT + 1e-6
        assert abs(target.opening - before.opening) <= LIMITS.gripper_speed * DT + 1e-12
        before = target


@given(st.lists(st.tuples(motions, hands), min_size=2, max_size=30))
def test_the_quaternion_of_the_target_never_jumps_to_its_negative(steps):
    moving = servo()
    moving.take(steps[0][1])
    before = steps[0][1].rotation
    for motion, measured in steps:
        target = moving.advance(motion, measured, DT)
        assert target.rotation @ before >= -1e-9
        before = target.rotation


@pytest.mark.parametrize(("axis", "index"), [("x", 0), ("y", 1), ("z", 2)])
def test_a_push_moves_along_one_axis_of_the_base(axis, index):
    moving = servo()
    moving.take(hand())
    shift = moving.advance(only(axis), hand(), DT).position - hand().position
    np.testing.assert_allclose(shift, LIMITS.linear_speed * DT * np.eye(3)[index], atol=1e-12)


def test_with_tool_axes_forward_is_where_the_fingers_point():
    moving = servo()
    moving.tool_frame = True
    moving.take(hand(rotation=DOWN))
    shift = moving.advance(only("x"), hand(), DT).position - hand().position
    np.testing.assert_allclose(shift, [0.0, 0.0, -LIMITS.linear_speed * DT], atol=1e-12)


def test_with_tool_axes_a_roll_turns_about_the_fingers():
    measured = hand(rotation=DOWN)
    moving = servo()
    moving.tool_frame = True
    moving.take(measured)
    target = moving.advance(only("roll"), measured, DT)
    fingers = np.array([1.0, 0.0, 0.0])
    np.testing.assert_allclose(rotations.rotate(target.rotation, fingers), rotations.rotate(DOWN, fingers), atol=1e-12)
    assert turned(target, measured) == pytest.approx(LIMITS.angular_speed * DT)


def test_a_hand_that_does_not_follow_saves_up_no_jump():
    moving = servo()
    moving.take(hand())
    for _ in range(200):
        target = moving.advance(only("x"), hand(), DT)
    assert target.position[0] - hand().position[0] == pytest.approx(LIMITS.max_lead_m)
    back = moving.advance(only("x", -1.0), hand(), DT)
    assert back.position[0] < target.position[0], "the first push back counts at once"


def test_without_a_push_the_target_stays_and_does_not_sink_with_the_arm():
    moving = servo()
    moving.take(hand())
    sunk = hand((0.2, 0.0, 0.19))
    for _ in range(10):
        target = moving.advance(np.zeros(7), sunk, DT)
    np.testing.assert_allclose(target.position, hand().position)


def test_each_take_begins_at_the_measured_hand():
    moving = servo()
    moving.take(hand())
    moving.advance(only("x"), hand(), DT)
    moving.release()
    assert moving.target is None
    elsewhere = hand((0.3, 0.1, 0.15))
    moving.take(elsewhere)
    np.testing.assert_allclose(moving.advance(np.zeros(7), elsewhere, DT).position, elsewhere.position)


def test_a_target_cannot_be_moved_before_it_is_taken():
    with pytest.raises(ValueError, match=r"before take\(\)"):
        servo().advance(np.zeros(7), hand(), DT)


def test_a_deadman_that_is_down_from_the_start_does_not_count_until_it_was_up():
    deadman = Deadman()
    assert not deadman.update(True, "")
    assert not deadman.update(False, "")
    assert deadman.update(True, "")


def test_a_deadman_that_stays_down_through_a_fault_has_to_be_pressed_anew():
    deadman = Deadman()
    deadman.update(False, "")
    assert deadman.update(True, "")
    assert not deadman.update(True, "unplugged")
    assert not deadman.update(True, "")
    deadman.update(False, "")
    assert deadman.update(True, "")


def test_a_deadman_that_went_down_unseen_during_a_fault_does_not_count_after_it():
    deadman = Deadman()
    deadman.update(False, "")
    deadman.update(False, "unplugged")
    assert not deadman.update(True, "")
    deadman.update(False, "")
    assert deadman.update(True, "")


def test_a_toggle_lets_go_when_nothing_is_done():
    toggle = Toggle()
    toggle.flip(0.0)
    assert not toggle.idle(9.0, 10.0)
    toggle.touch(9.0)
    assert not toggle.idle(18.0, 10.0)
    assert toggle.idle(19.1, 10.0)
    assert not toggle.pressed
    assert not toggle.idle(30.0, 10.0), "told once"


def test_a_key_moves_for_a_moment_and_then_stops():
    keyboard = Keyboard(hold_s=0.15)
    keyboard.press("w", 1.0)
    np.testing.assert_array_equal(keyboard.motion(1.1), only("x"))
    np.testing.assert_array_equal(keyboard.motion(1.16), np.zeros(7))


def test_keys_of_two_axes_add_up_and_of_one_axis_the_newer_counts():
    keyboard = Keyboard()
    for key in "wsr":
        keyboard.press(key, 0.0)
    np.testing.assert_array_equal(keyboard.motion(0.1), only("x", -1.0) + only("z"))


@pytest.mark.parametrize("sent", [b"\x1b[A", b"\x1bOA", b"\x1b[15~", b"\x1b[1;5C", b"\x1b[<0;10;20M", b"\x1bq"])
def test_arrow_and_function_keys_are_no_letters(sent):
    assert KeyDecoder().decode(b"w" + sent + b"s") == ["w", "s"]


@given(st.integers(0, 4))
def test_an_escape_sequence_cut_in_two_is_still_one(cut):
    sequence = b"\x1b[1;5C"
    decoder = KeyDecoder()
    assert decoder.decode(sequence[:cut]) + decoder.decode(sequence[cut:] + b"e") == ["e"]


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(data):
    assert all(isinstance(key, str) for key in KeyDecoder().decode(data))


def test_every_key_means_one_thing_and_is_in_the_help():
    assert not set(MOTION_KEYS) & set(ACT_KEYS)
    words = set(" ".join(HELP).replace("/", " ").replace(",", " ").split())
    told = {"SPACE" if key == " " else key for key in (*MOTION_KEYS, *ACT_KEYS)} - {"=", "?"}
    assert told <= words
    assert max(map(len, HELP)) <= 110


def operator() -> OperatorInput:
    return OperatorInput(Joystick({}))


def test_the_take_key_takes_and_lets_go():
    keys = operator()
    assert not keys.update(0.0, "")
    keys.on_terminal(b"t", 0.1)
    assert keys.update(0.1, "")
    keys.on_terminal(b"t", 0.2)
    assert not keys.update(0.2, "")


def test_acts_come_in_the_order_typed():
    assert operator().on_terminal(b"ew C", 0.0) == [Act.ENABLE, Act.ESTOP, Act.RELEASE_ESTOP]


def test_a_fault_lets_go_and_is_told():
    keys = operator()
    keys.update(0.0, "")
    keys.on_terminal(b"t", 0.1)
    assert keys.update(0.1, "")
    assert not keys.update(0.2, "no joint states")
    assert keys.problem == "no joint states"
    assert not keys.update(0.3, ""), "it has to be taken anew"
    assert keys.problem == ""


def test_idling_lets_go_and_the_reason_stays_until_it_is_taken_again():
    keys = operator()
    keys.update(0.0, "")
    keys.on_terminal(b"t", 0.0)
    assert keys.update(0.1, "")
    assert not keys.update(10.2, "")
    assert not keys.update(11.0, "")
    assert keys.problem == "let go: no key for 10 s"
    keys.on_terminal(b"t", 12.0)
    assert keys.update(12.0, "")
    assert keys.problem == ""
