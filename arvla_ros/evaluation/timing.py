"""Time and memory of callables, measured so that they can be compared."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from arvla_ros.evaluation.summary import Spread

# Rounds in which all callables get their turn: so many stretches of the machine's noise are shared by all.
ROUNDS = 10


@dataclass(frozen=True)
class Timing:
    """How long the calls of one callable took.

    Attributes:
        p50_ms: median.
        p99_ms: 99th percentile; of few calls that is about the longest.
        calls: how many were measured.
    """

    p50_ms: float
    p99_ms: float
    calls: int

    @classmethod
    def of(cls, samples_ns: list[int]) -> Timing:
        """Return the timing of one or more calls."""
        spread = Spread.of([sample * 1e-6 for sample in samples_ns])
        return cls(spread.p50, spread.p99, len(samples_ns))


@dataclass
class Memory:
    """What ``memory_growth`` found.

    Attributes:
        mib: growth in MiB, filled in at the end.
    """

    mib: float = 0.0


def time_in_turns(calls: Mapping[str, Callable[[], object]], seconds: float) -> dict[str, Timing]:
    """Time several callables in turns, so that whatever else the machine does hits all of them alike.

    In each of ten rounds every callable has the same slice of time, and whoever has used up its share of ``seconds``
    sits out: a fast one gets many samples, spread over the whole time, a slow one few, but at least one. A first round
    warms up and does not count.

    Args:
        calls: each returns when what its user waits for is there: on a GPU, when it has reached the host.
        seconds: to measure all of them, apart from what a slow call takes longer.

    Returns:
        The timing of each, in the same order.
    """
    share_ns = int(seconds * 1e9 / len(calls))
    samples: dict[str, list[int]] = {name: [] for name in calls}
    for call in calls.values():
        _fill_slice(call, share_ns // ROUNDS)
    for _ in range(ROUNDS):
        for name, call in calls.items():
            if sum(samples[name]) < share_ns:
                samples[name] += _fill_slice(call, share_ns // ROUNDS)
    return {name: Timing.of(taken) for name, taken in samples.items()}


@contextmanager
def memory_growth(device: torch.device) -> Iterator[Memory]:
    """Measure what a block needs: at its peak on a GPU, on a CPU what the process holds more at its end."""
    _return_freed_memory()
    memory = Memory()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield memory
        memory.mib = (torch.cuda.max_memory_allocated(device) - before) / 2**20
    else:
        before = resident_bytes()
        yield memory
        memory.mib = (resident_bytes() - before) / 2**20


def resident_bytes() -> int:
    """Return the resident memory of this process, as Linux tells it."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def processor_s(pid: int) -> float:
    """Return the processor time that a process has used, s, as Linux tells it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_bytes(device: torch.device) -> int:
    """Return how much memory is free on a device."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) * 1024


def machine(device: torch.device) -> str:
    """Return the name of what computes on a device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{name}, {torch.get_num_threads()} threads"


def _return_freed_memory() -> None:
    """Give the system what was freed before, or new tensors would fill it and seem to need nothing."""
    gc.collect()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def _fill_slice(call: Callable[[], object], slice_ns: int) -> list[int]:
    """Call until a slice of time is over, at least once, and return how long each call took in ns."""
    taken: list[int] = []
    end = start = time.perf_counter_ns()
    while not taken or end - start < slice_ns:
        begin = time.perf_counter_ns()
        call()
        end = time.perf_counter_ns()
        taken.append(end - begin)
    return taken
