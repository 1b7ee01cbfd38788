"""Slow work beside a loop that must stay live."""

from __future__ import annotations

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from arvla_ros.control.one_at_a_time import OneAtATime

PATIENCE_S = 30.0


class Work:
    """Work that takes as long as the test wants."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.failed = threading.Event()
        self.pieces = 0
        self.error: Exception | None = None
        self.doer = OneAtATime(self._do, self.failed.set, "work")

    def _do(self) -> None:
        self.pieces += 1
        self.started.release()
        assert self.may_end.acquire(timeout=PATIENCE_S)
        if self.error:
            raise self.error


def test_work_is_done_in_another_thread_and_a_wish_does_not_wait_for_it():
    work = Work()
    work.doer.wish()
    assert work.started.acquire(timeout=PATIENCE_S)
    assert work.pieces == 1
    work.may_end.release()
    assert work.doer.close(PATIENCE_S)


def test_wishes_while_work_is_under_way_are_one_wish():
    work = Work()
    work.doer.wish()
    assert work.started.acquire(timeout=PATIENCE_S)
    for _ in range(100):
        work.doer.wish()
    work.may_end.release(2)
    assert work.started.acquire(timeout=PATIENCE_S)
    assert not work.started.acquire(timeout=0.1)
    assert work.doer.close(PATIENCE_S)
    assert work.pieces == 2


def test_without_a_wish_nothing_is_done():
    work = Work()
    assert work.doer.close(PATIENCE_S)
    assert work.pieces == 0


def test_who_closes_is_told_that_work_is_still_under_way():
    work = Work()
    work.doer.wish()
    assert work.started.acquire(timeout=PATIENCE_S)
    work.doer.wish()
    assert not work.doer.close(0.01)
    assert work.doer.ending
    work.may_end.release()
    assert work.doer.close(PATIENCE_S)
    assert work.pieces == 1  # the wish that came last is not fulfilled any more


def test_a_failure_is_kept_and_told_and_ends_the_work():
    work = Work()
    work.error = MemoryError("no room for the backbone")
    work.may_end.release()
    work.doer.wish()
    assert work.failed.wait(PATIENCE_S)
    assert work.doer.failure is work.error
    assert work.doer.close(PATIENCE_S)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 50))
def test_after_the_last_wish_work_is_always_done_once_more(wishes):
    seen: list[int] = []
    wished: list[int] = []
    doer = OneAtATime(lambda: seen.append(len(wished)), lambda: None, "work")
    for wish in range(wishes):
        wished.append(wish)
        doer.wish()
    deadline = threading.Event()
    while not seen or seen[-1] != wishes:
        assert not deadline.wait(0.001)
    assert doer.close(PATIENCE_S)
    assert len(seen) <= wishes
