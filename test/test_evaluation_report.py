"""Figures, film and plot of a run."""

import dataclasses
import io
import math

import av
import numpy as np
import pytest
from PIL import Image

from arvla_ros.evaluation.report import ReportConfig, report
from arvla_ros.evaluation.run_log import Episode, Frame, PrefixRecord, RunLog, RunLogError, StepRecord
from arvla_ros.evaluation.summary import summarize

PERIOD_NS = 100_000_000
JOINTS = ["waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate"]


def step(k: int, late_ns: int = 0, episode_start: int = 0) -> StepRecord:
    return StepRecord(
        time_ns=episode_start + k * PERIOD_NS + late_ns,
        step=k,
        anchor_step=k - k % 4,
        staleness_steps=k % 4,
        staleness_s=0.1 * (k % 4),
        inference_s=0.001,
        mode=2,
        missed_ticks=0,
        joints=[0.1 * k] * 6,
        sent=[0.1 * k + 0.01] * 6,
    )


def jpeg() -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).resize((640, 480)).save(data, "jpeg")
    return data.getvalue()


@pytest.fixture
def log() -> RunLog:
    log = RunLog(10.0, JOINTS)
    for number in range(2):
        start = number * 5_000_000_000
        log.episodes.append(
            Episode(number, "reach the red cup", start, start + 2_000_000_000, number == 0, 0.5, "9 mm")
        )
        log.steps += [step(k, episode_start=start) for k in range(20)]
        log.prefixes += [
            PrefixRecord(start + k * 400_000_000, start + k * 400_000_000 + 30_000_000, 0.02) for k in range(5)
        ]
        log.frames += [Frame(start + k * 66_000_000, jpeg()) for k in range(10)]
    return log


def test_figures_are_those_of_the_episodes(log):
    log.steps.append(step(0, episode_start=3_000_000_000))  # between the episodes: does not count
    summary = summarize(log)
    assert (summary.episodes, summary.successes, summary.missed_ticks) == (2, 1, 0)
    assert summary.control_rate_hz == pytest.approx(10.0)
    assert summary.tick_jitter_ms.p99 == pytest.approx(0.0, abs=1e-6)
    assert summary.refresh_rate_hz == pytest.approx(2.5)
    assert (summary.staleness_steps.p50, summary.staleness_steps.p99) == (1.5, 3.0)
    assert summary.capture_to_prefix_ms.p50 == pytest.approx(30.0)


def test_jitter_is_the_distance_from_the_nominal_period(log):
    log.steps[5] = step(5, late_ns=4_000_000)
    assert summarize(log).tick_jitter_ms.p99 == pytest.approx(4.0, abs=0.1)


def test_a_run_survives_the_way_to_disk(log, tmp_path):
    log.save(tmp_path)
    assert RunLog.load(tmp_path) == log


def test_report_leaves_film_and_plot_and_fails_without_a_success(log, tmp_path, capsys):
    # For a moment nobody knew where the arm was.
    log.steps[7] = dataclasses.replace(log.steps[7], joints=[math.nan] * 6, sent=[math.nan] * 6)
    log.save(tmp_path)
    assert report(ReportConfig(tmp_path)) == 0
    assert "successes" in capsys.readouterr().out
    with av.open(str(tmp_path / "demo.mp4")) as film:
        frames = sum(1 for _ in film.decode(video=0))
    assert frames == 20
    assert Image.open(tmp_path / "demo.png").width > 1000
    log.episodes = [Episode(0, "reach the red cup", 0, 2_000_000_000, False, 0.1, "90 mm")]
    log.save(tmp_path)
    assert report(ReportConfig(tmp_path)) == 1


def test_a_folder_without_a_run_is_told(tmp_path):
    with pytest.raises(RunLogError, match=r"no run\.json; did the run end by itself"):
        RunLog.load(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "run.npz").write_bytes(b"not a zip file")
    with pytest.raises(RunLogError, match="not a run of this version"):
        RunLog.load(tmp_path)


def test_a_run_without_episodes_has_no_figures():
    with pytest.raises(RunLogError, match="no episode"):
        summarize(RunLog(10.0, JOINTS))
