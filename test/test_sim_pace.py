"""How many periods of simulated time are due beside real time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from arvla_ros.sim.pace import LONGEST_CATCH_UP_NS, Pace

PERIOD_NS = 10_000_000
START_NS = 123_456_789
MS = 1_000_000


def take_due(pace: Pace, now_ns: int) -> int:
    due = pace.due(now_ns)
    for _ in range(due):
        pace.take()
    return due


def test_at_factor_1_a_period_is_due_when_it_has_passed() -> None:
    pace = Pace(PERIOD_NS, 1.0, START_NS)
    assert take_due(pace, START_NS + 9 * MS) == 0
    assert take_due(pace, START_NS + 10 * MS) == 1
    assert take_due(pace, START_NS + 12 * MS) == 0
    assert take_due(pace, START_NS + 40 * MS) == 3


def test_a_period_that_had_to_wait_stays_due() -> None:
    pace = Pace(PERIOD_NS, 1.0, START_NS)
    assert pace.due(START_NS + 10 * MS) == 1
    assert pace.due(START_NS + 20 * MS) == 2


def test_as_fast_as_it_can_one_period_is_always_due() -> None:
    pace = Pace(PERIOD_NS, 0.0, START_NS)
    assert [take_due(pace, START_NS) for _ in range(5)] == [1] * 5


@given(factor=st.floats(0.1, 50.0), waits_ms=st.lists(st.integers(0, 15), max_size=200))
def test_simulated_time_keeps_its_factor_over_any_short_waits(factor: float, waits_ms: list[int]) -> None:
    pace = Pace(PERIOD_NS, factor, START_NS)
    now, taken = START_NS, 0
    for wait in waits_ms:
        # No wait is so long that the simulation may give up catching up.
        now += min(wait * MS, int((LONGEST_CATCH_UP_NS - PERIOD_NS) / factor))
        taken += take_due(pace, now)
    exact = (now - START_NS) * factor / PERIOD_NS
    assert exact - 1.01 <= taken <= exact + 0.01


@given(factor=st.floats(0.1, 50.0), stall_ms=st.integers(1, 10**7))
def test_after_a_stall_it_catches_up_a_little_and_goes_on_at_its_pace(factor: float, stall_ms: int) -> None:
    pace = Pace(PERIOD_NS, factor, START_NS)
    now = START_NS + stall_ms * MS
    assert take_due(pace, now) <= LONGEST_CATCH_UP_NS // PERIOD_NS
    assert take_due(pace, now) == 0
    later = now + round(5 * PERIOD_NS / factor)
    assert 4 <= take_due(pace, later) <= 6
