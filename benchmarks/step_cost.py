"""The cost of a step does not depend on its index, and memory stays flat: measured over a long stream.

python benchmarks/step_cost.py --steps 100000
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import tyro

from arvla_ros.evaluation.policy_sizes import SIZES, PolicySize
from arvla_ros.evaluation.summary import Spread
from arvla_ros.evaluation.timing import machine, resident_bytes
from arvla_ros.policy.expert import ActionExpert
from arvla_ros.policy.prefix import Prefix
from arvla_ros.policy.stepper import ExpertStepper

REFRESH_EVERY = 4
WARM_UP_STEPS = 100


@dataclass(frozen=True)
class StepCostConfig:
    """What to stream, and for how long."""

    steps: int = 100_000
    """Steps without a reset."""
    size: Literal["reach", "specialist", "generalist"] = "reach"
    """Shape of the expert; its weights are random."""


def main(config: StepCostConfig) -> None:
    """Stream, and print the time of a step by decade of its index, and resident memory."""
    size = SIZES[config.size]()
    stepper, prefixes = _make(size)
    states = np.random.default_rng(0).standard_normal((64, 1, size.expert.state_size)).astype(np.float32)
    _stream(stepper, prefixes, states, np.zeros(WARM_UP_STEPS, dtype=np.int64))
    stepper.cache.reset()
    # Filled, for pages that are only reserved would count as growth later.
    taken_ns = np.full(config.steps, -1, dtype=np.int64)
    before = resident_bytes()
    _stream(stepper, prefixes, states, taken_ns)
    growth = resident_bytes() - before
    print(f"{config.size}, float32; {machine(torch.device('cpu'))}; torch {torch.__version__}\n")
    print("| step index | steps | p50 ms | p99 ms |\n|---|---|---|---|")
    edges = [0, *(10**power for power in range(1, 12) if 10**power < config.steps), config.steps]
    for low, high in itertools.pairwise(edges):
        spread = Spread.of(taken_ns[low:high] * 1e-6)
        print(f"| {low} to {high - 1} | {high - low} | {spread.p50:.3f} | {spread.p99:.3f} |")
    print(f"\nresident memory: {before / 2**20:.1f} MiB before, {growth / 2**10:+.0f} KiB after {config.steps} steps")


def _make(size: PolicySize) -> tuple[ExpertStepper, tuple[Prefix, ...]]:
    torch.manual_seed(0)
    config = size.expert
    expert = ActionExpert(config).eval().requires_grad_(False)
    stepper = ExpertStepper(expert, expert.new_cache(size.prefix_tokens))
    shape = (config.layers, config.kv_heads, size.prefix_tokens, config.head_dim)
    everything = torch.ones(size.prefix_tokens, dtype=torch.bool)
    return stepper, tuple(Prefix(torch.randn(shape), torch.randn(shape), everything) for _ in range(2))


def _stream(
    stepper: ExpertStepper,
    prefixes: tuple[Prefix, ...],
    states: npt.NDArray[np.float32],
    taken_ns: npt.NDArray[np.int64],
) -> None:
    """Run as many steps as ``taken_ns`` has room for, with a new prefix every few; fill in how long each took."""
    at = np.zeros(1, dtype=np.int64)
    for step in range(len(taken_ns)):
        at[0] = step
        if step % REFRESH_EVERY == 0:
            stepper.cache.set_prefix(prefixes[step // REFRESH_EVERY % len(prefixes)], step)
        begin = time.perf_counter_ns()
        stepper.step(states[step % len(states)], at)
        taken_ns[step] = time.perf_counter_ns() - begin


if __name__ == "__main__":
    main(tyro.cli(StepCostConfig, description=__doc__))
