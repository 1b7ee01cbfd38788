"""Closed-loop evaluation without ROS: perception latency and refresh are simulated in whole control steps.

At every ``refresh_every``-th step an image is taken; its prefix reaches the expert ``latency`` steps later, anchored at
the step of its capture. Until the first one arrives the arm holds still, as the action-expert node does.
"""

from __future__ import annotations

import itertools
import json
import math
import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from arvla_ros.policy.prefix import Prefix
from arvla_ros.policy.streaming import Perceiver, StreamingPolicy
from arvla_ros.sim.env import Observation, RolloutEnv
from arvla_ros.sim.tasks import make_task

Ablation = Literal["none", "blank_image", "other_instruction"]


class EvalError(ValueError):
    """An evaluation that cannot be run; the message says why."""


@dataclass(frozen=True)
class EvalConfig:
    """What to evaluate, and how slow perception is to be."""

    checkpoint: Path = Path("checkpoints/reach")
    """Checkpoint folder."""
    episodes: int = 100
    """Episodes of every combination of latency and refresh; their seeds are first_seed, first_seed + 1, …"""
    first_seed: int = 0
    """Demonstrations use seeds from 1 000 000 on, so smaller ones are layouts that were never trained on."""
    latency: tuple[int, ...] = (2,)
    """Steps from the capture of an image until its prefix is used; each is tried."""
    refresh_every: tuple[int, ...] = (4,)
    """Steps between two captures; each is tried."""
    history_length: int = 0
    """Steps that the expert remembers; 0 for as many as in training."""
    ablation: Ablation = "none"
    """blank_image: the policy sees grey. other_instruction: it is told to go to an object that is not the judge's."""
    workers: int = 0
    """Processes; 0 for one a core."""
    out: Path | None = None
    """JSON file for the results."""

    def __post_init__(self) -> None:
        if self.episodes < 1 or self.first_seed < 0 or self.workers < 0:
            raise EvalError(
                f"episodes {self.episodes} must be at least 1, first_seed {self.first_seed} and "
                f"workers {self.workers} not negative"
            )
        if not self.latency or min(self.latency) < 0 or not self.refresh_every or min(self.refresh_every) < 1:
            raise EvalError(
                f"latency {self.latency} must be steps from 0 on, refresh_every {self.refresh_every} from 1 on"
            )


@dataclass(frozen=True)
class Setting:
    """One combination of latency and refresh, in steps."""

    latency: int
    refresh_every: int


@dataclass(frozen=True)
class EpisodeResult:
    """How one episode went."""

    seed: int
    instruction: str
    """What the judge looked for."""
    told: str
    """What the policy was told."""
    success: bool
    reached_told: bool
    """Whether the policy did what it was told."""
    score: float
    seconds: float
    """Simulated s until success or the end."""


@dataclass(frozen=True)
class EvalRow:
    """All episodes of one setting."""

    setting: Setting
    episodes: tuple[EpisodeResult, ...]

    @property
    def successes(self) -> int:
        """Number of episodes that succeeded."""
        return sum(episode.success for episode in self.episodes)

    @property
    def reached_told(self) -> int:
        """Number of episodes in which the policy did what it was told."""
        return sum(episode.reached_told for episode in self.episodes)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % confidence interval of the success rate."""
        return wilson_interval(self.successes, len(self.episodes))

    @property
    def mean_score(self) -> float:
        """Mean of the task's rubric."""
        return float(np.mean([episode.score for episode in self.episodes]))

    @property
    def mean_seconds(self) -> float:
        """Mean simulated time to success in s, of the episodes that succeeded; NaN if none did."""
        times = [episode.seconds for episode in self.episodes if episode.success]
        return float(np.mean(times)) if times else math.nan

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain JSON values, without the single episodes."""
        return {
            **asdict(self.setting),
            "episodes": len(self.episodes),
            "first_seed": self.episodes[0].seed,
            "successes": self.successes,
            "interval": [round(bound, 3) for bound in self.interval],
            "mean_score": round(self.mean_score, 3),
            "mean_seconds": None if math.isnan(self.mean_seconds) else round(self.mean_seconds, 2),
            "reached_told": self.reached_told,
        }


def evaluate(config: EvalConfig) -> int:
    """Run every setting, print a table, write the JSON file, and return the exit code.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        TaskError: it was trained on a task that there is no simulation of.
    """
    rows = run_evaluation(config)
    print(table(row.to_dict() for row in rows))
    if config.out:
        config.out.parent.mkdir(parents=True, exist_ok=True)
        results = [{**row.to_dict(), "results": [asdict(episode) for episode in row.episodes]} for row in rows]
        config.out.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def run_evaluation(config: EvalConfig) -> list[EvalRow]:
    """Run every setting on the same seeds and return one row a setting.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        TaskError: it was trained on a task that there is no simulation of.
    """
    settings = [Setting(*pair) for pair in itertools.product(config.latency, config.refresh_every)]
    seeds = range(config.first_seed, config.first_seed + config.episodes)
    jobs = list(itertools.product(settings, seeds))
    _Worker(config)  # a checkpoint that cannot be used fails here, once, in one line
    workers = min(config.workers or os.cpu_count() or 1, len(jobs))
    # Spawned, not forked: neither an OpenGL context nor torch's threads survive a fork.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_open, initargs=(config,)) as pool:
        try:
            done = list(tqdm(pool.map(_run_job, jobs, chunksize=2), total=len(jobs), unit="episode", desc="evaluate"))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    count = len(seeds)
    return [EvalRow(setting, tuple(done[at * count : (at + 1) * count])) for at, setting in enumerate(settings)]


def table(figures: Iterable[Mapping[str, Any]]) -> str:
    """Return the figures of rows, as ``EvalRow.to_dict`` gives them, as a Markdown table."""
    lines = [
        "| refresh every, latency (steps) | success, seeds | 95 % interval | mean score | mean time to success |",
        "|---|---|---|---|---|",
    ]
    for row in figures:
        low, high = row["interval"]
        seeds = f"{row['first_seed']}-{row['first_seed'] + row['episodes'] - 1}"
        time = "" if row["mean_seconds"] is None else f"{row['mean_seconds']:.2f} s"
        lines.append(
            f"| {row['refresh_every']}, {row['latency']} | {row['successes']} of {row['episodes']}, {seeds} "
            f"| {100 * low:.0f}-{100 * high:.0f} % | {row['mean_score']:.3f} | {time} |"
        )
    return "\n".join(lines)


def wilson_interval(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's confidence interval of a success rate; ``z`` is the normal quantile, 1.96 for 95 %."""
    rate = successes / trials
    middle = rate + z * z / (2 * trials)
    spread = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def run_episode(
    env: RolloutEnv, perceiver: Perceiver, policy: StreamingPolicy, seed: int, setting: Setting, ablation: Ablation
) -> EpisodeResult:
    """Run one episode to its end."""
    observation = env.reset(seed)
    told = observation.instruction if ablation != "other_instruction" else _other_instruction(env, seed)
    second_judge = env.world.task.judge(told)
    second_judge.observe(env.world)
    policy.reset()
    on_the_way: deque[tuple[int, Prefix]] = deque()
    perceived = False
    for step in itertools.count():
        if env.over:
            break
        if step % setting.refresh_every == 0:
            image = env.render_policy_image()
            seen = np.full_like(image, 128) if ablation == "blank_image" else image
            on_the_way.append((step, perceiver.perceive(seen[None], told)))
        while on_the_way and step >= on_the_way[0][0] + setting.latency:
            captured, prefix = on_the_way.popleft()
            policy.set_prefix(prefix, captured)
            perceived = True
        action = policy.step(step, observation.state)
        observation = env.step(action if perceived else _rest(observation))
        second_judge.observe(env.world)
    status = env.status()
    return EpisodeResult(
        seed=seed,
        instruction=observation.instruction,
        told=told,
        success=status.success,
        reached_told=second_judge.status().success,
        score=status.score,
        seconds=status.elapsed,
    )


def _other_instruction(env: RolloutEnv, seed: int) -> str:
    """Return an instruction of the task for any other object than the episode's."""
    asked = env.world.instruction
    name = next(prop.name for prop in env.world.task.props if asked.endswith(prop.name))
    others = [instruction for instruction in env.world.task.instructions if not instruction.endswith(name)]
    return str(np.random.default_rng(seed).choice(others))


def _rest(observation: Observation) -> npt.NDArray[np.float32]:
    """Return the action that stays where the arm is."""
    action = np.zeros_like(observation.state)
    action[-1] = observation.state[-1]
    return action


class _Worker:
    """What a worker process keeps between episodes."""

    def __init__(self, config: EvalConfig) -> None:
        self.config = config
        self.policy = StreamingPolicy.load(config.checkpoint)
        self.perceiver = Perceiver.load(config.checkpoint)
        self.env = RolloutEnv(make_task(self.policy.manifest.task), self.policy.contract)
        if config.history_length:
            self.policy.history_length = config.history_length


_worker: _Worker | None = None


def _open(config: EvalConfig) -> None:
    global _worker
    torch.set_num_threads(1)
    _worker = _Worker(config)


def _run_job(job: tuple[Setting, int]) -> EpisodeResult:
    assert _worker is not None
    setting, seed = job
    return run_episode(_worker.env, _worker.perceiver, _worker.policy, seed, setting, _worker.config.ablation)
