"""Whether the observation between the cups tells which cup hides the battery: it must not, or no memory is needed.

After the first cup the hand returns to neutral. There, one observation is taken: the joints, as coarse as the encoders
report them, the opening, and where the two cups stand, which is all that a picture tells (a test renders it: the
picture is the same wherever the battery is). Two guessers are trained to say whether the cup with the larger y is the
covering one, and judged on episodes that they have not seen: one is linear, the other a small network.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.expert import make_expert
from arvla_ros.sim.tasks import make_task
from arvla_ros.sim.tasks.stack3 import CUPS, covering_cup

Array = npt.NDArray[np.float64]

# The neutral pose is drawn within 8 mm of ready along each axis.
_AT_NEUTRAL = 0.016
_FOLDS = 5


class GuessError(ValueError):
    """An option of ``arvla sim guess`` is out of range."""


@dataclass(frozen=True)
class GuessConfig:
    """How many episodes to guess from."""

    episodes: int = 400
    """Expert's episodes, up to the neutral pose after the first cup."""
    first_seed: int = 0
    """Of the first episode; each takes the next."""
    workers: int = 0
    """Processes; 0 for one a core."""


class Sample(NamedTuple):
    """One observation at neutral, and what it must not tell."""

    features: Array
    """``[11]``: the policy state ``[7]``, then x and y of both cups, the one with the larger y first."""
    left: bool
    """Whether the cup with the larger y covers the battery."""


def guess(config: GuessConfig) -> int:
    """Gather observations, print how often each guesser is right, and return the exit code.

    Raises:
        GuessError: an option is out of range.
    """
    if config.episodes < 2 * _FOLDS or config.workers < 0 or config.first_seed < 0:
        raise GuessError(
            f"episodes {config.episodes} must be at least {2 * _FOLDS}, workers {config.workers} and "
            f"first_seed {config.first_seed} not negative"
        )
    seeds = range(config.first_seed, config.first_seed + config.episodes)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(config.workers or os.cpu_count() or 1, mp_context=spawn) as pool:
        try:
            gathered = list(tqdm(pool.map(observe_neutral, seeds), total=len(seeds), unit="episode", desc="guess"))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    samples = [sample for sample in gathered if sample is not None]
    error = 0.5 / np.sqrt(len(samples))
    print(f"{len(samples)} observations at neutral, {sum(sample.left for sample in samples)} times the left cup")
    for name, hidden in (("linear", 0), ("network", 32)):
        print(f"  {name:8} right in {100 * accuracy(samples, hidden):.1f} %, chance is 50 ± {100 * error:.1f} %")
    return 0


def observe_neutral(seed: int) -> Sample | None:
    """Return what is observed where the hand has come to rest after the first cup; None if it never got there."""
    env = RolloutEnv(make_task("stack3"), RobotContract.load())
    before = env.reset(seed).state
    expert = make_expert("stack3", np.random.default_rng((seed, 1)))
    neutral = wx250s.forward_kinematics(wx250s.READY)[:3, 3]
    while not env.over:
        state = env.step(expert.action(env.world)).state
        still = np.abs(state - before).max() < 1.5 * wx250s.ENCODER_STEP
        at_rest = still and np.linalg.norm(env.world.ee_pose()[:3, 3] - neutral) < _AT_NEUTRAL
        covering = covering_cup(env.world)
        if at_rest and covering is not None:
            left, right = sorted(CUPS, key=lambda cup: -env.world.object_pose(cup.name)[1, 3])
            places = [env.world.object_pose(cup.name)[:2, 3] for cup in (left, right)]
            return Sample(np.concatenate([state, *places]), covering == left)
        before = state
    return None


def accuracy(samples: list[Sample], hidden: int) -> float:
    """Return the share of right guesses on held-out samples, by five-fold cross-validation.

    Args:
        samples: Observations and answers.
        hidden: Units of the network's one hidden layer; 0 for a linear guess.
    """
    features = torch.tensor(np.stack([sample.features for sample in samples]), dtype=torch.float32)
    answers = torch.tensor([sample.left for sample in samples], dtype=torch.float32)
    fold = torch.arange(len(samples)) % _FOLDS
    right = 0
    for held_out in range(_FOLDS):
        train, test = fold != held_out, fold == held_out
        mean, spread = features[train].mean(0), features[train].std(0) + 1e-6
        said = _fit((features[train] - mean) / spread, answers[train], hidden)((features[test] - mean) / spread)
        right += int(((said[:, 0] > 0) == (answers[test] > 0.5)).sum())
    return right / len(samples)


def _fit(features: torch.Tensor, answers: torch.Tensor, hidden: int) -> torch.nn.Module:
    """Return a guesser ``[n, 11]`` to logits ``[n, 1]``, fitted with a little weight decay."""
    torch.manual_seed(0)
    size = features.shape[1]
    layers = [torch.nn.Linear(size, hidden), torch.nn.Tanh()] if hidden else []
    model = torch.nn.Sequential(*layers, torch.nn.Linear(hidden or size, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.05)
    for _ in range(200):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(features)[:, 0], answers)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.requires_grad_(False)
