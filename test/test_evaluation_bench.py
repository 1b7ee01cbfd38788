"""The benchmark of the policy: what is printed, written and left out."""

from __future__ import annotations

import functools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from arvla_ros.evaluation.bench_policy import BenchConfig, BenchError, bench
from arvla_ros.evaluation.bench_report import CHUNK, REENCODE, REFRESH, STEP, Figures, LeftOut, Report
from arvla_ros.evaluation.policy_sizes import SIZES
from arvla_ros.evaluation.timing import Timing, memory_growth, time_in_turns
from arvla_ros.policy.devices import DeviceError

CPU = torch.device("cpu")


def figures(**timings_ms: float) -> Figures:
    timings = {name: Timing(p50, 2 * p50, 10) for name, p50 in timings_ms.items()}
    return Figures("specialist", "float32", 17_000_000, 70.0, "specialist", 24_000_000, 100.0, 30, 301, timings)


def run(folder: Path, **options: Any) -> dict[str, Any]:
    assert bench(BenchConfig(device="cpu", seconds=0.2, out=folder, **options)) == 0
    written: dict[str, Any] = json.loads((folder / "bench_policy.json").read_text())
    return written


def test_the_smallest_configuration_runs_end_to_end_and_prints_what_it_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = run(tmp_path, configurations=("reach",))
    printed = capsys.readouterr().out
    (reach,) = written["measured"]
    assert list(reach["timings"]) == [STEP, CHUNK, REENCODE, REFRESH]
    for timing in reach["timings"].values():
        assert timing["calls"] >= 1
        assert f"{timing['p50_ms']:9.3f} {timing['p99_ms']:9.3f} {timing['calls']:7d}" in printed
    assert all(f"{cost['expert_ms']:9.3f}" in printed for cost in written["cost_per_action"]["reach, float32"])
    assert all(fact in printed for fact in (written["date"], written["machine"], written["torch"]))
    assert Image.open(tmp_path / "bench_policy.png").width > 1000


def test_a_configuration_that_does_not_fit_is_named_with_what_it_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = run(tmp_path, configurations=("reach",), memory_gib=0.0001)
    assert written["measured"] == []
    assert written["left_out"] == [{"name": "reach, float32", "why": "needs 0.0037 GiB, 0.0001 GiB may be used on cpu"}]
    assert "left out: reach, float32: needs 0.0037 GiB" in capsys.readouterr().out


def test_a_refresh_that_was_not_asked_for_is_named_and_not_charged(tmp_path: Path) -> None:
    written = run(tmp_path, configurations=("reach",), refresh="none")
    assert REFRESH not in written["measured"][0]["timings"]
    assert written["left_out"] == [{"name": "reach, float32, prefix refresh", "why": "not asked for (--refresh none)"}]
    assert all(cost["refresh_ms"] is None for cost in written["cost_per_action"]["reach, float32"])


def test_an_action_is_charged_its_share_of_chunk_and_refresh() -> None:
    step, chunk, anew, reactive = figures(step=2.0, chunk=40.0, reencode=6.0, refresh=20.0).costs()
    assert (step.expert_ms, step.refresh_ms, step.total_ms) == (2.0, 5.0, 7.0)
    assert (chunk.expert_ms, chunk.refresh_ms) == (10.0, 5.0)
    assert (anew.expert_ms, anew.refresh_ms) == (6.0, 5.0)
    assert (reactive.expert_ms, reactive.refresh_ms) == (6.0, 20.0)


def test_ratios_close_the_table_and_published_figures_stand_apart_with_their_source() -> None:
    report = Report("today", "here", "2", (figures(step=2.0, chunk=40.0, reencode=6.0, refresh=20.0),), ())
    table = report.table()
    assert "5.0 times as fast as flow matching's, 3.0 times as fast as with its history encoded anew" in table
    assert "2.1 (flow matching, 4 of 8 executed), 1.6 (history encoded anew), 3.7 (history and picture anew)" in table
    measured, published = table.split("published, not measured here (AR-VLA, Table III")
    for figure in ("46.25", "84.26", "186.20"):
        assert figure in published
        assert figure not in measured


def test_a_report_without_any_measurement_is_still_written(tmp_path: Path) -> None:
    report = Report("today", "here", "2", (), (LeftOut("generalist", "too large"),))
    written, chart = report.write(tmp_path)
    assert json.loads(written.read_text())["left_out"] == [{"name": "generalist", "why": "too large"}]
    assert chart.is_file()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"configurations": ("huge",)}, "configuration 'huge' is none of reach, specialist, generalist"),
        ({"configurations": ()}, "no configuration: name some of reach, specialist, generalist"),
        ({"seconds": 0.0}, "seconds 0.0 must be positive"),
        ({"memory_gib": -1.0}, "memory_gib -1.0 and threads 0 not negative"),
        ({"threads": -2}, "threads -2 not negative"),
    ],
)
def test_impossible_options_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        BenchConfig(**fields)


def test_a_gpu_that_is_not_there_is_refused() -> None:
    missing: Any = "cuda:99"
    with pytest.raises(DeviceError, match="device 'cuda:99'"):
        bench(BenchConfig(configurations=("reach",), device=missing))


def test_callables_take_turns_and_the_first_round_does_not_count() -> None:
    called: list[str] = []

    def call(name: str) -> None:
        called.append(name)
        time.sleep(0.002)

    # Each has used up its share after one call.
    timings = time_in_turns({name: functools.partial(call, name) for name in "ab"}, seconds=0.002)
    assert called == list("abab")
    assert [timing.calls for timing in timings.values()] == [1, 1]


def test_a_slow_call_costs_a_fast_one_none_of_its_samples() -> None:
    timings = time_in_turns({"slow": lambda: time.sleep(0.05), "fast": lambda: time.sleep(0.0005)}, seconds=0.04)
    assert timings["slow"].calls == 1
    assert timings["fast"].calls > 1


def test_percentiles_are_of_the_calls_that_were_measured() -> None:
    timing = Timing.of([1_000_000 * value for value in range(101)])
    assert (timing.p50_ms, timing.p99_ms, timing.calls) == (50.0, 99.0, 101)


def test_memory_that_a_block_still_holds_is_seen() -> None:
    with memory_growth(CPU) as memory:
        held = np.ones(8 * 2**20)
    assert memory.mib == pytest.approx(held.nbytes / 2**20, abs=8)


@pytest.mark.parametrize(("name", "millions"), [("reach", 0.4), ("specialist", 17.3), ("generalist", 311.5)])
def test_experts_have_the_published_sizes(name: str, millions: float) -> None:
    assert SIZES[name]().expert_parameters() / 1e6 == pytest.approx(millions, rel=0.01)


def test_paligemma_has_three_billion_parameters() -> None:
    assert SIZES["generalist"]().backbone_parameters() / 1e9 == pytest.approx(2.92, rel=0.01)
