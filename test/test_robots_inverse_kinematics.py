"""Closed-form inverse kinematics: exact, within limits, the nearest solution, and never a jump for a small move."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from arvla_ros.robots import rotations, wx250s
from arvla_ros.robots.inverse_kinematics import UnreachableError, allowed_joint_step, solve

NEUTRAL = np.array([-0.13192235, -0.76238847, 0.44485444, -0.01994175, 1.7564081, -0.15953401])
"""BridgeData V2's neutral joints."""
SIDEWAYS = np.array([0.0, 0.001, 0.0])

shares = hnp.arrays(np.float64, 6, elements=st.floats(0, 1))


def joints_at(share: np.ndarray) -> np.ndarray:
    """Return the joints at a share ``[..., 6]`` of their ranges."""
    return wx250s.ARM_LOWER + share * (wx250s.ARM_UPPER - wx250s.ARM_LOWER)


def solve_pose(pose: np.ndarray, near: np.ndarray) -> np.ndarray:
    return solve(pose[:3, 3], rotations.from_matrix(pose[:3, :3]), near)


def away_from_singularities(joints: np.ndarray) -> bool:
    """Whether wrist and elbow are bent and the wrist centre is not above the waist."""
    pose = wx250s.forward_kinematics(joints)
    centre = pose[:3, 3] - wx250s.HAND * pose[:3, 0]
    kink = joints[2] + math.pi / 2 - math.atan2(0.04975, 0.25)
    return math.hypot(*centre[:2]) > 0.06 and abs(math.sin(joints[4])) > 0.25 and abs(math.sin(kink)) > 0.25


def test_ten_thousand_random_poses_are_reached_exactly_and_within_the_limits():
    rng = np.random.default_rng(0)
    poses = [wx250s.forward_kinematics(joints) for joints in joints_at(rng.uniform(size=(10_000, 6)))]
    for pose, near in zip(poses, joints_at(rng.uniform(size=(10_000, 6))), strict=True):
        found = solve_pose(pose, near)
        np.testing.assert_allclose(wx250s.forward_kinematics(found), pose, atol=1e-9, rtol=0)
        assert (found >= wx250s.ARM_LOWER).all()
        assert (found <= wx250s.ARM_UPPER).all()


def test_the_pose_of_ten_thousand_random_joints_leads_back_to_them():
    rng = np.random.default_rng(1)
    for joints in joints_at(rng.uniform(size=(10_000, 6))):
        found = solve_pose(wx250s.forward_kinematics(joints), near=joints)
        np.testing.assert_allclose(found, joints, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("position", "rpy", "joints"),
    [
        ([0.3, 0, 0.15], [0, math.pi / 2, 0], [0, 0.0220120, 0.1831009, 0, 1.3656834, 0]),
        ([0.12020, -0.01908, 0.24670], [-0.30253, 1.43747, -0.27989], NEUTRAL),
        ([0.22653, 0, 0.26095], [0, -0.1, 0], [0, -0.96, 1.16, 0, -0.3, 0]),
        ([0.12265, 0, 0.08126], [0, 0.55, 0], wx250s.SLEEP),
    ],
)
def test_published_poses_give_the_published_joints(position, rpy, joints):
    found = solve(np.array(position), rotations.from_rpy(np.array(rpy)), near=np.array(joints))
    np.testing.assert_allclose(found, joints, atol=3e-4)


@settings(deadline=None)
@given(shares, shares, st.integers(20, 60))
def test_along_any_path_of_the_hand_the_joints_never_jump(start, end, steps):
    """Refused poses, where the path grazes a singularity, leave the joints as they are."""
    near = joints_at(start)
    for share in np.linspace(0, 1, steps):
        pose = wx250s.forward_kinematics(joints_at(start + share * (end - start)))
        try:
            found = solve_pose(pose, near)
        except UnreachableError:
            continue
        assert np.abs(found - near).max() <= allowed_joint_step(wx250s.forward_kinematics(near), pose) + 1e-9
        np.testing.assert_allclose(wx250s.forward_kinematics(found), pose, atol=1e-9)
        near = found


@settings(deadline=None)
@given(shares, shares, st.integers(30, 60))
def test_away_from_singularities_the_joints_follow_the_path_that_the_hand_came_from(start, end, steps):
    start, end = joints_at(start), joints_at(end)
    path = [
        start + share * 0.5 * (end - start) / np.abs(end - start).max().clip(1) for share in np.linspace(0, 1, steps)
    ]
    assume(all(away_from_singularities(joints) for joints in path))
    near = path[0]
    for joints in path:
        near = solve_pose(wx250s.forward_kinematics(joints), near)
        np.testing.assert_allclose(near, joints, atol=1e-9)


@pytest.mark.parametrize("pitch", np.linspace(-0.4, 0.4, 9))
def test_the_wrist_is_led_straight_through_its_singularity(pitch):
    """Pitching up and down with a level forearm, the wrist angle passes 0 and no roll turns."""
    joints = np.array([0.0, -0.4, 0.4, 0.7, pitch, -0.2])
    near = joints - np.array([0, 0, 0, 0, 0.1, 0])
    np.testing.assert_allclose(solve_pose(wx250s.forward_kinematics(joints), near), joints, atol=1e-7)


def test_with_the_wrist_stretched_both_rolls_share_the_change():
    turned = solve_pose(wx250s.forward_kinematics(np.array([0, 0, 0, 0.5, 0, 0.1])), near=np.zeros(6))
    np.testing.assert_allclose(turned, [0, 0, 0, 0.3, 0, 0.3], atol=1e-9)


def test_above_the_waist_it_keeps_the_way_that_it_faces():
    shoulder, elbow = wx250s.bend(0.0, 0.45)[0]
    joints = np.array([0.8, shoulder, elbow, 0.0, 0.5, 0.0])
    np.testing.assert_allclose(solve_pose(wx250s.forward_kinematics(joints), near=joints), joints, atol=1e-7)


def test_a_small_sideways_move_at_the_stretched_wrist_is_refused_by_the_joint_that_would_jump():
    home = wx250s.forward_kinematics(wx250s.HOME)
    rotation = rotations.from_matrix(home[:3, :3])
    with pytest.raises(UnreachableError, match=r"would turn forearm_roll by 1\.57 rad, more than 0\.22"):
        solve(home[:3, 3] + SIDEWAYS, rotation, near=wx250s.HOME)
    bent = np.array([0, -0.6, 0.6, 0, 0.5, 0])
    pose = wx250s.forward_kinematics(bent)
    moved = solve(pose[:3, 3] + SIDEWAYS, rotations.from_matrix(pose[:3, :3]), near=bent)
    assert np.abs(moved - bent).max() < 0.02


def test_the_arm_stretches_to_its_limit_and_no_farther():
    joints = np.array([0.0, 0.6, math.atan2(0.04975, 0.25) - math.pi / 2, 0.0, 1.2, 0.0])
    pose = wx250s.forward_kinematics(joints)
    centre = pose[:3, 3] - wx250s.HAND * pose[:3, 0] - [0, 0, wx250s.SHOULDER_HEIGHT]
    outwards, rotation, near = centre / np.linalg.norm(centre), rotations.from_matrix(pose[:3, :3]), joints
    for short in np.linspace(0.05, 0.0, 11):
        # The elbow may be bent either way; stretched, both are one.
        near = solve(pose[:3, 3] - short * outwards, rotation, near)
    np.testing.assert_allclose(near, joints, atol=1e-3)
    with pytest.raises(UnreachableError, match="out of reach: the arm is too short"):
        solve(pose[:3, 3] + 0.001 * outwards, rotation, near)


def test_a_pose_beyond_a_limit_names_the_joint_its_angle_and_its_limits():
    pose = wx250s.forward_kinematics(np.array([0, 0, 0, 0, 2.3, 0]))
    with pytest.raises(UnreachableError, match=r"\(0\.194, 0\.000, 0\.242\) m is out of reach: .*wrist_angle 2\.300"):
        solve_pose(pose, near=np.array([0, 0, 0, 0, 2.1, 0]))


def test_a_full_turn_is_not_made_for_a_small_move():
    """The waist cannot go on beyond half a turn; the other side of the gap is a whole turn away."""
    joints = wx250s.gripper_down(np.array([-0.3, 0.001, 0.15]))
    pose = wx250s.forward_kinematics(joints)
    rotation = rotations.from_matrix(pose[:3, :3])
    with pytest.raises(UnreachableError, match=r"would turn waist by 6\.2"):
        solve(np.array([-0.3, -0.001, 0.15]), rotation, near=joints)


@pytest.mark.parametrize(
    ("position", "rotation", "message"),
    [
        ([math.nan, 0, 0.2], [0, 0, 0, 1], r"\(nan, 0\.000, 0\.200\) m is not finite"),
        ([0.3, 0, 0.2], [0, 0, 0, 0], "has no rotation: .*length 0"),
        ([0.3, 0, 0.2], [0, math.inf, 0, 0], "has no rotation"),
    ],
)
def test_what_is_no_pose_is_refused(position, rotation, message):
    with pytest.raises(UnreachableError, match=message):
        solve(np.array(position), np.array(rotation), near=np.zeros(6))
