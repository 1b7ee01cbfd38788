"""How often perception looks, and how long it takes."""

from __future__ import annotations

from arvla_ros.control.look_times import Look, LookTimes


def test_before_the_first_look_there_is_nothing_to_tell():
    assert LookTimes().figures(10.0) == {}


def test_rate_and_times_are_those_of_the_looks():
    times = LookTimes()
    for count in range(11):
        times.add(Look(done_s=count * 0.4, image_age_s=0.02, compute_s=0.1 + count * 0.01, ready_age_s=0.3))
    assert times.figures(4.0) == {
        "image_age_p50_p99_ms": "20.0, 20.0",
        "compute_p50_p99_ms": "150.0, 199.0",
        "ready_age_p50_p99_ms": "300.0, 300.0",
        "achieved_rate_hz": "2.50",
    }


def test_looks_of_long_ago_do_not_count():
    times = LookTimes()
    times.add(Look(0.0, 9.0, 9.0, 9.0))
    times.add(Look(100.0, 0.1, 0.1, 0.1))
    figures = times.figures(101.0)
    assert figures["compute_p50_p99_ms"] == "100.0, 100.0"
    assert "achieved_rate_hz" not in figures
    assert times.figures(200.0) == {}
