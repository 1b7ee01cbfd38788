"""Rotations: quaternions, matrices and roll-pitch-yaw agree, and quaternions stay unit and continuous."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from arvla_ros.robots import rotations

turns = st.floats(-math.pi, math.pi)


@st.composite
def axes(draw) -> np.ndarray:
    axis = draw(hnp.arrays(np.float64, 3, elements=st.floats(-1, 1)))
    assume(np.linalg.norm(axis) > 0.1)
    return axis / np.linalg.norm(axis)


@st.composite
def quaternions(draw) -> np.ndarray:
    quaternion = draw(hnp.arrays(np.float64, 4, elements=st.floats(-1, 1)))
    assume(np.linalg.norm(quaternion) > 0.1)
    return rotations.unit(quaternion)


def apart(first: np.ndarray, second: np.ndarray) -> float:
    """Return the angle between two rotations in rad."""
    return rotations.angle(rotations.multiply(first, rotations.inverse(second)))


@given(quaternions())
def test_a_matrix_and_back_is_the_same_quaternion(quaternion):
    matrix = rotations.to_matrix(quaternion)
    np.testing.assert_allclose(matrix, Rotation.from_quat(quaternion).as_matrix(), atol=1e-12)
    np.testing.assert_allclose(rotations.from_matrix(matrix, near=quaternion), quaternion, atol=1e-12)


@given(quaternions(), quaternions(), hnp.arrays(np.float64, 3, elements=st.floats(-1, 1)))
def test_a_product_turns_by_its_right_factor_first(second, first, vector):
    product = rotations.rotate(rotations.multiply(second, first), vector)
    np.testing.assert_allclose(product, rotations.rotate(second, rotations.rotate(first, vector)), atol=1e-12)


@given(quaternions())
def test_the_inverse_undoes_a_rotation(quaternion):
    undone = rotations.multiply(quaternion, rotations.inverse(quaternion))
    np.testing.assert_allclose(undone, rotations.IDENTITY, atol=1e-12)


@given(hnp.arrays(np.float64, 3, elements=turns))
def test_roll_pitch_yaw_turn_about_fixed_axes_in_that_order(rpy):
    matrix = rotations.to_matrix(rotations.from_rpy(rpy))
    np.testing.assert_allclose(matrix, Rotation.from_euler("xyz", rpy).as_matrix(), atol=1e-12)


@given(quaternions())
def test_roll_pitch_yaw_and_back_is_the_same_rotation(quaternion):
    rpy = rotations.to_rpy(quaternion)
    assert abs(rpy[1]) <= math.pi / 2
    assert apart(rotations.from_rpy(rpy), quaternion) < 1e-7


@given(turns, st.sampled_from([-math.pi / 2, math.pi / 2]), turns)
def test_with_the_pitch_at_a_right_angle_roll_holds_the_whole_turn(roll, pitch, yaw):
    quaternion = rotations.from_rpy(np.array([roll, pitch, yaw]))
    rpy = rotations.to_rpy(quaternion)
    assert rpy[2] == 0.0
    assert apart(rotations.from_rpy(rpy), quaternion) < 1e-7


@given(axes(), st.floats(1e-9, 1e-3))
def test_small_rotations_survive_every_way_there_and_back(axis, turn):
    quaternion = rotations.from_axis_angle(axis, turn)
    for returned in (
        rotations.from_matrix(rotations.to_matrix(quaternion)),
        rotations.from_rpy(rotations.to_rpy(quaternion)),
        rotations.unit(quaternion.astype(np.float32)),
    ):
        assert rotations.angle(returned) == pytest.approx(turn, rel=1e-6)
        assert apart(returned, quaternion) < 1e-6 * turn + 1e-15


@given(axes(), st.integers(20, 200), quaternions())
def test_a_full_turn_never_jumps_between_the_signs_of_a_quaternion(axis, steps, start):
    quaternion = start
    for turn in np.linspace(0, 2 * math.pi, steps + 1):
        turned = rotations.multiply(rotations.from_axis_angle(axis, turn), start)
        following = rotations.from_matrix(rotations.to_matrix(turned), near=quaternion)
        # Half the angle of a step is the angle between two quaternions, and no chord is longer than its arc.
        assert np.linalg.norm(following - quaternion) <= math.pi / steps + 1e-9
        quaternion = following
    # A full turn ends at the other of the two quaternions that it began with.
    np.testing.assert_allclose(quaternion, -start, atol=1e-9)


@given(quaternions(), st.floats(1e-3, 1e3))
def test_unit_quaternions_have_length_1_and_w_not_negative(quaternion, length):
    unit = rotations.unit(-length * quaternion)
    assert np.linalg.norm(unit) == pytest.approx(1.0, abs=1e-12)
    assert unit[3] >= 0
    np.testing.assert_allclose(rotations.unit(length * quaternion, near=-quaternion), -quaternion, atol=1e-12)


@pytest.mark.parametrize(
    ("quaternion", "message"),
    [
        ([0.0, 0.0, 0.0, 0.0], r"\[0.0, 0.0, 0.0, 0.0\] has length 0, "),
        ([0.0, math.nan, 0.0, 1.0], r"\[0.0, nan, 0.0, 1.0\] has length nan"),
        ([math.inf, 0.0, 0.0, 1.0], "has length inf"),
        ([1e-7, 0.0, 0.0, 0.0], "has length 1e-07"),
    ],
)
def test_a_quaternion_without_a_direction_is_refused(quaternion, message):
    with pytest.raises(rotations.RotationError, match=message):
        rotations.unit(np.array(quaternion))


def test_angles_and_matrices_that_are_not_finite_are_refused():
    with pytest.raises(rotations.RotationError, match="length nan"):
        rotations.from_rpy(np.array([0.0, math.nan, 0.0]))
    with pytest.raises(rotations.RotationError, match="length nan"):
        rotations.from_matrix(np.full((3, 3), math.nan))
