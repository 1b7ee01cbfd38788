"""What is minimised: positions told by the backbone, actions predicted by the expert, under which attention."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from arvla_ros.policy.expert import PrefixBatch, banded
from arvla_ros.policy.heads import ActionHead
from arvla_ros.policy.prefix import Seen
from arvla_ros.policy.small import SmallOutput
from arvla_ros.training.windows import SightBatch

# Position errors below this (in standard deviations of the places) count squared, larger ones linearly.
_POSITION_BEND = 0.1


def sight_loss(seen: SmallOutput, batch: SightBatch, objects: Tensor) -> Tensor:
    """Return how wrong the backbone is about where things are.

    Args:
        seen: what it made of the images.
        batch: which object each instruction names.
        objects: ``[B, n, 2]`` the true positions, normalised.
    """
    named = objects[torch.arange(len(objects)), batch.named]
    truth = torch.cat((named[:, None], objects), 1).expand_as(seen.told)
    told = functional.smooth_l1_loss(seen.told, truth, beta=_POSITION_BEND)
    return told + functional.smooth_l1_loss(seen.located, objects, beta=_POSITION_BEND)


def action_loss(head: ActionHead, predicted: Tensor, wanted: Tensor, counts: Tensor) -> Tensor:
    """Return the mean loss of ``predicted`` for ``wanted [B, T, A]``, over the tokens where ``counts [B, T]``.

    That is the squared error of a continuous head, the cross entropy of a binned one.
    """
    return (head.loss(predicted, wanted) * counts).sum() / counts.sum().clamp(min=1)


def causal_attention(inside: Tensor, history_length: int) -> Tensor:
    """Return phase 1's attention ``[B, T, T]``: every token sees the last ``history_length`` steps of its episode."""
    own = torch.eye(inside.shape[1], dtype=torch.bool, device=inside.device)
    return (banded(window_steps(inside), history_length) & inside[:, None, :]) | own


def aligned_attention(
    inside: Tensor, history_length: int, horizon: int, mask_rate: float, generator: torch.Generator
) -> Tensor:
    """Return phase 2's attention ``[B, T, T]``: as phase 1's, but supervised tokens miss earlier ones at random.

    Each of the last ``horizon`` tokens draws its own mask over *all* earlier tokens, supervised ones included, so that
    no action can be copied from the motion before it. Its own token is always visible.
    """
    visible = causal_attention(inside, history_length)
    batch, tokens = inside.shape
    kept = torch.rand(batch, horizon, tokens, generator=generator).to(inside.device) >= mask_rate
    own = torch.eye(tokens, dtype=torch.bool, device=inside.device)
    visible[:, -horizon:] &= kept | own[-horizon:]
    return visible


def anchored_prefix(seen: SmallOutput | Seen, tokens: int, horizon: int) -> PrefixBatch:
    """Return what a window of ``tokens`` sees of the scene: its history nothing, its horizon a prefix anchored there.

    Steps count from the start of the window, as ``window_steps`` gives them.
    """
    batch, places = seen.token_mask.shape
    device = seen.token_mask.device
    anchor = torch.full((batch, places), tokens - horizon, device=device)
    in_horizon = torch.arange(tokens, device=device) >= tokens - horizon
    return PrefixBatch(seen.keys, seen.values, anchor, in_horizon[None, :, None] & seen.token_mask[:, None, :])


def window_steps(inside: Tensor) -> Tensor:
    """Return the control steps ``[B, T]`` of a window's tokens, counted from its start."""
    return torch.arange(inside.shape[1], device=inside.device).expand(inside.shape)
