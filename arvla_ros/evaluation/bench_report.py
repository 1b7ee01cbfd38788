"""What ``arvla bench policy`` found: figures by configuration, as a table, JSON and a bar chart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from arvla_ros.evaluation.timing import Timing

STEP, CHUNK, REENCODE, REFRESH = "step", "chunk", "reencode", "refresh"
"""What is timed; the keys of ``Figures.timings``."""

HORIZON, EXECUTED, EULER_STEPS, REFRESH_EVERY = 8, 4, 10, 4
"""Actions in a flow-matching chunk, how many of them are executed, its denoising steps, and actions between two looks:
as in Table III of AR-VLA."""


@dataclass(frozen=True)
class Cost:
    """What one way of making actions costs for each executed action, in ms.

    Attributes:
        way: for people.
        expert_ms: the expert's share.
        refresh_ms: the backbone's share; None where no refresh was measured.
    """

    way: str
    expert_ms: float
    refresh_ms: float | None

    @property
    def total_ms(self) -> float:
        """Both shares; the expert's alone where no refresh was measured."""
        return self.expert_ms + (self.refresh_ms or 0.0)


PUBLISHED = (
    Cost("autoregressive step, looks every 4", 28.86, 69.56 / 4),
    Cost("flow matching, 4 executed", 267.28 / 4, 69.77 / 4),
    Cost("FAST tokens, 4 executed", 186.20, None),  # 744.78 ms a chunk, by the backbone and its head together
)
"""AR-VLA, Table III: PaliGemma-3B and a 300M expert on the authors' GPU."""


@dataclass(frozen=True)
class Figures:
    """What was measured of one configuration.

    Attributes:
        name: of the configuration.
        dtype: name of its weights' type.
        expert_parameters: how many.
        expert_mib: memory of expert, cache and prefix, in use.
        backbone: its kind; empty where no refresh was measured.
        backbone_parameters: how many.
        backbone_mib: memory of the backbone, in use.
        history_length: steps in the expert's history.
        prefix_tokens: tokens in the prefix.
        timings: by ``STEP``, ``CHUNK``, ``REENCODE`` and, where it was measured, ``REFRESH``.
    """

    name: str
    dtype: str
    expert_parameters: int
    expert_mib: float
    backbone: str
    backbone_parameters: int
    backbone_mib: float
    history_length: int
    prefix_tokens: int
    timings: dict[str, Timing]

    @property
    def title(self) -> str:
        """Name and type."""
        return f"{self.name}, {self.dtype}"

    def costs(self) -> tuple[Cost, ...]:
        """Return what an executed action costs in each way, ours first; medians."""
        step, chunk, anew = (self.timings[name].p50_ms for name in (STEP, CHUNK, REENCODE))
        look = self.timings[REFRESH].p50_ms if REFRESH in self.timings else None
        shared = None if look is None else look / REFRESH_EVERY
        costs = (
            Cost("autoregressive step", step, shared),
            Cost(f"flow matching, {EXECUTED} of {HORIZON} executed", chunk / EXECUTED, shared),
            Cost("history encoded anew", anew, shared),
        )
        return costs if look is None else (*costs, Cost("history and picture anew", anew, look))


@dataclass(frozen=True)
class LeftOut:
    """A measurement that was not made, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Report:
    """All figures of one run, and what they were measured with."""

    date: str
    machine: str
    torch: str
    measured: tuple[Figures, ...]
    left_out: tuple[LeftOut, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        costs = {figures.title: [asdict(cost) for cost in figures.costs()] for figures in self.measured}
        published = {"source": "AR-VLA, Table III", "costs": [asdict(cost) for cost in PUBLISHED]}
        return {**asdict(self), "cost_per_action": costs, "published": published}

    def table(self) -> str:
        """Return the figures for people."""
        return "\n".join(
            (
                f"{self.date}; {self.machine}; torch {self.torch}",
                *(f"left out: {one.name}: {one.why}" for one in self.left_out),
                *(line for figures in self.measured for line in _block(figures)),
                "",
                *(_ratios(figures) for figures in self.measured),
                "",
                "published, not measured here (AR-VLA, Table III, PaliGemma-3B + 300M expert, the authors' GPU):",
                *(f"  {cost.way:<36} {cost.total_ms:9.2f} ms an action" for cost in PUBLISHED),
            )
        )

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write JSON and chart into a folder and return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        figures, chart = folder / "bench_policy.json", folder / "bench_policy.png"
        figures.write_text(json.dumps(self.to_dict(), indent=1) + "\n")
        _write_chart(self, chart)
        return figures, chart


def _block(figures: Figures) -> Iterator[str]:
    backbone = f"; backbone {figures.backbone} {_size(figures.backbone_parameters, figures.backbone_mib)}"
    yield ""
    yield (
        f"{figures.title}: expert {_size(figures.expert_parameters, figures.expert_mib)}"
        f"{backbone if figures.backbone else ''}; history {figures.history_length}, "
        f"{figures.prefix_tokens} prefix tokens"
    )
    names = {
        STEP: "expert step",
        CHUNK: f"flow-matching chunk, {EULER_STEPS} steps",
        REENCODE: f"history of {figures.history_length} encoded anew",
        REFRESH: "prefix refresh",
    }
    yield f"  {'':<36} {'p50 ms':>9} {'p99 ms':>9} {'calls':>7}"
    for name, timing in figures.timings.items():
        yield f"  {names[name]:<36} {timing.p50_ms:9.3f} {timing.p99_ms:9.3f} {timing.calls:7d}"
    ours, *_ = costs = figures.costs()
    yield f"  {'for each executed action':<36} {'expert':>9} {'+ looks':>9} {'x ours':>7}"
    for cost in costs:
        total = f"{cost.total_ms:9.3f}" if cost.refresh_ms is not None else f"{'-':>9}"
        yield f"  {cost.way:<36} {cost.expert_ms:9.3f} {total} {cost.total_ms / ours.total_ms:7.2f}"


def _size(parameters: int, mib: float) -> str:
    return f"{parameters / 1e6:.1f} M parameters, {mib:.0f} MiB"


def _ratios(figures: Figures) -> str:
    ours, chunk, anew, *_ = costs = figures.costs()
    line = (
        f"{figures.title}: an action of the autoregressive expert is {chunk.expert_ms / ours.expert_ms:.1f} times as "
        f"fast as flow matching's, {anew.expert_ms / ours.expert_ms:.1f} times as fast as with its history encoded anew"
    )
    if ours.refresh_ms is None:
        return line
    with_looks = ", ".join(f"{cost.total_ms / ours.total_ms:.1f} ({cost.way})" for cost in costs[1:])
    return f"{line}; with a look every {REFRESH_EVERY} actions: {with_looks}"


def _write_chart(report: Report, path: Path) -> None:
    """Write a PNG with a panel a configuration, and one for the published figures."""
    panels = [(figures.title, figures.costs(), "tab:blue") for figures in report.measured]
    panels.append(("published, not measured here: AR-VLA, Table III", PUBLISHED, "tab:gray"))
    heights = [len(costs) + 1.5 for _, costs, _ in panels]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(9, 0.42 * sum(heights) + 0.6), height_ratios=heights, constrained_layout=True
    )
    for panel, (title, costs, colour) in zip(axes if len(panels) > 1 else [axes], panels, strict=True):
        _plot_costs(panel, title, costs, colour)
    figure.suptitle(f"ms for each executed action (pale: the backbone's share)\n{report.machine}", fontsize=9)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _plot_costs(axes: Axes, title: str, costs: tuple[Cost, ...], colour: str) -> None:
    ways = [cost.way for cost in costs]
    expert = [cost.expert_ms for cost in costs]
    axes.barh(ways, expert, color=colour)
    bars = axes.barh(ways, [cost.refresh_ms or 0.0 for cost in costs], left=expert, color=colour, alpha=0.35)
    axes.bar_label(bars, [f" {cost.total_ms:.3g}" for cost in costs], fontsize=8)
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlim(0.0, 1.1 * max(cost.total_ms for cost in costs))
    axes.invert_yaxis()
    axes.tick_params(labelsize=8)
