"""What a table may look like: boards of wood, a checker board, a gradient, stains, all computed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]

WOOD: Array = np.array([0.86, 0.75, 0.60])
# Greys with a hint of colour, so that red cups and blue or green batteries always stand out; 0 to 1.
_GREY, _HINT = (0.35, 0.95), 0.07


def wood(rng: np.random.Generator, size: int, colour: Array = WOOD) -> Pixels:
    """Return ``[size, size, 3]`` of five boards of a wood of this colour (RGB, 0 to 1)."""
    boards = 5
    along, across = np.meshgrid(np.linspace(0, 1, size), np.linspace(0, boards, size, endpoint=False))
    board = across.astype(int)
    phase, tone = rng.uniform(0, 20, boards)[board], rng.uniform(-0.03, 0.03, boards)[board]
    bend = 0.6 * np.sin(2.3 * along + phase) + 0.25 * np.sin(6.1 * along + 2 * phase)
    grain = np.sin(26 * (across + 0.12 * bend) + phase) + 0.5 * np.sin(61 * (across + 0.10 * bend) + 3 * phase)
    seam = np.abs(across - np.round(across)) < 0.006
    shade = 1 + tone + 0.022 * grain + rng.normal(0, 0.006, (size, size)) - 0.18 * seam
    return _pixels(shade[:, :, None] * colour)


def any_table(rng: np.random.Generator, size: int) -> Pixels:
    """Return ``[size, size, 3]`` of a table that is drawn from ``rng``: its pattern and its colours."""
    if rng.random() < 0.25:
        return wood(rng, size, _colour(rng))
    pattern = _PATTERNS[rng.integers(len(_PATTERNS))]
    share, first, second = pattern(rng, size)[:, :, None], _colour(rng), _colour(rng)
    return _pixels((1 - share) * first + share * second)


def _checker(rng: np.random.Generator, size: int) -> Array:
    along, across = _turned(rng, size)
    fields = rng.uniform(4, 14)
    board: Array = (np.floor(fields * along) + np.floor(fields * across)) % 2
    return board


def _gradient(rng: np.random.Generator, size: int) -> Array:
    along, _ = _turned(rng, size)
    share: Array = (along - along.min()) / np.ptp(along)
    return share


def _stains(rng: np.random.Generator, size: int) -> Array:
    """Random values at the knots of a grid, with straight lines in between."""
    knots = int(rng.integers(6, 40))
    way = np.abs(np.linspace(0, knots - 1, size)[:, None] - np.arange(knots))
    weights = np.maximum(0.0, 1.0 - way)
    stains: Array = weights @ rng.random((knots, knots)) @ weights.T
    return stains


_PATTERNS: tuple[Callable[[np.random.Generator, int], Array], ...] = (_checker, _gradient, _stains)


def _turned(rng: np.random.Generator, size: int) -> tuple[Array, Array]:
    """Return two coordinates at right angles, turned at random, about 1 from edge to edge."""
    angle, middle = rng.uniform(0, 2 * np.pi), np.linspace(-0.5, 0.5, size)
    x, y = np.meshgrid(middle, middle)
    return np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x


def _colour(rng: np.random.Generator) -> Array:
    return rng.uniform(*_GREY) * (1 + rng.uniform(-_HINT, _HINT, 3))


def _pixels(colour: Array) -> Pixels:
    return np.clip(255 * colour, 0, 255).astype(np.uint8)
