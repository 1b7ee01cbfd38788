"""A recorded motion sent again: slowly to its begin, then as it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvla_ros.control.replay import APPROACH_SPEED, Replay

TIMES = np.array([0.0, 0.1, 0.2, 0.5])
JOINTS = np.array([[0.0, 1.0], [0.1, 1.0], [0.2, 0.9], [0.5, 0.6]])
OPENINGS = np.array([0.07, 0.07, 0.05, 0.03])


def replay(measured: tuple[float, float] = (0.6, 1.0)) -> Replay:
    return Replay(100 + TIMES, JOINTS, OPENINGS, np.array(measured), 0.06)


def test_the_way_to_the_first_pose_is_slow_and_straight():
    plan = replay()
    assert plan.approach_s == pytest.approx(0.6 / APPROACH_SPEED)
    joints, opening = plan.command(plan.approach_s / 2)
    assert joints == pytest.approx([0.3, 1.0])
    assert opening == pytest.approx(0.065)


def test_then_every_command_comes_at_its_time_and_the_last_one_stays():
    plan = replay()
    for time, joints, opening in zip(TIMES, JOINTS, OPENINGS, strict=True):
        sent = plan.command(plan.approach_s + time)
        assert sent[0] == pytest.approx(joints)
        assert sent[1] == pytest.approx(opening)
    assert plan.command(plan.duration_s + 9)[0] == pytest.approx(JOINTS[-1])
    assert plan.command(plan.approach_s + 0.35)[0] == pytest.approx([0.35, 0.75])


@given(
    measured=st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
    times=st.lists(st.floats(0, 20), min_size=2, max_size=30).map(sorted),
)
def test_it_is_never_faster_than_the_approach_or_the_recording(measured, times):
    plan = replay(measured)
    fastest = max(APPROACH_SPEED, float((np.abs(np.diff(JOINTS, axis=0)) / np.diff(TIMES)[:, None]).max()))
    commands = [plan.command(time)[0] for time in times]
    for (before, earlier), (after, later) in zip(
        zip(commands, times, strict=True), zip(commands[1:], times[1:], strict=True), strict=False
    ):
        assert np.abs(after - before).max() <= fastest * (later - earlier) + 1e-9


@pytest.mark.parametrize(
    ("times", "joints", "message"),
    [(TIMES[:0], JOINTS[:0], "nothing was sent"), (TIMES, JOINTS * np.nan, "not finite")],
)
def test_nothing_and_nonsense_are_refused(times, joints, message):
    with pytest.raises(ValueError, match=message):
        Replay(times, joints, OPENINGS, np.zeros(2), 0.06)
