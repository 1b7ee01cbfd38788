"""Drive PushT2 with the mouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from arvla_ros.sim.pusht2.env import GOALS, PushT2Env  # before pygame: it says what is missing
from arvla_ros.sim.pusht2.shape import Array

import pygame  # isort: skip

# How near to the pusher the mouse takes hold of it, pixels: the pusher shall not dash across the T at the start.
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
        WindowError: there is no display.
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


class Hand:
    """The mouse, which takes the pusher along once it has been on it."""

    def __init__(self) -> None:
        self._place: Array | None = None
        self._holds = False

    def target(self, pusher: Array) -> Array:
        """Return where the pusher ``[2]`` goes next: to the mouse, or nowhere."""
        return self._place if self._holds and self._place is not None else pusher

    def move(self, place: tuple[int, int], pusher: Array) -> None:
        """Take note of the mouse at ``place``, pixels of the window."""
        self._place = np.array(place, dtype=np.float64)
        self._holds = self._holds or bool(np.hypot(*(self._place - pusher)) < _PICK_UP)


def _episode(env: PushT2Env, seed: int) -> bool:
    """Drive one episode; return whether there shall be another."""
    _, info = env.reset(seed=seed)
    hand, over = Hand(), False
    while not over:
        pygame.display.set_caption(caption(info))
        for event in pygame.event.get():
            if event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE):
                return False
            if event.type == pygame.KEYDOWN and event.key == pygame.K_r:
                return True
            if event.type == pygame.MOUSEMOTION:
                hand.move(event.pos, env.agent[:2])
        _, _, success, truncated, info = env.step(hand.target(env.agent[:2]).astype(np.float32))
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
