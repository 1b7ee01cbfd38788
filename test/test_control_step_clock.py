"""Steps and anchors on the control timeline."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvla_ros.control.step_clock import ClockJumpError, StepClock

PERIOD_NS = 100_000_000  # 10 Hz


def started(now_ns: int = 0) -> StepClock:
    clock = StepClock(10.0)
    clock.reset(now_ns)
    clock.tick(now_ns)
    return clock


def test_first_tick_after_a_reset_is_step_zero():
    clock = StepClock(10.0)
    clock.reset(5)
    assert clock.tick(123_456).step == 0


@given(st.lists(st.floats(0, 0.4), min_size=1, max_size=60), st.integers(0, 2**62))
def test_jitter_below_half_a_period_changes_no_step(jitter, start_ns):
    clock = StepClock(10.0)
    clock.reset(start_ns)
    steps = [clock.tick(start_ns + k * PERIOD_NS + round(late * PERIOD_NS)).step for k, late in enumerate(jitter)]
    assert steps == list(range(len(jitter)))
    assert clock.missed_total == 0


def test_a_late_first_tick_does_not_shift_the_timeline():
    clock = StepClock(10.0)
    clock.reset(0)
    late_ns = round(0.4 * PERIOD_NS)
    assert [clock.tick(k * PERIOD_NS + (late_ns if k == 0 else 0)).step for k in range(5)] == [0, 1, 2, 3, 4]
    assert clock.tick(6 * PERIOD_NS - 1).step == 5, "nearly a period late is still its own step"
    assert clock.tick(6 * PERIOD_NS).step == 6


def test_missed_ticks_are_counted_and_the_step_index_follows_the_clock():
    clock = started()
    tick = clock.tick(5 * PERIOD_NS + 1000)
    assert (tick.step, tick.missed) == (5, 4)
    assert clock.tick(6 * PERIOD_NS).missed == 0
    assert clock.missed_total == 4


def test_a_timer_that_fires_twice_in_one_period_runs_one_step():
    clock = started()
    assert clock.tick(PERIOD_NS).step == 1
    assert clock.tick(PERIOD_NS + PERIOD_NS // 10) is None
    assert clock.tick(2 * PERIOD_NS).step == 2


def test_a_clock_that_goes_back_is_an_error():
    clock = started(PERIOD_NS)
    with pytest.raises(ClockJumpError, match=r"went back by 0\.050 s"):
        clock.tick(PERIOD_NS // 2)


@given(
    st.lists(st.floats(0, 0.4), min_size=2, max_size=50),
    st.data(),
)
def test_anchor_is_the_step_whose_tick_interval_holds_the_stamp(jitter, data):
    clock = StepClock(10.0)
    clock.reset(0)
    times = [k * PERIOD_NS + round(late * PERIOD_NS) for k, late in enumerate(jitter)]
    for time_ns in times:
        clock.tick(time_ns)
    stamp = data.draw(st.integers(times[0], times[-1] - 1))
    anchor = clock.anchor(stamp)
    assert times[anchor.step] <= stamp < times[anchor.step + 1]
    assert not anchor.from_future


def test_missed_steps_hold_stamps_too():
    clock = started()
    clock.tick(10 * PERIOD_NS)
    assert clock.anchor(round(7.5 * PERIOD_NS)).step == 7


def test_a_stamp_older_than_the_reset_has_no_anchor():
    clock = started(PERIOD_NS)
    assert clock.anchor(PERIOD_NS - 1) is None


def test_a_stamp_between_reset_and_first_tick_belongs_to_the_step_before():
    clock = StepClock(10.0)
    clock.reset(0)
    clock.tick(PERIOD_NS // 2)
    assert clock.anchor(PERIOD_NS // 4).step == -1


def test_a_stamp_in_the_future_is_clamped_and_told_apart_beyond_one_tick():
    clock = started()
    assert clock.anchor(PERIOD_NS // 2).from_future is False
    far = clock.anchor(3 * PERIOD_NS)
    assert (far.step, far.from_future) == (0, True)


def test_steps_go_on_for_days():
    clock = started()
    day_ns = 86_400 * 1_000_000_000
    clock.tick(7 * day_ns - PERIOD_NS)
    assert clock.tick(7 * day_ns).step == 7 * 864_000
    assert clock.anchor(7 * day_ns - 3 * PERIOD_NS).step == 7 * 864_000 - 3
