"""``arvla bench policy``: what an action costs, beside other ways of making actions, in the same run.

For every configuration that fits the machine it measures the streaming step and the prefix refresh, and in turns with
them a flow-matching chunk head and a history encoded anew, both on an expert of the same shape. On a GPU each of them
is one CUDA graph. States come from the host and actions go there: that one wait is part of the time.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from arvla_ros.evaluation.bench_calls import Look, Stream, baselines, with_random_weights
from arvla_ros.evaluation.bench_report import REFRESH, STEP, Figures, LeftOut, Report
from arvla_ros.evaluation.policy_sizes import SIZES, PolicySize
from arvla_ros.evaluation.timing import free_bytes, machine, memory_growth, time_in_turns
from arvla_ros.policy.devices import check_device
from arvla_ros.policy.expert import ActionExpert
from arvla_ros.policy.prefix import DTYPES

# Weights are not all that a model needs while it runs.
_ROOM = 1.25
# A look of a larger backbone takes minutes on a CPU; it is measured there only if asked for.
_LARGE_BACKBONE = 10**9


class BenchError(ValueError):
    """A benchmark that cannot be run; the message says why."""


@dataclass(frozen=True)
class BenchConfig:
    """What to measure, and for how long."""

    configurations: tuple[str, ...] = tuple(SIZES)
    """Some of reach, specialist, generalist."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: cuda where there is a GPU."""
    refresh: Literal["auto", "all", "none"] = "auto"
    """Which backbones to measure; auto leaves PaliGemma-3B out on a CPU, where one look takes minutes."""
    seconds: float = 15.0
    """Time to measure each configuration; what is slow is called at least once to warm up and once to measure."""
    memory_gib: float = 0.0
    """Memory that may be used, in GiB; 0 for what is free."""
    threads: int = 0
    """Threads of torch on a CPU; 0 for its default."""
    out: Path = Path("runs/bench")
    """Folder for bench_policy.json and bench_policy.png."""

    def __post_init__(self) -> None:
        for name in self.configurations:
            if name not in SIZES:
                raise BenchError(f"configuration {name!r} is none of {', '.join(SIZES)}")
        if not self.configurations:
            raise BenchError(f"no configuration: name some of {', '.join(SIZES)}")
        if not self.seconds > 0 or self.memory_gib < 0 or self.threads < 0:
            raise BenchError(
                f"seconds {self.seconds} must be positive, memory_gib {self.memory_gib} and threads {self.threads} "
                "not negative"
            )


def bench(config: BenchConfig) -> int:
    """Measure, print the table, write JSON and chart, and return the exit code.

    Raises:
        CheckpointError: the shipped checkpoint, whose shapes are measured, is not there.
        DeviceError: there is no such device.
    """
    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    device = check_device(automatic if config.device == "auto" else config.device)
    if config.threads:
        torch.set_num_threads(config.threads)
    measured: list[Figures] = []
    left_out: list[LeftOut] = []
    for name in config.configurations:
        size = SIZES[name]()
        for dtype in size.dtypes[device.type]:
            if reason := _does_not_fit(config, size.expert_parameters() * 2, dtype, device):
                left_out.append(LeftOut(f"{name}, {dtype}", reason))
                continue
            if reason := _no_refresh(config, size, dtype, device):
                left_out.append(LeftOut(f"{name}, {dtype}, prefix refresh", reason))
            print(f"measuring {name}, {dtype} on {device} ...", flush=True)
            measured.append(_measure(name, size, dtype, device, config.seconds, refresh=not reason))
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    report = Report(date, machine(device), torch.__version__, tuple(measured), tuple(left_out))
    figures, chart = report.write(config.out)
    print(f"\n{report.table()}\n\nfigures: {figures}\nchart: {chart}")
    return 0


def _does_not_fit(config: BenchConfig, parameters: int, dtype: str, device: torch.device) -> str:
    """Return why so many parameters do not fit; empty if they do."""
    needed = _ROOM * parameters * DTYPES[dtype].itemsize / 2**30
    free = config.memory_gib or free_bytes(device) / 2**30
    return "" if needed <= free else f"needs {needed:.3g} GiB, {free:.3g} GiB may be used on {device}"


def _no_refresh(config: BenchConfig, size: PolicySize, dtype: str, device: torch.device) -> str:
    """Return why the refresh of a configuration is not measured; empty if it is."""
    if config.refresh == "none":
        return "not asked for (--refresh none)"
    parameters = size.backbone_parameters()
    if config.refresh == "auto" and device.type == "cpu" and parameters > _LARGE_BACKBONE:
        return f"{parameters / 1e9:.1f} G parameters take minutes a look on a CPU; ask with --refresh all"
    return _does_not_fit(config, parameters + 2 * size.expert_parameters(), dtype, device)


@torch.inference_mode()
def _measure(
    name: str, size: PolicySize, dtype: str, device: torch.device, seconds: float, *, refresh: bool
) -> Figures:
    """Measure one configuration in one precision."""
    torch.manual_seed(0)
    with memory_growth(device) as expert_memory:
        expert = with_random_weights(lambda: ActionExpert(size.expert), dtype, device)
        stream = Stream(expert, size.prefix_tokens)
        stream.step()
    # The stepper lays weights out for products with one row; the others have theirs as torch likes them.
    plain = with_random_weights(lambda: ActionExpert(size.expert), dtype, device)
    calls: dict[str, Callable[[], object]] = {STEP: stream.step, **baselines(plain, stream.prefix)}
    with memory_growth(device) as backbone_memory:
        if refresh:
            backbone = with_random_weights(size.build_backbone, dtype, device)
            look = Look(backbone, size.instruction, device)
            calls[REFRESH] = lambda: stream.refresh(look.see())
            stream.refresh(look.see())
    return Figures(
        name=name,
        dtype=dtype,
        expert_parameters=size.expert_parameters(),
        expert_mib=expert_memory.mib,
        backbone=size.backbone if refresh else "",
        backbone_parameters=size.backbone_parameters() if refresh else 0,
        backbone_mib=backbone_memory.mib,
        history_length=size.expert.history_length,
        prefix_tokens=size.prefix_tokens,
        timings=time_in_turns(calls, seconds),
    )
