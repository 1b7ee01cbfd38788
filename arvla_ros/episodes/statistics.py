"""What ``stats.json`` says of a feature: minimum, maximum, mean, deviation, quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Stats = dict[str, npt.NDArray[Any]]

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
STATISTICS = ("min", "max", "mean", "std", "count", *QUANTILES)
"""What there is of a feature."""
# Of a large picture every n-th pixel is counted, so that at most about so many are left along a side.
_COUNTED_PIXELS = 300


def describe(values: npt.NDArray[Any]) -> Stats:
    """Return the statistics of ``values [T, …]`` over their steps, each of the shape of one step; ``count [1]``."""
    numbers = values.reshape(len(values), -1).astype(np.float64)
    return {
        "min": numbers.min(axis=0),
        "max": numbers.max(axis=0),
        "mean": numbers.mean(axis=0),
        "std": numbers.std(axis=0),
        "count": np.array([len(numbers)]),
        **{name: np.quantile(numbers, share, axis=0) for name, share in QUANTILES.items()},
    }


def describe_images(frames: npt.NDArray[np.uint8]) -> Stats:
    """Return the statistics of ``frames [T, H, W, 3]`` a channel, ``[3, 1, 1]`` in 0 to 1; ``count [1]`` is T."""
    stride = -(-max(frames.shape[1:3]) // _COUNTED_PIXELS)
    pixels = frames[:, ::stride, ::stride].reshape(-1, 3)
    # A histogram holds all there is to know of 8-bit values, and is cheaper than sorting them.
    counts = np.stack([np.bincount(pixels[:, channel], minlength=256) for channel in range(3)])
    levels, shares = np.arange(256) / 255, counts / len(pixels)
    mean = shares @ levels
    below = np.cumsum(counts, axis=1)
    per_channel = {
        "min": levels[(counts > 0).argmax(axis=1)],
        "max": levels[255 - (counts[:, ::-1] > 0).argmax(axis=1)],
        "mean": mean,
        "std": np.sqrt((shares * (levels - mean[:, None]) ** 2).sum(axis=1)),
        **{name: levels[(below >= share * len(pixels)).argmax(axis=1)] for name, share in QUANTILES.items()},
    }
    return {"count": np.array([len(frames)]), **{name: value.reshape(3, 1, 1) for name, value in per_channel.items()}}


def merge(parts: Sequence[Stats]) -> Stats:
    """Return the statistics of all parts together; quantiles are the weighted mean of theirs, as in LeRobot."""
    counts = np.array([part["count"][0] for part in parts])
    stacked = {name: np.stack([part[name] for part in parts]) for name in parts[0] if name != "count"}

    def average(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(np.average(values, axis=0, weights=counts))

    mean = average(stacked["mean"])
    return {
        "min": stacked["min"].min(axis=0),
        "max": stacked["max"].max(axis=0),
        "mean": mean,
        "std": np.sqrt(average(stacked["std"] ** 2 + (stacked["mean"] - mean) ** 2)),
        "count": np.array([counts.sum()]),
        **{name: average(stacked[name]) for name in QUANTILES},
    }


def to_lists(stats: Stats) -> dict[str, Any]:
    """Return the statistics as JSON and Parquet hold them."""
    return {name: value.tolist() for name, value in stats.items()}


def from_lists(stats: dict[str, Any]) -> Stats:
    """Return what ``to_lists`` was given."""
    return {name: np.asarray(value) for name, value in stats.items()}
