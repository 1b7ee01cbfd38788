"""Demonstrations of PushT2 as episodes of a LeRobot dataset: columns and recording."""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import arvla_ros
from arvla_ros.episodes.layout import Feature
from arvla_ros.episodes.staging import Episode, EpisodeFormat, stage
from arvla_ros.sim.demonstrations import ACTION, OBJECTS, SCORE, SEED, STAMP, STATE, SUCCESS
from arvla_ros.sim.pusht2.env import RATE_HZ, PushT2Env
from arvla_ros.sim.pusht2.episode import INSTRUCTION, run_episode
from arvla_ros.sim.pusht2.errors import PushT2Error
from arvla_ros.sim.pusht2.shape import OUTLINE, place
from arvla_ros.sim.record import RecordConfig, Recorded, demonstration_seed

CAMERA = "observation.images.table"
FULL_STATE = "full_state"
"""``[5]``: pusher x, y, T x, y, angle; ``reset(options={"state": …})`` begins there."""
IMAGE_SIZE = (96, 96)

FORMAT = EpisodeFormat(
    RATE_HZ,
    {
        STATE: Feature("float32", (2,), ("pusher.x", "pusher.y")),
        OBJECTS: Feature("float32", (16,), tuple(f"corner{k}.{axis}" for k in range(len(OUTLINE)) for axis in "xy")),
        FULL_STATE: Feature("float32", (5,), ("pusher.x", "pusher.y", "block.x", "block.y", "block.angle")),
        CAMERA: Feature("video", (*IMAGE_SIZE[::-1], 3), ("height", "width", "channels")),
        ACTION: Feature("float32", (2,), ("target.x", "target.y")),
        STAMP: Feature("int64", (1,)),
        SUCCESS: Feature("bool", (1,)),
        SCORE: Feature("float32", (1,)),
        SEED: Feature("int64", (1,)),
    },
    "pusht2",
)
"""State and keypoints by the names that LeRobot's own PushT datasets have; pixels and rad, y down."""


def source_of(config: RecordConfig) -> dict[str, Any]:
    """Return what ``meta/source.json`` says.

    Raises:
        PushT2Error: an option that only the arm has.
    """
    arms = [name for name in ("disturb", "miss", "randomize") if getattr(config, name)]
    if arms:
        raise PushT2Error(f"pusht2 has no option {', '.join(arms)}: leave it out, or record reach or stack3")
    versions = {"arvla_ros": arvla_ros.__version__, "gym-pusht": version("gym-pusht")}
    return {"task": config.task, "seed": config.seed, "versions": versions}


class PushT2Recorder:
    """What a worker process keeps between episodes."""

    def __init__(self, config: RecordConfig) -> None:
        self._seed, self._env = config.seed, PushT2Env()

    def __call__(self, index: int, folder: Path) -> Recorded:
        """Record demonstration ``index`` into a folder."""
        started = time.process_time()
        episode = demonstrate(self._env, demonstration_seed(self._seed, index))
        stage(folder, FORMAT, episode)
        success = episode.columns[SUCCESS]
        return Recorded(bool(success[-1]), len(success) / RATE_HZ, time.process_time() - started)


def demonstrate(env: PushT2Env, seed: int) -> Episode:
    """Let the expert do the task once."""
    rows: list[dict[str, Any]] = []

    def take_down(action: npt.NDArray[np.float32], info: dict[str, Any]) -> None:
        if rows:
            rows[-1].update({SUCCESS: info["success"], SCORE: info["score"]})
        rows.append(
            {
                STATE: env.agent[:2],
                OBJECTS: place(env.block, OUTLINE).reshape(-1),
                FULL_STATE: np.hstack((env.agent[:2], env.block)),
                CAMERA: env.picture(IMAGE_SIZE),
                ACTION: action,
                STAMP: round(info["elapsed"] * 1e9),
                SEED: seed,
            }
        )

    status = run_episode(seed, env, take_down)
    rows[-1].update({SUCCESS: status.success, SCORE: status.score})
    return Episode.from_steps(INSTRUCTION, rows, FORMAT)
