"""Rotary position embedding that stays exact at any step.

A rotated score depends on the difference of two steps alone: ``<R(t) q, R(p) k> = <R(t - p) q, k>``. So absolute steps
never become angles here: callers subtract integers first, and angles are taken in float64. Float32 angles of absolute
steps would be off by 1e-2 at step 10^6.

Source: Su et al., RoFormer (arXiv 2104.09864); pairs are (i, i + D/2), as in Gemma.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import torch
from torch import Tensor


class Rotation(NamedTuple):
    """Cosines and signed sines ``[..., D]`` of one rotation for each leading index."""

    cos: Tensor
    sin: Tensor


@functools.lru_cache(maxsize=32)
def frequencies(head_dim: int, base: float, device: torch.device) -> Tensor:
    """Return the angle in rad that each pair turns per step, ``[D/2]`` in float64.

    Raises:
        ValueError: ``head_dim`` is odd.
    """
    if head_dim % 2:
        raise ValueError(f"rotary embedding needs an even head_dim, got {head_dim}")
    with torch.inference_mode(False):  # kept for later calls, which may record gradients
        exponents = torch.arange(0, head_dim, 2, dtype=torch.float64, device=device) / head_dim
        return torch.pow(base, -exponents)


def rotation(differences: Tensor, head_dim: int, base: float, dtype: torch.dtype = torch.float32) -> Rotation:
    """Return the rotation by a step difference, for every entry of the integer tensor ``differences [...]``."""
    angles = differences.to(torch.float64)[..., None] * frequencies(head_dim, base, differences.device)
    cos, sin = angles.cos(), angles.sin()
    return Rotation(torch.cat((cos, cos), -1).to(dtype), torch.cat((-sin, sin), -1).to(dtype))


def rotate(vectors: Tensor, by: Rotation) -> Tensor:
    """Rotate ``vectors [..., D]``; the rotation broadcasts against them."""
    half = vectors.shape[-1] // 2
    return torch.addcmul(vectors * by.cos, vectors.roll(half, -1), by.sin)
