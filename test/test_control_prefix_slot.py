"""Which prefix is taken, which refused, and where it is anchored."""

import math
import threading

import pytest
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
    slot.offer("old", 5 * PERIOD_NS)
    slot.offer("same", 6 * PERIOD_NS)
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


def test_a_camera_whose_clock_is_ahead_neither_looks_fresh_for_longer_nor_shuts_out_later_pictures():
    slot, clock = PrefixSlot(), clock_at_step(3)
    slot.offer("half a second ahead", 8 * PERIOD_NS)
    assert slot.take(clock).captured_ns == 3 * PERIOD_NS
    slot.offer("the same once more", 8 * PERIOD_NS)
    clock.tick(4 * PERIOD_NS)
    assert slot.take(clock) is None
    slot.offer("a right one", 3 * PERIOD_NS + 1)
    assert slot.take(clock).prefix == "a right one"


def test_a_stamp_so_far_ahead_that_it_tells_no_age_is_refused():
    slot, clock = PrefixSlot(), clock_at_step(3)
    slot.offer("of the next hour", 36_000 * PERIOD_NS)
    assert slot.take(clock) is None
    assert slot.counts["refused_far_future"] == 1


def test_a_stamp_up_to_a_tick_ahead_is_two_clocks_that_differ():
    slot, clock = PrefixSlot(), clock_at_step(3)
    slot.offer("picture", 4 * PERIOD_NS)
    assert slot.take(clock).anchor_step == 3
    assert slot.counts["from_future"] == 0


def test_a_prefix_without_a_stamp_is_refused():
    slot, clock = PrefixSlot(), clock_at_step(3)
    slot.offer("picture", 0)
    assert slot.take(clock) is None
    assert slot.counts["refused_no_stamp"] == 1


@pytest.mark.parametrize(("told", "kept"), [(0.15, 0.15), (-1.0, -1.0), (math.nan, -1.0), (math.inf, -1.0)])
def test_the_ages_of_a_prefix_go_with_it(told, kept):
    slot, clock = PrefixSlot(), clock_at_step(3)
    slot.offer("picture", PERIOD_NS, told)
    held = slot.take(clock)
    assert (held.ready_age_s, held.first_used_s) == (kept, pytest.approx(0.2))


@given(st.lists(st.integers(1, 10 * PERIOD_NS), min_size=1, max_size=30), st.integers(1, 4))
def test_newest_wins_whatever_the_order_of_arrival(stamps, at_once):
    slot, clock = PrefixSlot(), clock_at_step(10)
    for first in range(0, len(stamps), at_once):
        for stamp in stamps[first : first + at_once]:
            slot.offer(stamp, stamp)
        slot.take(clock)
        assert slot.held.prefix == max(stamps[: first + at_once])
    assert slot.take(clock) is None


def test_prefixes_that_another_thread_hands_over_arrive_whole_and_in_order():
    slot, clock = PrefixSlot(), clock_at_step(0)
    stamps = range(1, 2001)
    thread = threading.Thread(target=lambda: [slot.offer(stamp, stamp * PERIOD_NS) for stamp in stamps])
    thread.start()
    taken, step = [], 0
    while thread.is_alive() or slot.held is None or slot.held.prefix != 2000:
        step += 1
        clock.tick(10_000 * PERIOD_NS + step * PERIOD_NS)
        fresh = slot.take(clock)
        taken += [fresh] if fresh else []
    thread.join()
    assert all(held.stamp_ns == held.prefix * PERIOD_NS for held in taken)
    assert [held.prefix for held in taken] == sorted(held.prefix for held in taken)


def test_reset_forgets_held_and_waiting():
    slot, clock = PrefixSlot(), clock_at_step(3)
    slot.offer("held", PERIOD_NS)
    slot.take(clock)
    slot.offer("waiting", 2 * PERIOD_NS)
    slot.reset()
    assert slot.held is None
    assert slot.take(clock) is None
