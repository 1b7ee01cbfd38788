"""One picture and the figures of a recorded run, also of one that was cut off or lacks half of its topics."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image
from rosbags.rosbag2 import StoragePlugin
from run_bags import AGE, GUARD_RATE, HOLD, SECONDS, WAIST_SPEED, write_bag

from arvla_ros import cli
from arvla_ros.episodes.bags import Bag, BagError
from arvla_ros.episodes.layout import DatasetError
from arvla_ros.evaluation.bag_run import read_run
from arvla_ros.evaluation.plot_run import PlotRunConfig, plot_run
from arvla_ros.evaluation.run_figures import figures, jerk, speed
from arvla_ros.evaluation.run_tracks import GuardTrack


@pytest.fixture(scope="module")
def bag(tmp_path_factory) -> Path:
    return write_bag(tmp_path_factory.mktemp("bags") / "run")


def test_figures_are_those_of_the_run(bag):
    found = figures(read_run(bag))
    control, guard, motion = found["control"], found["guard"], found["motion"]
    assert (control["steps"], control["missed_ticks"]) == (60, 1)
    assert control["rate_hz"] == pytest.approx(10.0)
    assert control["inference_ms"]["p50"] == pytest.approx(4.0)
    assert control["staleness_ms"]["p99"] == pytest.approx(200.0)
    for name, age in AGE.items():
        assert found["age_ms"][name]["p50"] == pytest.approx(1e3 * age), name
    assert (guard["refused"], guard["limited"]) == (2, {"step:waist": 30})
    assert guard["rate_hz"] == pytest.approx(GUARD_RATE)
    assert motion["speed_rad_s"]["p50"] == pytest.approx(WAIST_SPEED)
    assert motion["tracking_error_rad"]["p50"] == pytest.approx(0.02)
    assert motion["changed_by_guard_rad"]["max"] == pytest.approx(0.01)
    assert found["instructions"] == ["cover the battery"]
    assert found["rates_hz"]["/guard/state"] == pytest.approx(GUARD_RATE, rel=0.02)


def test_holds_are_counted_by_reason_whatever_its_numbers_are(bag):
    found = figures(read_run(bag))
    (held,) = found["guard"]["holds"]
    assert (held["mode"], held["count"], held["reason"]) == ("HOLD", 1, "no command for 0.50 s")
    assert held["seconds"] == pytest.approx(HOLD[1] - HOLD[0], abs=0.03)
    (late,) = found["control"]["holds"]
    assert (late["mode"], late["reason"]) == ("LATE", "picture 1.7 s old")


def guard_track(seconds: np.ndarray, waist: np.ndarray) -> GuardTrack:
    count = len(seconds)
    sent = np.zeros((count, 7))
    sent[:, 0] = waist
    no_ages = np.full((count, 4), np.nan)
    zeros = np.zeros(count, int)
    return GuardTrack(seconds, zeros, [""] * count, no_ages, sent, sent, [()] * count, zeros, False)


def test_jerk_is_the_third_derivative_of_what_was_sent():
    seconds = np.arange(100) * 0.02
    track = guard_track(seconds, 0.5 * seconds**3)
    assert np.isnan(jerk(track)[:3]).all()
    np.testing.assert_allclose(jerk(track)[3:, 0], 3.0, rtol=1e-6)
    np.testing.assert_allclose(jerk(track)[3:, 1:], 0.0)


def test_no_derivative_is_taken_across_a_gap():
    seconds = np.hstack((np.arange(50) * 0.02, 5.0 + np.arange(50) * 0.02))
    track = guard_track(seconds, np.where(seconds < 4, 0.0, 2.0))
    assert np.nanmax(np.abs(speed(track))) == 0.0
    assert np.isnan(jerk(track)[50:53]).all()


def test_sqlite_bags_are_read_too(bag, tmp_path):
    stored = figures(read_run(write_bag(tmp_path / "run", StoragePlugin.SQLITE3)))
    assert stored["guard"] == figures(read_run(bag))["guard"]


def test_time_counts_by_stamps_whenever_messages_were_received(bag, tmp_path):
    late = read_run(write_bag(tmp_path / "run", delay_s=30.0))
    punctual = read_run(bag)
    np.testing.assert_array_equal(late.guard.seconds, punctual.guard.seconds)
    assert late.instructions[0][0] == pytest.approx(0.5, abs=0.02)


def test_a_part_of_the_run_can_be_asked_for(bag):
    part = read_run(bag, begin_s=2.5, end_s=4.5)
    assert (part.guard.seconds.min(), part.guard.seconds.max()) == (2.5, 4.5)
    assert part.steps.missed[-1] - part.steps.missed[0] == 0


def test_the_picture_is_1600_pixels_wide_and_the_figures_lie_beside_it(bag, tmp_path, capsys):
    out = tmp_path / "deep" / "run.png"
    assert plot_run(PlotRunConfig(bag, out)) == 0
    with Image.open(out) as picture:
        assert picture.width == 1600
        assert len(picture.convert("RGB").getcolors(10**7)) > 50
    assert json.loads(out.with_suffix(".json").read_text())["guard"]["refused"] == 2
    told = capsys.readouterr().out
    assert "hold 1 x, 1.0 s: no command for 0.50 s" in told
    assert "capture to sent" in told


def test_no_text_of_the_picture_lies_on_another(bag, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(pyplot, "close", drawn.append)
    plot_run(PlotRunConfig(bag, tmp_path / "run.png"))
    (figure,) = drawn
    renderer = figure.canvas.get_renderer()
    boxes = []
    for axes in figure.axes:
        for text in [axes.yaxis.label, axes.xaxis.label, *(axes.get_legend().get_texts() if axes.get_legend() else ())]:
            if text.get_text():
                boxes.append((text.get_text(), text.get_window_extent(renderer)))
        boxes += [("panel", axes.get_window_extent(renderer))]
    boxes += [(text.get_text(), text.get_window_extent(renderer)) for text in figure.texts]
    for number, (name, box) in enumerate(boxes):
        for other, second in boxes[:number]:
            assert not box.padded(-1).overlaps(second.padded(-1)), (name, other)


@pytest.mark.parametrize(
    "without",
    [
        ("/guard/state",),
        ("/action_expert/step",),
        ("/wx250s/joint_states", "/instruction"),
        ("/guard/state", "/wx250s/joint_states"),
        ("/guard/state", "/action_expert/step"),
    ],
)
def test_panels_without_their_topic_say_so(tmp_path, without, monkeypatch):
    drawn = []
    monkeypatch.setattr(pyplot, "close", drawn.append)
    bag = write_bag(tmp_path / "run", without=without)
    assert plot_run(PlotRunConfig(bag, tmp_path / "run.png")) == 0
    said = " ".join(text.get_text() for axes in drawn[0].axes for text in axes.texts)
    for topic in set(without) & {"/guard/state", "/action_expert/step"}:
        assert f"no message on {topic}" in said
    found = json.loads((tmp_path / "run.json").read_text())
    assert (found["guard"] is None, found["control"] is None) == (
        "/guard/state" in without,
        "/action_expert/step" in without,
    )


def cut(bag: Path, share: float, metadata: bool) -> Path:
    """Leave the first part of a bag's file, as a recording that was killed does."""
    (file,) = bag.glob("*.mcap")
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    if not metadata:
        (bag / "metadata.yaml").unlink()
    return bag


@pytest.mark.parametrize("metadata", [True, False])
def test_what_is_whole_of_a_bag_that_was_cut_off_is_read_with_a_warning(tmp_path, metadata, capsys):
    bag = cut(write_bag(tmp_path / "run", seconds=30.0), 0.6, metadata)
    before = {path.name: path.read_bytes() for path in bag.iterdir()}
    with pytest.raises(BagError):
        Bag(bag)
    assert plot_run(PlotRunConfig(bag, tmp_path / "run.png")) == 0
    assert "warning: run.mcap ends in the middle of a record" in capsys.readouterr().out
    found = json.loads((tmp_path / "run.json").read_text())
    assert 5.0 < found["end_s"] < 29.0
    assert found["warnings"]
    assert {path.name: path.read_bytes() for path in bag.iterdir()} == before


def test_a_bag_of_which_nothing_is_whole_is_refused(tmp_path):
    with pytest.raises(BagError, match="no message is whole"):
        read_run(cut(write_bag(tmp_path / "run"), 0.001, metadata=True))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere is no bag: there is no such folder"),
        (["."], "is no bag: it has no metadata.yaml"),
        (["run", "--start", "50"], "no message on .* from 50 s"),
    ],
)
def test_bad_input_is_one_line(bag, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").symlink_to(bag)
    monkeypatch.setattr(sys, "argv", ["arvla", "plot", "run", *words])
    assert cli.main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("arvla plot run: ")
    assert re.search(message, line)


def test_a_part_that_ends_before_it_begins_is_refused(bag):
    with pytest.raises(DatasetError, match="--start 5 must not be negative, and be less than --end 4"):
        PlotRunConfig(bag, start=5.0, end=4.0)


def test_another_robot_name_is_asked_for_by_prefix(bag, tmp_path):
    run = read_run(bag, "other")
    assert run.joints is None
    assert run.guard is not None
    assert len(run.guard.seconds) == SECONDS * GUARD_RATE
    with pytest.raises(DatasetError, match="/other/joint_states"):
        read_run(write_bag(tmp_path / "run", without=("/guard/state", "/action_expert/step", "/instruction")), "other")
