"""From actions to joints: every action space, at every rate, and nothing that winds up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from arvla_ros.robots import rotations, wx250s
from arvla_ros.robots.action_space import JointTarget
from arvla_ros.robots.commanding import LEAD_M, LEAD_RAD, LEAD_TURN, Commander
from arvla_ros.robots.contract import ACTION_SPACES, RobotContract

START = JointTarget(wx250s.gripper_down(np.array([0.25, 0.02, 0.15])), 0.06)
WAIST = np.array([0.1, 0, 0, 0, 0, 0])
FORWARD = {
    "joint_delta": np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.05]),
    "joint_position": np.append(START.joints + WAIST, 0.05),
    "ee_delta": np.array([0.02, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.05]),
    "bridge": np.array([0.02, 0.0, 0.0, 0.0, 0.0, 0.0, 0.6]),
}


def contract_of(action_space: str) -> RobotContract:
    return replace(RobotContract.load(), action_space=action_space)


def follow(commander: Commander, contract: RobotContract, action: np.ndarray, arm: JointTarget, **more) -> JointTarget:
    state = contract.space.state(arm.joints, arm.opening)
    return commander.follow(action.astype(np.float32), state, arm, **more)


@pytest.mark.parametrize("action_space", ACTION_SPACES)
def test_the_joints_are_those_of_the_target_that_the_action_asks_for(action_space):
    contract = contract_of(action_space)
    told = follow(Commander(contract), contract, FORWARD[action_space], START)
    if action_space.startswith("joint"):
        np.testing.assert_allclose(told.joints, START.joints + WAIST, atol=1e-6)
    else:
        moved, start = wx250s.forward_kinematics(told.joints), wx250s.forward_kinematics(START.joints)
        np.testing.assert_allclose(moved[:3, 3], start[:3, 3] + [0.02, 0, 0], atol=1e-6)
        np.testing.assert_allclose(moved[:3, :3], start[:3, :3], atol=1e-6)
    assert told.opening == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize("action_space", ["joint_delta", "ee_delta", "bridge"])
@pytest.mark.parametrize("rate_hz", [10.0, 20.0, 50.0])
def test_at_a_higher_rate_than_trained_the_arm_moves_at_the_trained_speed(action_space, rate_hz):
    contract = contract_of(action_space)
    commander, arm = Commander(contract, rate_hz), START
    for _ in range(round(0.4 * rate_hz)):
        told = follow(commander, contract, FORWARD[action_space], arm)
        arm = told
    first = wx250s.forward_kinematics(START.joints)[:3, 3]
    moved = np.linalg.norm(wx250s.forward_kinematics(arm.joints)[:3, 3] - first)
    expected = 0.08 if action_space != "joint_delta" else 2 * np.hypot(*first[:2]) * np.sin(0.2)
    assert moved == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("action_space", ["ee_delta", "bridge"])
def test_a_pose_out_of_reach_holds_the_last_target_and_is_not_carried_on(action_space):
    contract = contract_of(action_space)
    commander = Commander(contract)
    told = follow(commander, contract, FORWARD[action_space], START)
    far = FORWARD[action_space].copy()
    far[0] = 2.0
    for _ in range(20):
        held = follow(commander, contract, far, told)
        np.testing.assert_allclose(held.joints, told.joints, atol=1e-12)
        assert "out of reach" in commander.problem
    back = FORWARD[action_space].copy()
    back[0] = -0.02
    returned = follow(commander, contract, back, told)
    assert commander.problem == ""
    np.testing.assert_allclose(returned.joints, START.joints, atol=1e-5)


def test_a_quaternion_that_is_no_rotation_holds_and_says_so():
    contract = contract_of("ee_delta")
    commander = Commander(contract)
    told = follow(commander, contract, np.zeros(8), START)
    np.testing.assert_array_equal(told.joints, START.joints)
    assert told.opening == START.opening
    assert "quaternion" in commander.problem


def test_beside_a_singularity_the_arm_holds_and_goes_on_where_it_can():
    contract, level = contract_of("ee_delta"), JointTarget(wx250s.HOME, 0.05)
    commander = Commander(contract)
    sideways = np.array([0.0, 0.002, 0.0, 0.0, 0.0, 0.0, 1.0, 0.05])
    held = follow(commander, contract, sideways, level)
    np.testing.assert_array_equal(held.joints, wx250s.HOME)
    assert "singularity" in commander.problem
    upwards = np.array([-0.01, 0.0, 0.002, *rotations.from_axis_angle(np.array([0.0, 1.0, 0.0]), 0.05), 0.05])
    assert np.abs(follow(commander, contract, upwards, level).joints).max() > 0.01
    assert commander.problem == ""


@pytest.mark.parametrize("action_space", ["joint_delta", "ee_delta", "bridge"])
def test_of_an_arm_that_stands_still_the_target_stays_within_its_lead(action_space):
    contract = contract_of(action_space)
    commander = Commander(contract, 50.0)
    still = wx250s.forward_kinematics(START.joints)
    for _ in range(200):
        told = follow(commander, contract, FORWARD[action_space], START)
    pose = wx250s.forward_kinematics(told.joints)
    assert np.linalg.norm(pose[:3, 3] - still[:3, 3]) <= LEAD_M + 1e-6
    # The step before it may be as far ahead as the lead allows.
    assert np.abs(told.joints - START.joints).max() <= 2 * LEAD_RAD
    turn = rotations.multiply(
        rotations.from_matrix(pose[:3, :3]), rotations.inverse(rotations.from_matrix(still[:3, :3]))
    )
    assert rotations.angle(turn) <= LEAD_TURN + 1e-6


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(ACTION_SPACES),
    hnp.arrays(np.float32, (15, 8), elements=st.floats(-4, 4, width=32)),
    st.sampled_from([5.0, 10.0, 50.0]),
    st.floats(0.01, 0.5),
)
def test_whatever_is_asked_for_no_target_moves_by_more_than_the_longest_step(action_space, actions, rate_hz, longest):
    contract = contract_of(action_space)
    commander, arm = Commander(contract, rate_hz), START
    for action in actions[:, : contract.action_size]:
        told = follow(commander, contract, action, arm, longest=longest)
        assert np.isfinite(told.joints).all()
        assert np.abs(told.joints - arm.joints).max() <= longest + 1e-9
        arm = JointTarget(told.joints, 0.05)


def test_the_same_actions_give_the_same_joints():
    contract = contract_of("bridge")

    def once() -> list[np.ndarray]:
        commander = Commander(contract, 50.0)
        return [follow(commander, contract, FORWARD["bridge"], START).joints for _ in range(10)]

    np.testing.assert_array_equal(once(), once())
