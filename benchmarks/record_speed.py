"""What a recorded step of the simulation costs, by part, and how much faster than real time one core records.

python benchmarks/record_speed.py --task stack3 --image-size 96 96 --camera-size 96 96
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from arvla_ros.episodes import staging
from arvla_ros.sim import demonstrations
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.record import RecordConfig, demonstration_seed
from arvla_ros.sim.tasks import make_task
from arvla_ros.sim.world import WidowXWorld


@dataclass(frozen=True)
class RecordSpeedConfig:
    """What to record, and how often."""

    task: str = "stack3"
    """reach or stack3."""
    image_size: tuple[int, int] | None = None
    """As `arvla sim record` has it."""
    camera_size: tuple[int, int] | None = None
    """As `arvla sim record` has it."""
    robot: str = "wx250s"
    """As `arvla sim record` has it."""
    episodes: int = 8
    """How many; the first one warms up."""


class Parts:
    """Processor time by part of the work, without what is measured inside it as another part."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inside = 0.0

    def measured(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function``, its time added to ``part``."""

        def call(*args: Any, **kwargs: Any) -> Any:
            outside, self._inside, started = self._inside, 0.0, time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                taken = time.process_time() - started
                self.seconds[part] += taken - self._inside
                self._inside = outside + taken

        return call


def main(config: RecordSpeedConfig) -> None:
    """Record on one core, and print a table."""
    asked = RecordConfig(
        Path(),
        task=config.task,
        robot=config.robot,
        image_size=config.image_size,
        camera_size=config.camera_size,
    )
    task, form = make_task(config.task), demonstrations.episode_format(make_task(config.task), asked.contract)
    env = RolloutEnv(task, asked.contract.resized(None, asked.rendered_size))
    parts = Parts()
    _measure(parts, env.world)
    rates, walls, steps = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        for index in range(config.episodes + 1):
            if index == 1:
                parts.seconds.clear()
            started, wall = time.process_time(), time.perf_counter()
            seed = demonstration_seed(0, index)
            episode = parts.measured("the rest", demonstrations.demonstrate)(env, seed, asked.pushes)
            parts.measured("data and statistics", staging.stage)(Path(folder) / str(index), form, episode)
            if index:
                length = len(episode.columns[demonstrations.SEED])
                steps += length
                rates.append(length / form.fps / (time.process_time() - started))
                walls.append(length / form.fps / (time.perf_counter() - wall))
    total = sum(parts.seconds.values())
    shape = form.features[demonstrations.camera_feature("side")].shape
    print(f"{config.task}, {steps} steps, images {shape[1]}x{shape[0]}, rendered {asked.rendered_size}\n")
    print("| part | ms a step | share |\n|---|---|---|")
    for part, seconds in sorted(parts.seconds.items(), key=lambda item: -item[1]):
        print(f"| {part} | {1e3 * seconds / steps:.2f} | {seconds / total:.0%} |")
    print(f"| all | {1e3 * total / steps:.2f} | |\n")
    physics = steps / form.fps / parts.seconds["physics"]
    print(f"x real time, median and best episode: {np.median(rates):.1f}, {max(rates):.1f} by processor time; ", end="")
    print(f"{np.median(walls):.1f}, {max(walls):.1f} by the clock; physics alone {physics:.0f}")


def _measure(parts: Parts, world: WidowXWorld) -> None:
    """Put a stopwatch around what a step is made of."""
    replaced: list[tuple[Any, str, str]] = [
        (world, "_step", "physics"),
        (world, "render", "rendering"),
        (world.contract, "image", "averaging pixels"),
        (staging, "encode", "video"),
    ]
    for owner, name, part in replaced:
        object.__setattr__(owner, name, parts.measured(part, getattr(owner, name)))
    make_expert, judge = demonstrations.make_expert, world.task.judge

    def make_measured_expert(*args: Any) -> Any:
        expert = make_expert(*args)
        object.__setattr__(expert, "action", parts.measured("expert", expert.action))
        return expert

    def measured_judge(instruction: str) -> Any:
        made = judge(instruction)
        object.__setattr__(made, "observe", parts.measured("judge", made.observe))
        return made

    object.__setattr__(demonstrations, "make_expert", make_measured_expert)
    object.__setattr__(world.task, "judge", measured_judge)


if __name__ == "__main__":
    main(tyro.cli(RecordSpeedConfig, description=__doc__))
