"""What PushT2 looks like: the same table whatever has happened on it before."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from arvla_ros.sim.pusht2.shape import OUTLINE, PUSHER_RADIUS, SIZE, Array, place

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
import pygame

_TABLE, _EDGE, _GOAL = (255, 255, 255), (211, 211, 211), (144, 238, 144)
_BLOCK, _PUSHER = (119, 136, 153), (65, 105, 225)


def draw(pusher: Array, block: Array, goals: Iterable[Array]) -> pygame.Surface:
    """Return the table, 512 x 512, with a pusher at ``[2]``, the T at pose ``[3]`` and goals at poses ``[3]``."""
    surface = pygame.Surface((SIZE, SIZE))
    surface.fill(_TABLE)
    pygame.draw.rect(surface, _EDGE, (5, 5, SIZE - 11, SIZE - 11), width=4)
    for goal in goals:
        pygame.draw.polygon(surface, _GOAL, place(goal, OUTLINE).tolist())
    pygame.draw.polygon(surface, _BLOCK, place(block, OUTLINE).tolist())
    pygame.draw.circle(surface, _PUSHER, pusher.tolist(), PUSHER_RADIUS)
    return surface


def pixels(surface: pygame.Surface, size: tuple[int, int] = (SIZE, SIZE)) -> npt.NDArray[np.uint8]:
    """Return a surface as RGB ``[height, width, 3]``, averaged to ``size`` (width, height)."""
    scaled = pygame.transform.smoothscale(surface, size)
    return np.ascontiguousarray(pygame.surfarray.array3d(scaled).transpose(1, 0, 2))
