"""One episode of PushT2 by the scripted expert."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from arvla_ros.sim.pusht2.env import GOALS, PushT2Env
from arvla_ros.sim.pusht2.expert import PushT2Expert
from arvla_ros.sim.tasks.base import TaskStatus

INSTRUCTION = "push the T onto both goals"


def run_episode(
    seed: int,
    env: PushT2Env | None = None,
    watch: Callable[[npt.NDArray[np.float32], dict[str, Any]], None] | None = None,
) -> TaskStatus:
    """Let the expert drive the episode ``seed`` and return how it stands at its end.

    Args:
        seed: Of the start, and of the expert's order and style.
        env: Where to drive; a new one by default.
        watch: Is given every action before it is executed, and the ``info`` of the step before.
    """
    env = env or PushT2Env()
    _, info = env.reset(seed=seed)
    expert = PushT2Expert(np.random.default_rng((seed, 1)))
    over = False
    while not over:
        action = expert.action(env.agent, env.block, info["milestones"]).astype(np.float32)
        if watch is not None:
            watch(action, info)
        _, _, success, truncated, info = env.step(action)
        over = success or truncated
    covered = ", ".join(f"{name} {share:.2f}" for name, share in zip(GOALS, info["coverage"], strict=True))
    return TaskStatus(info["score"], info["success"], info["elapsed"], f"covered {covered}", info["milestones"])


def film_episode(seed: int) -> tuple[list[npt.NDArray[np.uint8]], TaskStatus]:
    """Return what ``run_episode`` looks like, RGB ``[512, 512, 3]`` at ``RATE_HZ``, and what it returns."""
    env = PushT2Env()
    frames: list[npt.NDArray[np.uint8]] = []
    status = run_episode(seed, env, lambda *_: frames.append(env.picture()))
    return [*frames, env.picture()], status
