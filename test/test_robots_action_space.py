"""Action spaces: every target comes back from the action that asks for it, and each composes by its own rule."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from arvla_ros.robots import rotations, wx250s
from arvla_ros.robots.action_space import ActionSpace, EndEffectorTarget, JointDelta, JointPosition, JointTarget
from arvla_ros.robots.contract import ACTION_SPACES, ContractError, RobotContract
from arvla_ros.robots.end_effector_space import Bridge, EndEffectorDelta

JOINT_SPACES = [JointDelta(wx250s.ARM_JOINTS), JointPosition(wx250s.ARM_JOINTS)]
EE_DELTA, BRIDGE = EndEffectorDelta(wx250s.forward_kinematics), Bridge(wx250s.forward_kinematics)
SPACES: list[ActionSpace] = [*JOINT_SPACES, EE_DELTA, BRIDGE]
NEUTRAL = np.array([-0.13192235, -0.76238847, 0.44485444, -0.01994175, 1.7564081, -0.15953401])
"""BridgeData V2's neutral joints; the values that its own code gives for them are below."""

openings = st.floats(0.02, 0.08)
positions = hnp.arrays(np.float64, 3, elements=st.floats(-0.6, 0.6))


@st.composite
def joints(draw) -> np.ndarray:
    share = draw(hnp.arrays(np.float64, 6, elements=st.floats(0, 1)))
    return wx250s.ARM_LOWER + share * (wx250s.ARM_UPPER - wx250s.ARM_LOWER)


@st.composite
def quaternions(draw) -> np.ndarray:
    axis = draw(hnp.arrays(np.float64, 3, elements=st.floats(-1, 1)).filter(lambda axis: np.linalg.norm(axis) > 0.1))
    turn = draw(st.floats(-math.pi, math.pi))
    return rotations.from_axis_angle(axis / np.linalg.norm(axis), turn)


@st.composite
def poses(draw) -> EndEffectorTarget:
    return EndEffectorTarget(draw(positions), draw(quaternions()), draw(openings))


def apart(first: np.ndarray, second: np.ndarray) -> float:
    """Return the angle between two rotations in rad."""
    return rotations.angle(rotations.multiply(first, rotations.inverse(second)))


@given(joints(), joints(), joints(), openings)
@pytest.mark.parametrize("space", JOINT_SPACES)
def test_a_joint_target_comes_back_from_its_action(space, measured, wanted, before, opening):
    state, previous = space.state(measured, 0.05), JointTarget(before, 0.03)
    target = space.target(space.action(JointTarget(wanted, opening), state, previous), state, previous)
    np.testing.assert_allclose(target.joints, wanted, atol=1e-6)
    assert target.opening == pytest.approx(opening, abs=1e-6)


@settings(deadline=None)
@given(joints(), poses(), st.none() | poses())
@pytest.mark.parametrize("space", [EE_DELTA, BRIDGE])
def test_a_pose_target_comes_back_from_its_action(space, measured, wanted, previous):
    state = space.state(measured, 0.05)
    target = space.target(space.action(wanted, state, previous), state, previous)
    np.testing.assert_allclose(target.position, wanted.position, atol=1e-6)
    assert apart(target.rotation, wanted.rotation) < 2e-6
    assert np.linalg.norm(target.rotation) == pytest.approx(1.0, abs=1e-12)
    assert target.opening == pytest.approx(wanted.opening, abs=1e-6)


@pytest.mark.parametrize("space", SPACES)
def test_names_and_units_are_as_many_as_numbers(space):
    state = space.state(NEUTRAL, 0.05)
    assert state.dtype == np.float32
    assert state.shape == (len(space.state_dimensions),)
    action = space.action(space.target(np.full(len(space.action_dimensions), 0.1), state), state)
    assert action.dtype == np.float32
    assert action.shape == (len(space.action_dimensions),)
    names = [dimension.name for dimension in space.action_dimensions]
    assert len(set(names)) == len(names)


def test_only_quaternions_are_left_as_they_are():
    scalings = {d.name: d.scaling for space in SPACES for d in (*space.state_dimensions, *space.action_dimensions)}
    assert {name for name, scaling in scalings.items() if scaling == "none"} == {
        *("qx", "qy", "qz", "qw", "dqx", "dqy", "dqz", "dqw")
    }
    assert {name for name, scaling in scalings.items() if scaling == "range"} == {"opening", "gripper"}


def test_joint_delta_starts_from_the_measured_joints_and_joint_position_does_not():
    action, state = np.full(7, 0.1), np.full(7, 0.25)
    delta, position = (space.target(action, state, JointTarget(np.ones(6), 0.0)) for space in JOINT_SPACES)
    np.testing.assert_allclose(delta.joints, np.full(6, 0.35))
    np.testing.assert_allclose(position.joints, np.full(6, 0.1))
    assert delta.opening == position.opening == pytest.approx(0.1)


def test_the_state_of_ee_delta_is_the_measured_pose():
    state = EE_DELTA.state(NEUTRAL, 0.05)
    pose = wx250s.forward_kinematics(NEUTRAL)
    np.testing.assert_allclose(state[:3], pose[:3, 3], atol=1e-7)
    np.testing.assert_allclose(rotations.to_matrix(state[3:7].astype(float)), pose[:3, :3], atol=1e-6)
    assert state[7] == pytest.approx(0.05)


@given(joints(), positions, quaternions())
def test_ee_delta_shifts_and_turns_the_measured_pose_along_the_axes_of_the_base(measured, shift, turn):
    state = EE_DELTA.state(measured, 0.05)
    target = EE_DELTA.target(np.hstack((shift, 3.0 * turn, 0.04)), state)
    np.testing.assert_allclose(target.position, state[:3] + shift, atol=1e-12)
    measured_rotation = wx250s.forward_kinematics(measured)[:3, :3]
    np.testing.assert_allclose(
        rotations.to_matrix(target.rotation), rotations.to_matrix(turn) @ measured_rotation, atol=1e-6
    )


@settings(deadline=None)
@given(joints(), st.integers(40, 120))
def test_the_quaternion_of_a_state_stays_continuous_over_a_full_turn_of_the_wrist(start, steps):
    previous = None
    for turn in np.linspace(-math.pi, math.pi, steps + 1):
        state = EE_DELTA.state(np.append(start[:5], turn), 0.05, previous)
        assert np.linalg.norm(state[3:7]) == pytest.approx(1.0, abs=1e-6)
        if previous is not None:
            assert np.linalg.norm(state[3:7] - previous[3:7]) <= math.pi / steps + 1e-6
        previous = state


@settings(deadline=None)
@given(joints(), quaternions(), st.integers(40, 120))
@pytest.mark.parametrize("space", [EE_DELTA, BRIDGE])
def test_the_quaternion_of_targets_stays_continuous_over_a_full_turn(space, measured, axis, steps):
    state, start, previous = space.state(measured, 0.05), wx250s.forward_kinematics(measured), None
    for turn in np.linspace(0, 2 * math.pi, steps + 1):
        about = rotations.from_axis_angle(rotations.rotate(axis, np.array([0.0, 0.0, 1.0])), turn)
        wanted = rotations.unit(rotations.multiply(about, rotations.from_matrix(start[:3, :3])))
        pose = EndEffectorTarget(start[:3, 3], wanted, 0.05)
        target = space.target(space.action(pose, state, previous), state, previous)
        if previous is not None:
            assert np.linalg.norm(target.rotation - previous.rotation) <= math.pi / steps + 2e-6
        previous = target


@given(quaternions(), st.floats(1e-6, 1e-4))
def test_small_turns_of_ee_delta_are_exact(axis, turn):
    state = EE_DELTA.state(NEUTRAL, 0.05)
    measured = EE_DELTA.target(np.array([0, 0, 0, 0, 0, 0, 1, 0.05]), state).rotation
    small = rotations.from_axis_angle(rotations.rotate(axis, np.array([1.0, 0.0, 0.0])), turn)
    wanted = EndEffectorTarget(state[:3].astype(float), rotations.multiply(small, measured), 0.05)
    target = EE_DELTA.target(EE_DELTA.action(wanted, state), state)
    assert apart(target.rotation, measured) == pytest.approx(turn, rel=1e-6)


@pytest.mark.parametrize("space", [EE_DELTA, BRIDGE])
def test_turns_that_are_not_rotations_are_refused(space):
    action = np.full(len(space.action_dimensions), np.nan)
    with pytest.raises(rotations.RotationError, match="length nan"):
        space.target(action, space.state(NEUTRAL, 0.05))


def test_the_quaternion_zero_is_refused():
    with pytest.raises(rotations.RotationError, match="has length 0"):
        EE_DELTA.target(np.zeros(8), EE_DELTA.state(NEUTRAL, 0.05))


@pytest.mark.parametrize(
    ("arm", "state"),
    [
        (np.zeros(6), [0.45832, 0, 0.36065, 0, -1.5708, 0]),
        (wx250s.SLEEP, [0.12265, 0, 0.08126, 0, -1.0208, 0]),
        (NEUTRAL, [0.12020, -0.01908, 0.24670, -0.03994, -0.12724, 0.02518]),
        (np.array([0, 0.0220120, 0.1831009, 0, 1.3656834, 0]), [0.3, 0, 0.15, 0, 0, 0]),
    ],
)
def test_the_state_of_bridge_is_that_of_its_own_code(arm, state):
    np.testing.assert_allclose(BRIDGE.state(arm, 0.07)[:6], state, atol=1e-4)


@pytest.mark.parametrize(("opening", "gripper"), [(0.02, 0.0), (0.07, 1.0), (0.030, 0.2), (0.074, 1.08)])
def test_the_gripper_of_bridge_is_0_closed_and_1_open(opening, gripper):
    state = BRIDGE.state(NEUTRAL, opening)
    assert state[6] == pytest.approx(gripper)
    assert BRIDGE.target(np.append(np.zeros(6), gripper), state).opening == pytest.approx(opening)


@settings(deadline=None)
@given(joints(), poses(), positions, hnp.arrays(np.float64, 3, elements=st.floats(-1.5, 1.5)))
def test_bridge_composes_on_the_target_before_with_the_pivot_at_the_measured_pose(measured, before, shift, rpy):
    state = BRIDGE.state(measured, 0.05)
    target = BRIDGE.target(np.hstack((shift, rpy, 1.0)), state, before)
    # The formula as matrices: P Δ P⁻¹ T_previous.
    pivot, delta, previous = np.eye(4), np.eye(4), np.eye(4)
    pivot[:3, 3] = state[:3]
    delta[:3, 3], delta[:3, :3] = shift, rotations.to_matrix(rotations.from_rpy(rpy))
    previous[:3, 3], previous[:3, :3] = before.position, rotations.to_matrix(before.rotation)
    composed = pivot @ delta @ np.linalg.inv(pivot) @ previous
    np.testing.assert_allclose(target.position, composed[:3, 3], atol=1e-9)
    np.testing.assert_allclose(rotations.to_matrix(target.rotation), composed[:3, :3], atol=1e-9)


def test_bridge_without_motion_keeps_its_target_however_far_the_arm_sags():
    target = BRIDGE.target(np.append(np.zeros(6), 1.0), BRIDGE.state(NEUTRAL, 0.07))
    sagged = BRIDGE.state(NEUTRAL + 0.05, 0.07)
    following = BRIDGE.target(np.append(np.zeros(6), 1.0), sagged, target)
    np.testing.assert_allclose(following.position, target.position, atol=1e-12)
    np.testing.assert_allclose(following.rotation, target.rotation, atol=1e-12)
    # A delta from the measured pose would have followed it down.
    assert np.linalg.norm(sagged[:3] - target.position) > 0.01


def contract_of(action_space: str) -> RobotContract:
    return replace(RobotContract.load(), action_space=action_space)


@pytest.mark.parametrize(
    ("action_space", "state_size", "action_size"),
    [("joint_delta", 7, 7), ("joint_position", 7, 7), ("ee_delta", 8, 8), ("bridge", 7, 7)],
)
def test_a_contract_tells_sizes_by_its_action_space(action_space, state_size, action_size):
    contract = RobotContract.from_dict(contract_of(action_space).to_dict())
    assert (contract.state_size, contract.action_size) == (state_size, action_size)
    names = [*wx250s.ARM_JOINTS, "left_finger"]
    state = contract.state(names, [*NEUTRAL, 0.025])
    np.testing.assert_array_equal(state, contract.space.state(NEUTRAL, 0.05))


def test_a_contract_keeps_the_quaternion_close_to_the_state_before():
    contract, names = contract_of("ee_delta"), [*wx250s.ARM_JOINTS, "left_finger"]
    state = contract.state(names, [*NEUTRAL, 0.025])
    other_sign = np.hstack((state[:3], -state[3:7], state[7])).astype(np.float32)
    np.testing.assert_allclose(contract.state(names, [*NEUTRAL, 0.025], other_sign), other_sign, atol=1e-6)


def test_joint_position_commands_the_action_itself():
    command = contract_of("joint_position").command(np.append(NEUTRAL, 0.05), np.zeros(7))
    np.testing.assert_allclose(command.joints, NEUTRAL)
    assert command.opening == 0.05


@pytest.mark.parametrize("action_space", ["ee_delta", "bridge"])
def test_poses_of_the_hand_are_not_taken_for_joint_commands(action_space):
    contract = contract_of(action_space)
    message = f"{action_space!r} asks for poses of the hand.*this takes joint_delta or joint_position"
    with pytest.raises(ContractError, match=message):
        contract.command(np.zeros(contract.action_size), np.zeros(contract.state_size))
    with pytest.raises(ContractError, match=message):
        contract.action(np.zeros(6), 0.05, np.zeros(contract.state_size))


def test_poses_of_an_arm_without_known_kinematics_are_refused():
    fields = {**contract_of("bridge").to_dict(), "robot": "vx300s"}
    message = "'bridge' needs the kinematics of 'vx300s' with joints waist, .*known are of wx250s with joints waist"
    with pytest.raises(ContractError, match=message):
        RobotContract.from_dict(fields)
    fields = {**contract_of("ee_delta").to_dict(), "arm_joints": ["waist"]}
    with pytest.raises(ContractError, match="'wx250s' with joints waist, but"):
        RobotContract.from_dict(fields)
    assert RobotContract.from_dict({**fields, "action_space": "joint_delta"}).state_size == 2


def test_every_action_space_has_a_class():
    assert ACTION_SPACES == ("joint_delta", "joint_position", "ee_delta", "bridge")
    assert len({type(contract_of(name).space) for name in ACTION_SPACES}) == len(ACTION_SPACES)
