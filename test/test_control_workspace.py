"""No point of the arm leaves the box, and one that is outside may only come nearer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvla_ros.control.braking import braking_path, stopping_speed
from arvla_ros.control.safety import SafetyFilter
from arvla_ros.control.workspace import Workspace
from arvla_ros.robots import wx250s

PERIOD = 0.02


def box(lower=wx250s.WORKSPACE_LOWER, upper=wx250s.WORKSPACE_UPPER) -> Workspace:
    return Workspace(wx250s.extreme_points, np.array(lower), np.array(upper))


def test_the_fingertips_are_beyond_the_hand_of_the_published_kinematics():
    joints = np.random.default_rng(0).uniform(wx250s.ARM_LOWER, wx250s.ARM_UPPER, (200, 6))
    tips = np.array([(wx250s.forward_kinematics(each) @ [0.0174, 0, 0, 1])[:3] for each in joints])
    np.testing.assert_allclose(wx250s.extreme_points(joints)[:, 2], tips, atol=1e-12)


def test_elbow_and_wrist_of_the_upright_arm_are_where_the_urdf_has_them():
    elbow, wrist, _ = wx250s.extreme_points(wx250s.HOME)
    np.testing.assert_allclose(elbow, [0.04975, 0.0, 0.36065])
    np.testing.assert_allclose(wrist, [0.29975, 0.0, 0.36065])


@pytest.mark.parametrize("pose", [wx250s.HOME, wx250s.READY, wx250s.SLEEP])
def test_the_arms_own_poses_are_inside_the_default_box(pose):
    assert box().contains(pose)


def drive(workspace: Workspace, start: np.ndarray, towards: np.ndarray, cycles: int = 200) -> tuple[np.ndarray, list]:
    safety = SafetyFilter(wx250s.LIMITS, acceleration=10.0, workspace=workspace, period_s=PERIOD)
    joints, velocity, limited = start, np.zeros(6), []
    for _ in range(cycles):
        step = safety.step(joints, velocity, (towards - joints) / 0.2, PERIOD)
        joints, velocity = step.joints, step.velocity
        limited = step.limited
    return joints, limited


def test_a_motion_into_the_table_ends_above_it():
    below = wx250s.READY.copy()
    below[1] = 1.2
    joints, limited = drive(box(), wx250s.READY, below)
    lowest = wx250s.extreme_points(joints)[:, 2].min()
    assert 0.01 <= lowest < 0.03
    assert "workspace" in limited


def test_it_is_the_elbow_that_is_kept_inside_too():
    behind = wx250s.HOME.copy()
    behind[1], behind[4] = -1.5, 1.4
    joints, _ = drive(box(lower=[-0.10, -0.65, 0.01]), wx250s.HOME, behind)
    assert wx250s.extreme_points(joints)[0, 0] == pytest.approx(-0.10, abs=0.02)


def test_from_outside_it_may_come_nearer_but_go_no_further_out():
    workspace = box(upper=[0.30, 0.65, 0.90])
    nearer, _ = drive(workspace, wx250s.HOME, wx250s.READY)
    np.testing.assert_allclose(nearer, wx250s.READY, atol=0.01)
    further = wx250s.HOME.copy()
    further[1] = 0.3
    stays, limited = drive(workspace, wx250s.HOME, further)
    np.testing.assert_allclose(stays, wx250s.HOME, atol=1e-3)
    assert "workspace" in limited


@given(st.floats(0.0, 3.0), st.floats(0.001, 0.02), st.floats(1.0, 40.0))
def test_after_a_step_at_the_stopping_speed_braking_ends_within_the_distance(distance, dt, acceleration):
    speed = stopping_speed(distance, acceleration, dt)
    path = braking_path(np.array([speed * dt]), np.array([speed]), acceleration, dt)
    assert path[-1, 0] <= distance + 1e-9
    assert np.all(np.diff(path[:, 0]) >= -1e-12)


def test_an_ideal_arm_goes_the_whole_way_in_one_step():
    assert stopping_speed(0.3, np.inf, 0.1) == pytest.approx(3.0)
    np.testing.assert_array_equal(braking_path(np.ones(2), np.ones(2), np.inf, 0.1), [[1.0, 1.0]])
