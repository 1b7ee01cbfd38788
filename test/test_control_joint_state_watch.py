"""Which joint states are believed, and which make an arm hold."""

import numpy as np
import pytest

from arvla_ros.control.clock_watch import ClockWatch
from arvla_ros.control.joint_state_watch import JointStateWatch, Reading, StateFaultError, StateRefusedError
from arvla_ros.robots import wx250s

NAMES = list(wx250s.JOINT_STATE_NAMES)
POSITIONS = [0.1, -1.2, 1.3, 0.0, 0.4, 0.0, 0.6, 0.03, -0.03]


@pytest.fixture
def watch() -> JointStateWatch:
    return JointStateWatch(wx250s.ARM_JOINTS, "left_finger")


def read(watch: JointStateWatch, names=NAMES, positions=POSITIONS, stamp: float = 10.0, age: float = 0.0) -> Reading:
    return watch.read(names, positions, stamp, age, 0.5)


def test_joints_are_found_by_name_in_any_order_among_others(watch):
    reading = read(watch, [*NAMES[::-1], "tail"], [*POSITIONS[::-1], 7.0])
    np.testing.assert_array_equal(reading.joints, POSITIONS[:6])
    assert reading.opening == 0.06
    np.testing.assert_array_equal(read(watch, stamp=10.01).joints, POSITIONS[:6])


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        ({"stamp": 0.0}, "no_stamp", "carry no stamp"),
        ({"age": 0.6}, "old", "0.60 s old by their stamp"),
        ({"age": -0.6}, "future", "0.60 s in the future by their stamp"),
        ({"names": NAMES[1:], "positions": POSITIONS[1:]}, "names", "lacks waist"),
        ({"names": ["elbow", *NAMES], "positions": [0.0, *POSITIONS]}, "names", "elbow more than once"),
        ({"names": NAMES[:-1]}, "length", "8 names but 9 positions"),
        ({"names": ["x"] * 10_000, "positions": [0.0] * 10_000}, "oversized", "has 10000 names"),
    ],
)
def test_a_reading_that_cannot_be_used_is_refused(watch, change, kind, text):
    with pytest.raises(StateRefusedError, match=text) as refused:
        read(watch, **change)
    assert refused.value.kind == kind
    assert not isinstance(refused.value, StateFaultError)


def test_a_reading_that_is_not_newer_is_refused(watch):
    read(watch)
    with pytest.raises(StateRefusedError, match="not newer"):
        read(watch)
    watch.forget()
    read(watch)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_reading_that_is_not_finite_is_a_fault(watch, bad):
    with pytest.raises(StateFaultError, match="not finite"):
        read(watch, positions=[bad, *POSITIONS[1:]])


def test_a_failed_bus_read_is_a_fault(watch):
    with pytest.raises(StateFaultError, match="failed bus read"):
        read(watch, positions=[-np.pi] * 7 + POSITIONS[7:])


def test_a_joint_that_jumps_is_a_fault_and_then_believed_where_it_stays(watch):
    read(watch)
    elsewhere = [*POSITIONS[:2], POSITIONS[2] - 1.2, *POSITIONS[3:]]
    with pytest.raises(StateFaultError, match=r"elbow jumped by 1\.20 rad in 0\.010 s"):
        read(watch, positions=elsewhere, stamp=10.01)
    assert read(watch, positions=elsewhere, stamp=10.02).joints[2] == elsewhere[2]


def test_a_joint_at_its_highest_speed_does_not_jump(watch):
    for step in range(20):
        read(watch, positions=[np.pi * 0.01 * step, *POSITIONS[1:]], stamp=10.0 + 0.01 * step)


@pytest.mark.parametrize(("by", "told"), [(0.0, ""), (0.2, ""), (5.0, "by +5.00 s"), (-5.0, "by -5.00 s")])
def test_a_jump_of_the_ros_clock_is_told_by_how_far_it_went(by, told):
    watch = ClockWatch()
    assert watch.check(100.0, 50.0) == ""
    assert told in watch.check(100.02 + by, 50.02)
    assert watch.check(100.04 + by, 50.04) == ""


def test_a_simulated_clock_that_is_slow_or_stands_still_does_not_jump():
    watch = ClockWatch()
    for tick in range(100):
        assert watch.check(10.0 + 0.001 * (tick // 2), 50.0 + 0.02 * tick) == ""
