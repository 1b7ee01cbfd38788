"""Rotations agree with scipy's, in all conventions."""

import itertools
import math

import numpy as np
import pytest
import tf_transformations as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation, Slerp

AXES = ["".join(axes) for axes in itertools.product("xyz", repeat=3) if axes[0] != axes[1] != axes[2]]
CONVENTIONS = [frame + axes for frame in "sr" for axes in AXES]

angles = arrays(np.float64, 3, elements=st.floats(-3.0, 3.0))
vectors = arrays(np.float64, 3, elements=st.floats(-10.0, 10.0))


def scipys(angles: np.ndarray, convention: str) -> Rotation:
    axes = convention[1:]
    return Rotation.from_euler(axes if convention[0] == "s" else axes.upper(), angles)


@given(angles, st.sampled_from(CONVENTIONS))
def test_euler_angles_mean_what_scipy_means(angles: np.ndarray, convention: str) -> None:
    expected = scipys(angles, convention).as_matrix()
    assert np.allclose(tf.euler_matrix(*angles, axes=convention)[:3, :3], expected, atol=1e-12)
    quaternion = tf.quaternion_from_euler(*angles, axes=convention)
    assert np.allclose(tf.quaternion_matrix(quaternion)[:3, :3], expected, atol=1e-12)


@given(angles, st.sampled_from(CONVENTIONS))
def test_euler_angles_come_back(angles: np.ndarray, convention: str) -> None:
    matrix = tf.euler_matrix(*angles, axes=convention)
    again = tf.euler_matrix(*tf.euler_from_matrix(matrix, convention), axes=convention)
    assert np.allclose(matrix, again, atol=1e-7)


def test_yaw_is_about_z() -> None:
    assert np.allclose(tf.quaternion_from_euler(0, 0, math.pi / 2), [0, 0, math.sqrt(0.5), math.sqrt(0.5)])
    assert np.allclose(tf.euler_from_quaternion([0, 0, math.sqrt(0.5), math.sqrt(0.5)]), [0, 0, math.pi / 2])


@given(angles, angles)
def test_product_is_one_rotation_after_the_other(first: np.ndarray, second: np.ndarray) -> None:
    p, q = tf.quaternion_from_euler(*first), tf.quaternion_from_euler(*second)
    product = tf.quaternion_matrix(tf.quaternion_multiply(p, q))
    assert np.allclose(product, tf.concatenate_matrices(tf.quaternion_matrix(p), tf.quaternion_matrix(q)))
    assert np.allclose(tf.quaternion_multiply(p, tf.quaternion_inverse(p)), [0, 0, 0, 1])
    assert np.allclose(tf.quaternion_conjugate(p), tf.quaternion_inverse(p))


@given(angles)
def test_matrices_and_quaternions_are_the_same(euler: np.ndarray) -> None:
    quaternion = tf.quaternion_from_euler(*euler)
    back = tf.quaternion_from_matrix(tf.quaternion_matrix(quaternion))
    assert np.isclose(abs(np.dot(back, quaternion)), 1.0)


@given(st.floats(1e-5, 3.0), vectors.filter(lambda v: np.linalg.norm(v) > 0.1), vectors)
def test_rotation_about_an_axis_through_a_point(angle: float, axis: np.ndarray, point: np.ndarray) -> None:
    matrix = tf.rotation_matrix(angle, axis, point)
    assert np.allclose(matrix @ [*point, 1.0], [*point, 1.0])
    expected = Rotation.from_rotvec(angle * tf.unit_vector(axis)).as_matrix()
    assert np.allclose(matrix[:3, :3], expected)
    assert np.allclose(tf.quaternion_matrix(tf.quaternion_about_axis(angle, axis))[:3, :3], expected)
    found, direction, _ = tf.rotation_from_matrix(matrix)
    assert np.allclose(Rotation.from_rotvec(found * direction).as_matrix(), expected, atol=1e-8)


@given(angles, angles, st.floats(0.0, 1.0))
def test_slerp_goes_the_shorter_way(first: np.ndarray, second: np.ndarray, fraction: float) -> None:
    p, q = tf.quaternion_from_euler(*first), tf.quaternion_from_euler(*second)
    between = Slerp([0, 1], Rotation.from_quat([p, q]))(fraction)
    assert (Rotation.from_quat(tf.quaternion_slerp(p, q, fraction)) * between.inv()).magnitude() < 1e-6


def test_translation() -> None:
    matrix = tf.translation_matrix([1, 2, 3])
    assert np.allclose(tf.translation_from_matrix(matrix), [1, 2, 3])
    assert np.allclose(tf.inverse_matrix(matrix) @ matrix, tf.identity_matrix())
    assert tf.is_same_transform(matrix, 2 * matrix)


def test_unknown_axes_are_refused() -> None:
    with pytest.raises(KeyError, match="sxxy"):
        tf.quaternion_from_euler(0, 0, 0, axes="sxxy")


def test_quaternions_that_are_computed_are_tuples() -> None:
    q = tf.quaternion_from_euler(0.1, 0.2, 0.3)
    for quaternion in (q, tf.quaternion_multiply(q, q), tf.quaternion_from_matrix(tf.quaternion_matrix(q))):
        assert isinstance(quaternion, tuple)


@given(angles)
def test_the_quaternion_of_a_matrix_has_no_negative_last_number(euler: np.ndarray) -> None:
    assert tf.quaternion_from_matrix(tf.euler_matrix(*euler))[3] >= 0.0


scales = arrays(np.float64, 3, elements=st.floats(0.2, 5.0))
shears = arrays(np.float64, 3, elements=st.floats(-2.0, 2.0))


@given(scales, shears, angles, vectors)
def test_what_a_matrix_is_composed_of_is_found_again(
    scale: np.ndarray, shear: np.ndarray, euler: np.ndarray, translation: np.ndarray
) -> None:
    matrix = tf.compose_matrix(scale, shear, euler, translation)
    again_scale, again_shear, again_angles, again_translation, _ = tf.decompose_matrix(matrix)
    assert np.allclose(again_scale, scale)
    assert np.allclose(again_shear, shear, atol=1e-6)
    assert np.allclose(again_translation, translation)
    assert np.allclose(tf.euler_matrix(*again_angles), tf.euler_matrix(*euler), atol=1e-6)


@given(vectors, vectors.filter(lambda v: np.linalg.norm(v) > 0.1), vectors)
def test_a_reflection_leaves_its_plane_and_turns_the_rest_over(
    point: np.ndarray, normal: np.ndarray, other: np.ndarray
) -> None:
    matrix = tf.reflection_matrix(point, normal)
    assert np.allclose(matrix @ [*point, 1.0], [*point, 1.0])
    assert np.allclose(matrix @ matrix @ [*other, 1.0], [*other, 1.0])
    found_point, found_normal = tf.reflection_from_matrix(matrix)
    assert np.allclose(tf.reflection_matrix(found_point, found_normal), matrix, atol=1e-6)


@given(vectors, vectors.filter(lambda v: np.linalg.norm(v) > 0.1), vectors)
def test_a_projection_ends_in_its_plane(point: np.ndarray, normal: np.ndarray, other: np.ndarray) -> None:
    projected = (tf.projection_matrix(point, normal) @ [*other, 1.0])[:3]
    assert np.isclose(np.dot(projected - point, tf.unit_vector(normal)), 0.0, atol=1e-9)
    eye = point + 3.0 * tf.unit_vector(normal)
    x, y, z, w = tf.projection_matrix(point, normal, perspective=eye) @ [*(point + np.array([0.1, 0.2, 0.3])), 1.0]
    assert np.isclose(np.dot(np.array([x, y, z]) / w - point, tf.unit_vector(normal)), 0.0, atol=1e-9)


@given(angles, vectors)
def test_points_are_superimposed(euler: np.ndarray, translation: np.ndarray) -> None:
    points = np.random.default_rng(0).normal(size=(3, 8))
    matrix = tf.compose_matrix(angles=euler, translate=translation)
    moved = (matrix @ np.vstack([points, np.ones(8)]))[:3]
    assert np.allclose(tf.superimposition_matrix(points, moved), matrix, atol=1e-9)
    assert np.allclose(tf.superimposition_matrix(points, 2 * moved, scaling=True)[:3, :3], 2 * matrix[:3, :3])


def test_scaling_is_found_again() -> None:
    factor, origin, direction = tf.scale_from_matrix(tf.scale_matrix(2.0, [1, 2, 3]))
    assert np.isclose(factor, 2.0)
    assert np.allclose(origin, [1, 2, 3])
    assert direction is None


def test_what_is_seen_is_brought_to_a_cube() -> None:
    box = tf.clip_matrix(-1, 2, -3, 4, 1, 5)
    assert np.allclose(box @ [2, 4, 5, 1], [1, 1, 1, 1])
    x, y, z, w = tf.clip_matrix(-1, 2, -3, 4, 1, 5, perspective=True) @ [2, 4, 1, 1]
    assert np.allclose(np.array([x, y, z]) / w, [1, 1, -1])
    with pytest.raises(ValueError, match="invalid frust"):
        tf.clip_matrix(1, 0, 0, 1, 1, 2)


def test_a_shear_moves_along_its_direction() -> None:
    matrix = tf.shear_matrix(math.pi / 4, [1, 0, 0], [0, 0, 0], [0, 0, 1])
    assert np.allclose(matrix @ [0, 0, 2, 1], [2, 0, 2, 1])
