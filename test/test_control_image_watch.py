"""Which pictures of a camera are believed, and which of several cameras are looked at together."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvla_ros.control.image_watch import ImageLimits, ImageWatch, fingerprint, refusal

MS = 1_000_000
S = 1_000 * MS
START = 1_700_000_000 * S
LIMITS = ImageLimits(max_age_s=1.0, max_skew_s=0.1, max_lead_s=0.1, frozen_after_s=0.5)


@pytest.fixture
def watch() -> ImageWatch:
    return ImageWatch(LIMITS)


def run(watch: ImageWatch, *, seconds: float, start: int = START, delay: int = 20 * MS, **fault: int) -> int:
    """Show pictures at 10 Hz, as a healthy camera does but for ``fault``; return the time of the last."""
    now = start
    for count in range(int(seconds * 10)):
        now = start + count * 100 * MS
        stamp = fault.get("stamp", now - delay + fault.get("lead", 0))
        watch.saw(stamp, now, fault.get("pixels", hash((now, "noise"))))
    return now


def test_a_healthy_camera_is_believed_and_dated_by_its_stamps(watch):
    assert watch.saw(START - 20 * MS, START, 1) == START - 20 * MS
    now = run(watch, seconds=5, start=START + 100 * MS)
    assert watch.trouble(now + 90 * MS) == ""
    assert watch.delays_s == pytest.approx((0.02, 0.02))
    assert not watch.goes_by_receipt


def test_nothing_is_wrong_with_a_camera_that_has_shown_nothing_yet(watch):
    assert not watch.has_seen
    assert watch.trouble(START) == ""
    assert watch.delays_s is None


def test_a_silent_camera_is_noticed_after_the_longest_age(watch):
    now = run(watch, seconds=2)
    assert watch.trouble(now + 1 * S) == ""
    assert watch.trouble(now + 1100 * MS) == "silent for 1.1 s"


def test_the_same_stamp_again_is_no_new_picture(watch):
    assert watch.saw(START, START, 1) == START
    assert watch.saw(START, START + 100 * MS, 2) is None
    assert watch.counts["same_stamp"] == 1


def test_a_camera_that_repeats_its_stamp_is_frozen(watch):
    now = run(watch, seconds=1)
    now = run(watch, seconds=1.5, start=now + 100 * MS, stamp=now - 20 * MS)
    assert watch.trouble(now) == "frozen: the same stamp again and again"
    assert watch.trouble(run(watch, seconds=0.2, start=now + 100 * MS)) == ""


def test_a_camera_that_repeats_its_pixels_under_new_stamps_is_frozen(watch):
    now = run(watch, seconds=1)
    now = run(watch, seconds=1, start=now + 100 * MS, pixels=7)
    assert watch.trouble(now) == "frozen: the same pixels under new stamps for 0.9 s"
    assert watch.trouble(run(watch, seconds=0.2, start=now + 100 * MS)) == ""


def test_a_slow_camera_is_not_frozen_between_two_pictures(watch):
    watch.saw(START, START, 1)
    assert watch.trouble(START + 900 * MS) == ""


def test_where_pixels_may_repeat_only_the_stamp_tells():
    watch = ImageWatch(ImageLimits(frozen_after_s=0.0))
    assert watch.trouble(run(watch, seconds=3, pixels=7)) == ""


def test_a_camera_that_never_stamps_goes_by_the_time_of_arrival(watch):
    assert watch.saw(0, START, 1) == START
    assert watch.saw(0, START + 100 * MS, 2) == START + 100 * MS
    assert watch.goes_by_receipt
    assert watch.counts["unstamped"] == 2
    assert watch.delays_s is None


def test_a_camera_that_stops_stamping_is_not_believed_any_more(watch):
    now = run(watch, seconds=1)
    assert watch.saw(0, now + 100 * MS, 1) is None
    now = run(watch, seconds=1.5, start=now + 100 * MS, stamp=0)
    assert watch.trouble(now) == "its stamps, which it used to set, are zero"


def test_a_camera_that_begins_to_stamp_is_dated_by_its_stamps_from_then_on(watch):
    watch.saw(0, START, 1)
    assert watch.saw(START + 80 * MS, START + 100 * MS, 2) == START + 80 * MS
    assert watch.saw(0, START + 200 * MS, 3) is None


def test_a_stamp_in_the_future_is_taken_up_to_the_lead_and_refused_beyond(watch):
    assert watch.saw(START + 100 * MS, START, 1) == START + 100 * MS
    assert watch.saw(START + 202 * MS, START + 100 * MS, 2) is None
    assert watch.counts["from_future"] == 1
    now = run(watch, seconds=2, start=START + 200 * MS, lead=3600 * S)
    assert watch.trouble(now) == (
        "its stamps are 3599.980 s in the future; are the clocks of camera and this machine in step?"
    )


def test_after_the_clock_was_set_back_the_camera_is_judged_anew(watch):
    now = run(watch, seconds=2)
    assert watch.trouble(now - 3600 * S) == ""
    now = run(watch, seconds=0.3, start=now - 3600 * S)
    assert watch.trouble(now) == ""
    assert watch.trouble(now + 1100 * MS) == "silent for 1.1 s"


def test_a_negative_delay_shows_a_clock_that_is_ahead(watch):
    run(watch, seconds=1, lead=50 * MS)
    assert watch.delays_s == pytest.approx((-0.03, -0.03))


@given(
    st.lists(st.tuples(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12), st.integers(0, 2)), max_size=50)
)
def test_whatever_comes_what_is_believed_is_no_stamp_from_the_future_nor_the_one_before(pictures):
    watch, before = ImageWatch(LIMITS), None
    for stamp, now, pixels in pictures:
        captured = watch.saw(stamp, now, pixels)
        if captured is not None:
            assert captured <= now + LIMITS.max_lead_s * 1e9
            assert captured in (stamp, now)
            assert captured != before
            before = captured
        assert isinstance(watch.trouble(now), str)
    assert watch.counts["images"] == len(pictures)


def test_pictures_of_several_cameras_are_looked_at_together():
    assert refusal([START, START + 90 * MS], START + 200 * MS, None, LIMITS) is None


@pytest.mark.parametrize(
    ("captured", "name", "reason"),
    [
        ([START, START + 90 * MS], "no_new_image", ""),
        ([START - 900 * MS, START + 90 * MS], "images_too_old", "image is 1.10 s old, more than max_image_age_s 1"),
        ([START - 50 * MS, START + 60 * MS], "images_apart", "the cameras' newest images are 0.110 s apart, more than"),
    ],
)
def test_pictures_that_are_not_looked_at_are_refused_with_the_reason(captured, name, reason):
    refused = refusal(captured, START + 200 * MS, START, LIMITS)
    assert refused is not None
    assert refused.name == name
    assert refused.reason.startswith(reason)


def test_after_the_clock_was_set_back_pictures_older_than_the_last_look_are_looked_at():
    assert refusal([START - 3600 * S], START - 3600 * S, START, LIMITS) is None


@given(st.lists(st.integers(0, 3 * S), min_size=1, max_size=4), st.integers(0, 3 * S), st.integers(0, 3 * S))
def test_what_is_looked_at_is_new_young_and_together(captured, now, last):
    if refusal(captured, now, last, LIMITS) is None:
        assert min(captured) != last
        assert now - min(captured) <= LIMITS.max_age_s * 1e9
        assert max(captured) - min(captured) <= LIMITS.max_skew_s * 1e9


@pytest.mark.parametrize("shape", [(480, 640, 3), (480, 640, 2), (720, 1280, 4), (96, 128, 3), (7, 5, 3)])
def test_noise_in_any_column_or_colour_changes_the_fingerprint(shape):
    picture = np.full(shape, 100, dtype=np.uint8)
    before = fingerprint(array("B", picture.tobytes()))
    for column, channel in [(0, 0), (shape[1] // 2, 1), (shape[1] - 1, shape[2] - 1)]:
        noisy = picture.copy()
        noisy[:, column, channel] += 1
        assert fingerprint(array("B", noisy.tobytes())) != before
    assert fingerprint(picture.tobytes()) == before
