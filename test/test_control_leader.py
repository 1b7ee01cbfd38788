"""An arm that follows a leader, and readings that cannot be believed, without ROS."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvla_ros.control.arm_reading import ArmReading
from arvla_ros.control.joint_state_watch import JointStateWatch
from arvla_ros.control.leader import Follower, LeaderLimits, Stir
from arvla_ros.robots import wx250s

LIMITS = LeaderLimits()
LOWER, UPPER = 0.030, 0.074
DT = 0.01
START = np.zeros(6)
NAMES = [*wx250s.ARM_JOINTS, "left_finger"]
POSE = np.array([0.4, -0.5, 0.3, 0.0, 0.2, -0.1])


def leader_reading() -> ArmReading:
    return ArmReading("/leader/joint_states", JointStateWatch(wx250s.ARM_JOINTS, "left_finger"), timeout_s=0.5)


def hear(reading: ArmReading, joints: np.ndarray, opening: float, now: float) -> bool:
    return reading.on_message(NAMES, [*joints, opening / 2], 100.0 + now, 100.0 + now, now)


def follower(start=START) -> Follower:
    arm = Follower(LIMITS, LOWER, UPPER)
    arm.take(start, 0.05)
    return arm


@given(st.lists(st.floats(-3.0, 3.0), min_size=6, max_size=6).map(np.array))
def test_the_way_to_the_leader_is_slow(pose):
    arm = follower()
    before = START
    for _ in range(20):
        joints, _ = arm.advance(pose, 0.06, DT)
        fastest = max(LIMITS.align_speed * DT, LIMITS.align_tolerance if arm.mirroring else 0.0)
        assert np.abs(joints - before).max() <= fastest + 1e-12
        before = joints


def test_it_comes_to_the_leader_and_then_repeats_it_at_once():
    arm = follower()
    cycles = 0
    while not arm.mirroring:
        arm.advance(POSE, 0.06, DT)
        cycles += 1
        assert cycles < 1000
    assert cycles * DT == pytest.approx((0.5 - LIMITS.align_tolerance) / LIMITS.align_speed, rel=0.05)
    joints, _ = arm.advance(POSE + 0.1, 0.06, DT)
    np.testing.assert_array_equal(joints, POSE + 0.1)


def test_on_the_way_the_exact_difference_can_be_read():
    arm = follower()
    arm.advance(POSE, 0.06, DT)
    np.testing.assert_allclose(arm.difference, POSE)


def test_the_gripper_keeps_its_grasp_until_the_arm_mirrors():
    arm = follower()
    assert arm.advance(POSE, 0.03, DT)[1] == 0.05
    arm.take(POSE, 0.05)
    assert arm.advance(POSE, LIMITS.leader_gripper_closed, DT)[1] == pytest.approx(LOWER)


@pytest.mark.parametrize(("leader", "own"), [(0.02, LOWER), (0.052, 0.052), (0.074, UPPER), (0.1, UPPER)])
def test_the_gripper_is_mapped_by_the_share_that_it_is_open(leader, own):
    assert follower(POSE).advance(POSE, leader, DT)[1] == pytest.approx(own)


def test_a_leader_that_jumps_is_approached_anew():
    arm = follower(POSE)
    arm.advance(POSE, 0.06, DT)
    assert arm.mirroring
    joints, _ = arm.advance(POSE + 1.0, 0.06, DT)
    assert not arm.mirroring
    assert np.abs(joints - POSE).max() <= LIMITS.align_speed * DT + 1e-12


def test_a_leader_that_trembles_is_not_moved_but_one_that_creeps_is():
    stir = Stir()
    assert stir.moved(POSE)
    assert not any(stir.moved(POSE + tremble) for tremble in (0.003, -0.003) * 20)
    assert any(stir.moved(POSE + 0.003 * step) for step in range(10))


def test_taken_again_it_goes_slowly_again():
    arm = follower(POSE)
    arm.advance(POSE, 0.06, DT)
    arm.release()
    assert not arm.taken
    with pytest.raises(ValueError, match=r"before take\(\)"):
        arm.advance(POSE, 0.06, DT)


@pytest.mark.parametrize(
    ("joints", "opening", "words"),
    [
        (np.full(6, -np.pi), 0.05, "failed bus read"),
        (np.full(6, np.nan), 0.05, "not finite"),
        (POSE, np.nan, "not finite"),
        (POSE + 2.0, 0.06, "waist jumped by 2.00 rad"),
    ],
)
def test_a_reading_that_cannot_be_believed_is_a_fault_and_changes_nothing(joints, opening, words):
    reading = leader_reading()
    assert "no /leader/joint_states yet" in reading.fault(0.0)
    assert hear(reading, POSE, 0.06, 1.0)
    assert reading.fault(1.0) == ""
    assert not hear(reading, joints, opening, 1.1)
    assert words in reading.fault(1.1)
    np.testing.assert_array_equal(reading.joints, POSE)
    assert reading.opening == 0.06
    for now in (1.2, 1.3):
        hear(reading, POSE, 0.06, now)
    assert reading.fault(1.3) == ""


def test_a_clock_that_was_set_back_does_not_silence_an_arm():
    reading = leader_reading()
    hear(reading, POSE, 0.06, 1.0)
    assert reading.on_message(NAMES, [*POSE, 0.03], 50.0, 50.0, 1.01)


def test_a_silent_arm_is_a_fault():
    reading = leader_reading()
    hear(reading, POSE, 0.06, 1.0)
    assert reading.fault(1.4) == ""
    assert "for more than 0.5 s: is the driver running?" in reading.fault(1.6)


def test_an_arm_that_says_nothing_of_use_is_silent_and_the_reason_is_told():
    reading = leader_reading()
    hear(reading, POSE, 0.06, 1.0)
    reading.on_message(NAMES[:-1], POSE.tolist(), 101.3, 101.3, 1.3)
    assert reading.fault(1.3) == "", "one message that is of no use stops nothing"
    assert "for more than 0.5 s: joint state lacks left_finger" in reading.fault(1.6)
