"""Steps at a regular rate from messages that jitter, pause, come late, twice or out of order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvla_ros.episodes.layout import DatasetError
from arvla_ros.episodes.timeline import NS, Timeline, ascending

MS = 1_000_000
# Not near zero, where a time in seconds as a float would be exact.
EPOCH = 1_790_000_000 * NS


@st.composite
def streams(draw):
    """Draw a camera that starts late, jitters and pauses, and joint states at another rate."""
    start = draw(st.integers(0, 500)) * MS
    period = draw(st.sampled_from([33, 66, 100])) * MS
    jitter = st.integers(-period // 4, period // 4)
    camera = [EPOCH + start + k * period + draw(jitter) for k in range(draw(st.integers(20, 60)))]
    gap = draw(st.integers(0, len(camera) - 10))
    del camera[gap : gap + draw(st.integers(0, 9))]
    joints = [EPOCH + k * 10 * MS + draw(st.integers(-2 * MS, 2 * MS)) for k in range(800)]
    return {"camera": ascending(camera)[0], "joints": ascending(joints)[0]}


@given(streams(), st.sampled_from([5.0, 10.0, 50.0]))
def test_every_step_takes_the_nearest_message_and_only_a_gap_puts_it_farther_than_half_a_period(topics, rate_hz):
    timeline = Timeline.common(topics, rate_hz)
    for stamps in topics.values():
        taken = stamps[timeline.nearest(stamps)]
        distance = np.abs(taken - timeline.steps)
        assert (distance == np.abs(stamps[None] - timeline.steps[:, None]).min(1)).all()
        assert (timeline.gaps(stamps) == (distance > timeline.half_period_ns)).all()


@given(streams(), st.sampled_from([5.0, 10.0, 50.0]))
def test_steps_are_regular_to_a_nanosecond_and_lie_where_all_topics_speak(topics, rate_hz):
    timeline = Timeline.common(topics, rate_hz)
    steps = timeline.steps - timeline.steps[0]
    assert (np.abs(steps - np.arange(len(steps)) * NS / rate_hz) <= 0.5).all()
    assert timeline.steps[0] == max(stamps[0] for stamps in topics.values())
    assert timeline.steps[-1] <= min(stamps[-1] for stamps in topics.values()) < timeline.steps[-1] + NS / rate_hz + 1


@given(streams())
def test_a_command_belongs_to_the_step_that_it_ends(topics):
    timeline = Timeline.common(topics, 10.0)
    stamps = topics["joints"]
    for step, index in zip(timeline.steps, timeline.last_before_end(stamps), strict=True):
        before = stamps[stamps < step + 100 * MS]
        assert (stamps[index] == before[-1]) if len(before) else index == -1


def test_what_was_commanded_before_the_first_command_is_nothing():
    timeline = Timeline(np.array([0, 100, 200]) * MS, 10.0)
    assert timeline.last_before_end(np.array([150, 180, 300]) * MS).tolist() == [-1, 1, 1]


def test_messages_that_came_twice_or_late_are_put_in_order_once():
    stamps, places = ascending([30, 10, 20, 10, 40])
    assert stamps.tolist() == [10, 20, 30, 40]
    assert places.tolist() == [1, 2, 0, 4]


@pytest.mark.parametrize(
    ("topics", "message"),
    [
        ({"/a": [1], "/b": []}, "no message on /b"),
        (
            {"/a": [0, NS], "/b": [NS, 3 * NS]},
            r"speak together for 0\.00 s, less than a step of 0\.1 s: /b begins last",
        ),
    ],
)
def test_topics_that_never_speak_together_are_named(topics, message):
    with pytest.raises(DatasetError, match=message):
        Timeline.common({name: np.array(stamps, dtype=np.int64) for name, stamps in topics.items()}, 10.0)
