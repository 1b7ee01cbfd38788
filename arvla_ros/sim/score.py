"""Counts how often the scripted expert does a task, on fresh seeds and all cores."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from tqdm import tqdm

from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.expert import Disturbance, make_expert
from arvla_ros.sim.tasks import TaskStatus, make_task


class ScoreError(ValueError):
    """An option of ``arvla sim score`` is out of range."""


@dataclass(frozen=True)
class ScoreConfig:
    """What to count."""

    task: str = "reach"
    """What to do: reach, stack3 or pusht2."""
    policy: Literal["scripted"] = "scripted"
    """Who does it; checkpoints are scored by arvla eval."""
    episodes: int = 100
    """How many."""
    first_seed: int = 0
    """Of the first episode; each takes the next."""
    miss: float = 0.0
    """Probability that the expert misses a grasp on purpose."""
    disturb: float = 0.0
    """Probability of a push beginning in a step; 0 for none."""
    workers: int = 0
    """Processes; 0 for one a core."""


def score(config: ScoreConfig) -> int:
    """Run the episodes, print a table, and return the exit code.

    Raises:
        TaskError: there is no such task.
        ScoreError: an option is out of range.
    """
    if config.episodes < 1 or config.workers < 0 or config.first_seed < 0:
        raise ScoreError(
            f"episodes {config.episodes} must be at least 1, workers {config.workers} and "
            f"first_seed {config.first_seed} not negative"
        )
    for name, probability in (("miss", config.miss), ("disturb", config.disturb)):
        if not 0 <= probability <= 1:
            raise ScoreError(f"{name} {probability} is a probability, 0 to 1")
    run_one = _episode_of(config)
    seeds = range(config.first_seed, config.first_seed + config.episodes)
    workers = min(config.workers or os.cpu_count() or 1, config.episodes)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        try:
            run = pool.map(run_one, seeds)
            results = list(tqdm(run, total=len(seeds), unit="episode", desc=config.task))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    print(summary(config, results))
    return 0


def _episode_of(config: ScoreConfig) -> Callable[[int], TaskStatus]:
    """Return what runs the episode of a seed; a task that does not exist fails here, in one line."""
    if config.task == "pusht2":
        # Not above: it needs gym-pusht, which the arm does not.
        from arvla_ros.sim.pusht2 import episode

        if config.miss or config.disturb:
            raise ScoreError("pusht2 has no grasps to miss and no pushes to bear: leave out miss and disturb")
        return episode.run_episode
    make_task(config.task, "pusht2")
    return partial(run_episode, config)


def run_episode(config: ScoreConfig, seed: int) -> TaskStatus:
    """Let the expert do the task once, without a camera, and return how the episode stands at its end."""
    env = RolloutEnv(make_task(config.task), RobotContract.load())
    env.reset(seed)
    rng = np.random.default_rng((seed, 1))
    expert, disturbance = make_expert(config.task, rng, config.miss), Disturbance(rng, config.disturb)
    while not env.over:
        env.step(disturbance(expert.action(env.world)))
    return env.status()


def summary(config: ScoreConfig, results: list[TaskStatus]) -> str:
    """Return the figures as lines of text: successes, mean score and time, milestones, and every failure."""
    last_seed = config.first_seed + len(results) - 1
    seconds = [result.elapsed for result in results if result.success]
    lines = [f"{config.task}, seeds {config.first_seed}-{last_seed}: {len(seconds)} of {len(results)} succeeded"]
    lines[0] += f", mean score {np.mean([result.score for result in results]):.3f}"
    if seconds:
        lines[0] += f", {np.mean(seconds):.1f} s each ({min(seconds):.1f}-{max(seconds):.1f})"
    reached = Counter(milestone for result in results for milestone in result.milestones)
    lines += [f"  {count:5} {milestone}" for milestone, count in reached.items()]
    lines += [
        f"  seed {config.first_seed + index}: score {result.score:.2f}, {result.detail}"
        for index, result in enumerate(results)
        if not result.success
    ]
    return "\n".join(lines)
