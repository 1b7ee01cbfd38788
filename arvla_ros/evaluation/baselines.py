"""What the streaming action expert is compared with: the same trunk, used as other policies use theirs.

Both take an ``ActionExpert`` and run its very weights, so that size, width, heads and arithmetic are equal by
construction and only the way of making actions differs:

- ``FlowMatchingChunk`` denoises a chunk of future actions, as pi0 does (Black et al., arXiv 2410.24164);
- ``reencode`` runs the whole history through the expert at every step, with no cache.

Both are pure tensor functions of fixed shapes without a host sync, so that a CUDA graph can hold them too.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from arvla_ros.policy.expert import ActionExpert, DecoderLayer, PrefixBatch, banded
from arvla_ros.policy.prefix import Prefix
from arvla_ros.policy.rotary import Rotation, rotate, rotation

# Periods between which pi0 spaces the waves of its time embedding; denoising time runs from 1 (noise) to 0 (actions).
SHORTEST_PERIOD, LONGEST_PERIOD = 4e-3, 4.0


class _Seen(NamedTuple):
    """What a chunk's tokens attend to beside each other, made once a chunk.

    Attributes:
        keys: of each layer, ``[1, Hkv, N, D]``, rotated.
        values: of each layer, likewise.
        visible: ``[T, N + T]`` bool.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    visible: Tensor


class FlowMatchingChunk(nn.Module):
    """A flow-matching action head with the trunk of an action expert, laid out as pi0's.

    The tokens are the measured state, then the noisy actions of the horizon, each fused with the denoising time by an
    MLP. The state attends to the prefix and itself, the actions to prefix, state and each other. The prefix is rotated
    once a chunk, and the time embeddings, which never change, are kept: a head as fast as this kind can be.

    Args:
        expert: lends its trunk, its token layer for the state and its output layer for the velocity.
        horizon: actions in a chunk, ``F``.
        euler_steps: passes through the trunk for one chunk.
    """

    times: Tensor

    def __init__(self, expert: ActionExpert, horizon: int = 8, euler_steps: int = 10) -> None:
        super().__init__()
        width, weight = expert.config.width, expert.token_in.weight
        self.expert = expert
        self.horizon = horizon
        self.action_in = nn.Linear(expert.config.action_size, width)
        self.time_mlp = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, width))
        self.register_buffer(
            "times", time_embedding(1.0 - torch.arange(euler_steps, dtype=torch.float64) / euler_steps, width)
        )
        self.to(weight.device, weight.dtype)

    @torch.inference_mode()
    def forward(self, state: Tensor, noise: Tensor, prefix: Prefix, staleness: Tensor) -> Tensor:
        """Denoise one chunk.

        Args:
            state: ``[S]``, normalised.
            noise: ``[F, A]``, standard normal.
            prefix: what is seen of the scene.
            staleness: ``[]`` int64, steps since the prefix's image was captured.

        Returns:
            ``[F, A]`` normalised actions.
        """
        config = self.expert.config
        turn = functools.partial(rotation, head_dim=config.head_dim, base=config.rope_base, dtype=noise.dtype)
        # The state is of now, step 0, and so is the first action.
        steps = torch.arange(-1, self.horizon, device=noise.device).clamp(min=0)
        by_step, by_anchor = turn(steps), turn(-staleness)
        seen = _Seen(
            rotate(prefix.keys[:, None], by_anchor).unbind(0), prefix.values[:, None].unbind(0), self._visible(prefix)
        )
        state_token = self.expert.token_in(state)[None]

        def velocity(actions: Tensor, index: int) -> Tensor:
            time = self.times[index].expand(self.horizon, -1)
            action_tokens = self.time_mlp(torch.cat((self.action_in(actions), time), -1))
            x = torch.cat((state_token, action_tokens))[None]
            for layer, keys, values in zip(self.expert.decoder_layers, seen.keys, seen.values, strict=True):
                x = _chunk_layer(layer, x, by_step, keys, values, seen.visible)
            return self.expert.act(self.expert.norm(x[0, 1:]))

        return integrate(velocity, noise, len(self.times))

    def _visible(self, prefix: Prefix) -> Tensor:
        """Return what each token attends to, ``[1 + F, N + 1 + F]``: the state not to the actions, as in pi0."""
        tokens = 1 + self.horizon
        among_tokens = prefix.token_mask.new_ones(tokens, tokens)
        among_tokens[0, 1:] = False
        return torch.cat((prefix.token_mask.expand(tokens, -1), among_tokens), -1)


@torch.inference_mode()
def reencode(expert: ActionExpert, tokens: Tensor, prefix: Prefix, staleness: Tensor) -> Tensor:
    """Return the action of the last of some tokens, all of which pass through the expert anew.

    While no more tokens came than are given, this is the streaming expert's action. Later the streaming expert
    remembers more: the keys in its cache were made with the history of *their* step, so with ``L`` layers it reaches
    back ``L * (H - 1)`` steps. Given that many tokens and one more, this gives the same action again.

    Args:
        expert: runs the tokens.
        tokens: ``[T, S]`` normalised states of successive steps, the last one now.
        prefix: what all of them see of the scene.
        staleness: ``[]`` int64, steps since the prefix's image was captured.

    Returns:
        ``[A]`` normalised action.
    """
    count = len(tokens)
    steps = torch.arange(1 - count, 1, device=tokens.device)[None]
    anchors = -staleness.expand(1, len(prefix.token_mask))
    visible_prefix = prefix.token_mask.expand(1, count, -1)
    seen = PrefixBatch(prefix.keys[:, None], prefix.values[:, None], anchors, visible_prefix)
    actions: Tensor = expert(tokens[None], steps, banded(steps, expert.config.history_length), seen)
    return actions[0, -1]


def integrate(velocity: Callable[[Tensor, int], Tensor], noise: Tensor, euler_steps: int) -> Tensor:
    """Follow a velocity field from noise (time 1) to actions (time 0) in equal Euler steps.

    Args:
        velocity: gives the velocity at a point, shaped like it, and an index of the step: time ``1 - index / steps``.
        noise: where to begin.
        euler_steps: how many.

    Returns:
        Where it ends, shaped like ``noise``.
    """
    point = noise
    for index in range(euler_steps):
        point = point - velocity(point, index) / euler_steps
    return point


def time_embedding(times: Tensor, width: int) -> Tensor:
    """Return sines and cosines ``[n, width]`` of ``times [n]`` at geometrically spaced periods, as in pi0."""
    exponents = torch.linspace(0.0, 1.0, width // 2, dtype=torch.float64)
    periods = SHORTEST_PERIOD * (LONGEST_PERIOD / SHORTEST_PERIOD) ** exponents
    angles = 2 * math.pi * times.to(torch.float64)[:, None] / periods
    return torch.cat((angles.sin(), angles.cos()), -1)


def _chunk_layer(
    layer: DecoderLayer, x: Tensor, by_step: Rotation, keys: Tensor, values: Tensor, visible: Tensor
) -> Tensor:
    """Pass the tokens ``x [1, T, width]`` of a chunk through one layer.

    All query heads that share a key/value head form one longer axis of queries, so that no key is copied.
    """
    kv_heads, head_dim = keys.shape[1], keys.shape[-1]
    heads = layer.project(x).view(1, x.shape[1], -1, head_dim).transpose(1, 2)
    query, key, value = heads.split_with_sizes([heads.shape[1] - 2 * kv_heads, kv_heads, kv_heads], 1)
    query, key = rotate(query, by_step), rotate(key, by_step)
    groups = query.shape[1] // kv_heads
    read = functional.scaled_dot_product_attention(
        query.reshape(1, kv_heads, -1, head_dim),
        torch.cat((keys, key), -2),
        torch.cat((values, value), -2),
        attn_mask=visible.repeat(groups, 1),
    )
    return layer.finish(x, read.reshape(1, -1, x.shape[1], head_dim).transpose(1, 2).flatten(-2))
