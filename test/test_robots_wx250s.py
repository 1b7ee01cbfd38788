from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvla_ros.robots import rotations, wx250s

PUBLISHED_POSES = {
    "home": ([0, 0, 0, 0, 0, 0], [0.45832, 0, 0.36065], [0, 0, 0]),
    "sleep": ([0, -1.80, 1.55, 0, 0.8, 0], [0.12265, 0, 0.08126], [0, 0.55, 0]),
    "bridge_neutral": (
        [-0.13192235, -0.76238847, 0.44485444, -0.01994175, 1.7564081, -0.15953401],
        [0.12020, -0.01908, 0.24670],
        [-0.30253, 1.43747, -0.27989],
    ),
    "simpler_env": (
        [-0.01840777, 0.0398835, 0.22242722, -0.00460194, 1.36524296, 0.00153398],
        [0.29207, -0.00609, 0.13532],
        [-3.06187, 1.51386, -3.08075],
    ),
    "aloha": ([0, -0.96, 1.16, 0, -0.3, 0], [0.22653, 0, 0.26095], [0, -0.1, 0]),
}
PUBLISHED_LINKAGE = [
    (0.010, -1.571),
    (0.015, -0.378),
    (0.0195, 0.000),
    (0.030, 0.668),
    (0.035, 1.040),
    (0.037, 1.268),
    (0.038, 1.571),
]


ZERO_POSE = np.eye(4)
ZERO_POSE[:3, 3] = (0.458325, 0, 0.36065)
SCREWS = [
    [0, 0, 1, 0, 0, 0],
    [0, 1, 0, -0.11065, 0, 0],
    [0, 1, 0, -0.36065, 0, 0.04975],
    [1, 0, 0, 0, 0.36065, 0],
    [0, 1, 0, -0.36065, 0, 0.29975],
    [1, 0, 0, 0, 0.36065, 0],
]
"""The published screw axes: rotation axis, then linear part in m, in ``base_link`` where all joints are 0."""


def exponential(screw: list[float], angle: float) -> np.ndarray:
    """Return the motion ``[4, 4]`` along a screw axis (Lynch and Park, Modern Robotics, equation 3.88)."""
    x, y, z, *linear = screw
    omega = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    motion = np.eye(4)
    motion[:3, :3] += np.sin(angle) * omega + (1 - np.cos(angle)) * omega @ omega
    along = angle * np.eye(3) + (1 - np.cos(angle)) * omega + (angle - np.sin(angle)) * omega @ omega
    motion[:3, 3] = along @ linear
    return motion


@given(st.lists(st.floats(-3.2, 3.2), min_size=6, max_size=6))
def test_forward_kinematics_is_the_product_of_exponentials_of_the_published_screw_axes(joints: list[float]) -> None:
    expected = ZERO_POSE
    for screw, angle in reversed(list(zip(SCREWS, joints, strict=True))):
        expected = exponential(screw, angle) @ expected
    np.testing.assert_allclose(wx250s.forward_kinematics(np.array(joints)), expected, atol=1e-12)


@pytest.mark.parametrize("name", PUBLISHED_POSES)
def test_forward_kinematics_gives_the_published_pose(name: str) -> None:
    joints, position, rpy = PUBLISHED_POSES[name]
    pose = wx250s.forward_kinematics(np.array(joints, dtype=float))
    np.testing.assert_allclose(pose[:3, 3], position, atol=6e-6)
    np.testing.assert_allclose(pose[:3, :3], rotations.to_matrix(rotations.from_rpy(np.array(rpy))), atol=2e-5)


def test_bridge_start_pose_is_the_closed_form_solution() -> None:
    joints = wx250s.gripper_down(np.array([0.3, 0.0, 0.15]))
    np.testing.assert_allclose(joints, [0, 0.0220120, 0.1831009, 0, 1.3656834, 0], atol=1e-6)


@given(st.floats(0.12, 0.40), st.floats(-1.2, 1.2), st.floats(0.05, 0.25))
def test_gripper_down_reaches_the_point_with_the_fingers_down(radius: float, angle: float, height: float) -> None:
    point = np.array([radius * np.cos(angle), radius * np.sin(angle), height])
    pose = wx250s.forward_kinematics(wx250s.gripper_down(point))
    np.testing.assert_allclose(pose[:3, 3], point, atol=1e-9)
    np.testing.assert_allclose(pose[:3, 0], [0, 0, -1], atol=1e-9)


def test_a_point_out_of_reach_is_refused_with_its_coordinates() -> None:
    with pytest.raises(ValueError, match=r"\(0\.700, 0\.000, 0\.100\) m is out of reach"):
        wx250s.gripper_down(np.array([0.7, 0.0, 0.1]))


def test_a_pose_beyond_a_joint_limit_names_the_joint() -> None:
    with pytest.raises(ValueError, match=r"needs wrist_rotate 4\.000 rad, beyond the limits"):
        wx250s.gripper_down(np.array([0.3, 0.0, 0.15]), wrist_rotate=4.0)


def test_the_wrong_number_of_joints_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected 6 joint angles.*\[7\]"):
        wx250s.forward_kinematics(np.zeros(7))


@pytest.mark.parametrize(("finger", "servo"), PUBLISHED_LINKAGE)
def test_gripper_linkage_gives_the_published_table(finger: float, servo: float) -> None:
    assert wx250s.servo_from_opening(2 * finger) == pytest.approx(servo, abs=6e-4)
    assert wx250s.finger_from_servo(wx250s.servo_from_opening(2 * finger)) == pytest.approx(finger, abs=1e-9)


@pytest.mark.parametrize("opening", [0.0, 0.019, 0.077, -0.05])
def test_an_opening_that_the_linkage_cannot_reach_is_refused(opening: float) -> None:
    with pytest.raises(ValueError, match=r"outside 0\.020 to 0\.076 m"):
        wx250s.servo_from_opening(opening)


def test_poses_lie_within_the_limits() -> None:
    for pose in (wx250s.HOME, wx250s.SLEEP, wx250s.READY):
        assert (pose >= wx250s.ARM_LOWER).all()
        assert (pose <= wx250s.ARM_UPPER).all()
