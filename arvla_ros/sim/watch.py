"""Films the scripted expert doing a task."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
import numpy.typing as npt

from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.env import GUARD_RATE_HZ, RolloutEnv
from arvla_ros.sim.expert import make_expert
from arvla_ros.sim.tasks import TaskStatus, make_task


@dataclass(frozen=True)
class WatchConfig:
    """What to film, and where to."""

    task: str = "reach"
    """What to do: reach, stack3 or pusht2."""
    policy: Literal["scripted"] = "scripted"
    """Who does it; a checkpoint is filmed by ros2 launch and arvla report."""
    seed: int = 0
    """The same seed gives the same film."""
    randomize: bool = False
    """Draw light, colours and camera from the seed."""
    out: Path = Path("watch.mp4")
    """Where the film goes."""


def watch(config: WatchConfig) -> int:
    """Film one episode; return 0 if it succeeded, else 1.

    Raises:
        TaskError: there is no such task.
        OSError: the film cannot be written.
    """
    film = _film_pusht2 if config.task == "pusht2" else _film_arm
    frames, rate_hz, status, instruction = film(config)
    write_film(config.out, frames, rate_hz)
    outcome = "success" if status.success else "failure"
    print(
        f"seed {config.seed}, {instruction!r}: {outcome} after {status.elapsed:.1f} s, "
        f"score {status.score:.2f}, {status.detail}; {config.out}"
    )
    return 0 if status.success else 1


Film = tuple[list[npt.NDArray[np.uint8]], float, TaskStatus, str]
"""Frames, their rate in Hz, how the episode ended, what was asked for."""


def _film_arm(config: WatchConfig) -> Film:
    contract = RobotContract.load()
    env = RolloutEnv(make_task(config.task, "pusht2"), contract, config.randomize)
    expert = make_expert(config.task, np.random.default_rng(config.seed))
    observation = env.reset(config.seed)
    camera = contract.cameras[0].name
    frames = [env.world.render(camera)]
    while not env.over:
        frames += [env.world.render(camera) for _ in env.substeps(expert.action(env.world))]
    env.close()
    return frames, GUARD_RATE_HZ, env.status(), observation.instruction


def _film_pusht2(config: WatchConfig) -> Film:
    # Not above: it needs gym-pusht, which the arm does not.
    from arvla_ros.sim.pusht2.env import RATE_HZ
    from arvla_ros.sim.pusht2.episode import INSTRUCTION, film_episode

    frames, status = film_episode(config.seed)
    return frames, RATE_HZ, status, INSTRUCTION


def write_film(path: Path, frames: list[npt.NDArray[np.uint8]], rate_hz: float) -> None:
    """Write RGB frames ``[H, W, 3]`` as an H.264 film that every browser plays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate_hz).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
