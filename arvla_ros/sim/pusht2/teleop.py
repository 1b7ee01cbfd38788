"""Drive PushT2 with the mouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from arvla_ros.sim.pusht2.env import GOALS, PushT2Env  # before pygame: it says what is missing

import pygame  # isort: skip

# The pusher follows the mouse once the mouse has been this near to it, pixels: it shall not dash across the T.
_PICK_UP = 30.0


@dataclass(frozen=True)
class TeleopConfig:
    """What to drive."""

    task: Literal["pusht2"] = "pusht2"
    """What to do."""
    seed: int = 0
    """Of the first episode; each takes the next."""


def teleop(config: TeleopConfig) -> int:
    """Let the mouse drive the pusher until the window is closed; return the exit code.

    Raises:
        PushT2Error: there is no display.
    """
    env = PushT2Env(render_mode="human")
    env.reset(seed=config.seed)
    env.render()
    print("move the mouse onto the blue pusher to take it along; R: the next episode; Esc: end")
    seed = config.seed
    while _episode(env, seed):
        seed += 1
    env.close()
    return 0


def _episode(env: PushT2Env, seed: int) -> bool:
    """Drive one episode; return whether there shall be another."""
    _, info = env.reset(seed=seed)
    over = following = False
    while not over:
        pygame.display.set_caption(caption(info))
        for event in pygame.event.get():
            if event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE):
                return False
            if event.type == pygame.KEYDOWN and event.key == pygame.K_r:
                return True
        mouse, pusher = np.array(pygame.mouse.get_pos(), np.float32), env.agent[:2].astype(np.float32)
        following = following or bool(np.hypot(*(mouse - pusher)) < _PICK_UP)
        _, _, success, truncated, info = env.step(mouse if following else pusher)
        over = success or truncated
    print(f"seed {seed}: {'success' if info['success'] else 'failure'} after {info['elapsed']:.1f} s, {caption(info)}")
    return True


def caption(info: dict[str, Any]) -> str:
    """Return score and coverage in one line."""
    covered = ", ".join(
        f"{name} {share:.0%}{' done' if name in info['milestones'] else ''}"
        for name, share in zip(GOALS, info["coverage"], strict=True)
    )
    return f"PushT2: score {info['score']:.1f}, {covered}"
