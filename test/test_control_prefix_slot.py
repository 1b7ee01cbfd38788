"""Which prefix is taken, which refused, and where it is anchored."""

from hypothesis import given
from hypothesis import strategies as st

from arvla_ros.control.prefix_slot import PrefixSlot
from arvla_ros.control.step_clock import StepClock

PERIOD_NS = 100_000_000


def clock_at_step(step: int) -> StepClock:
    clock = StepClock(10.0)
    clock.reset(0)
    for k in range(step + 1):
        clock.tick(k * PERIOD_NS)
    return clock


def test_a_prefix_is_anchored_at_its_capture_time_not_at_its_arrival():
    slot, clock = PrefixSlot(), clock_at_step(10)
    slot.offer("picture", 6 * PERIOD_NS + 5)
    assert slot.take(clock).anchor_step == 6


def test_prefix_older_than_the_one_held_is_refused():
    slot, clock = PrefixSlot(), clock_at_step(10)
    slot.offer("new", 6 * PERIOD_NS)
    slot.take(clock)
    assert not slot.offer("old", 5 * PERIOD_NS)
    assert not slot.offer("same", 6 * PERIOD_NS)
    assert slot.take(clock) is None
    assert slot.held.prefix == "new"
    assert slot.counts["refused_not_newer"] == 2


def test_prefix_from_before_the_reset_is_refused():
    slot, clock = PrefixSlot(), clock_at_step(3)
    clock.reset(10 * PERIOD_NS)
    clock.tick(10 * PERIOD_NS)
    slot.offer("from the episode before", 9 * PERIOD_NS)
    assert slot.take(clock) is None
    assert slot.held is None
    assert slot.counts["refused_before_reset"] == 1


def test_prefix_from_the_future_is_clamped_and_counted():
    slot, clock = PrefixSlot(), clock_at_step(3)
    slot.offer("a camera whose clock is ahead", 9 * PERIOD_NS)
    assert slot.take(clock).anchor_step == 3
    assert slot.counts["from_future"] == 1


@given(st.lists(st.integers(0, 10 * PERIOD_NS), min_size=1, max_size=30))
def test_newest_wins_whatever_the_order_of_arrival(stamps):
    slot, clock = PrefixSlot(), clock_at_step(10)
    for stamp in stamps:
        slot.offer(stamp, stamp)
    assert slot.take(clock).prefix == max(stamps)
    assert slot.take(clock) is None


def test_reset_forgets_held_and_waiting():
    slot, clock = PrefixSlot(), clock_at_step(3)
    slot.offer("held", PERIOD_NS)
    slot.take(clock)
    slot.offer("waiting", 2 * PERIOD_NS)
    slot.reset()
    assert slot.held is None
    assert slot.take(clock) is None
