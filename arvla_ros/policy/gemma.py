"""Gemma's decoder as a prefix reader: per-layer keys and values before rotation, and a causal suffix on top.

Runs on the modules of Hugging Face's ``GemmaModel`` and ``Gemma2Model`` (the parts of one layer have the same names in
transformers 4.57 and 5), in a loop of its own: their forward rotates keys before anyone can have them, computes a last
layer that a prefix has no use for, and scales embeddings in one version inside, in the other outside.

Two properties of the loop:

- layer *i*'s keys and values come from its input, so the prefix never passes the last layer's attention and MLP;
- the suffix reads the prefix and never the other way, so keys and values are the same with and without a suffix.

Gemma 2 narrows every other layer to a sliding window. A PaliGemma prefix is one block that sees itself whole, also in
those layers (transformers' ``block_sequence_ids``), so no window is applied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from arvla_ros.policy.rotary import Rotation, rotate, rotation


class Decoded(NamedTuple):
    """What one pass gives.

    Attributes:
        keys: ``[L, B, Hkv, N, D]`` of the prefix, not rotated, detached.
        values: ``[L, B, Hkv, N, D]``, likewise.
        suffix: ``[B, S, width]`` after the last layer's norm, with gradient; None without a suffix.
    """

    keys: Tensor
    values: Tensor
    suffix: Tensor | None


def _finish_gemma(layer: Any, x: Tensor, attended: Tensor) -> Tensor:
    x = x + attended
    finished: Tensor = x + layer.mlp(layer.post_attention_layernorm(x))
    return finished


def _finish_gemma2(layer: Any, x: Tensor, attended: Tensor) -> Tensor:
    x = x + layer.post_attention_layernorm(attended)
    finished: Tensor = x + layer.post_feedforward_layernorm(layer.mlp(layer.pre_feedforward_layernorm(x)))
    return finished


FINISH: dict[str, Callable[[Any, Tensor, Tensor], Tensor]] = {"gemma": _finish_gemma, "gemma2": _finish_gemma2}
"""What follows attention in a layer, for every language model (``model_type``) that a PaliGemma may have."""


def decode(decoder: nn.Module, x: Tensor, present: Tensor, prefix_tokens: int) -> Decoded:
    """Pass a prefix, and the suffix that may follow it, through the layers.

    Args:
        decoder: Hugging Face's ``GemmaModel`` or ``Gemma2Model``.
        x: ``[B, N + S, width]`` scaled embeddings, the prefix first.
        present: ``[B, N + S]`` bool, False where padded; every row has something in its prefix.
        prefix_tokens: N.

    Returns:
        Keys and values of the prefix, and the suffix's last features.
    """
    parts: Any = decoder
    config, prefix = parts.config, slice(0, prefix_tokens)
    # Positions count from 1, and padding takes none, as in PaliGemma.
    turn = rotation(present.cumsum(1)[:, None], config.head_dim, _rope_base(config), x.dtype)
    visible = _visible(present, prefix_tokens)
    keys, values = [], []
    for index, layer in enumerate(parts.layers):
        attention, normed = layer.self_attn, layer.input_layernorm(x)
        key = _heads(attention.k_proj(normed), config.head_dim)
        value = _heads(attention.v_proj(normed), config.head_dim)
        keys.append(key[:, :, prefix].detach())
        values.append(value[:, :, prefix].detach())
        first = prefix_tokens if index == len(parts.layers) - 1 else 0  # the rows from here on go through the layer
        if first == x.shape[1]:
            return Decoded(torch.stack(keys), torch.stack(values), None)
        query = rotate(_heads(attention.q_proj(normed[:, first:]), config.head_dim), _rows(turn, first))
        attended = attend(
            query,
            rotate(key, turn),
            value,
            visible[:, :, first:],
            scale=attention.scaling,
            softcap=getattr(config, "attn_logit_softcapping", None),
        )
        attended = attention.o_proj(attended.transpose(1, 2).flatten(2))
        x = FINISH[config.model_type](layer, x[:, first:], attended)
    return Decoded(torch.stack(keys), torch.stack(values), parts.norm(x))


def attend(
    query: Tensor, key: Tensor, value: Tensor, visible: Tensor, *, scale: float, softcap: float | None
) -> Tensor:
    """Attend with rotated ``query [B, Hq, T, D]`` to ``key, value [B, Hkv, K, D]`` where ``visible [B, 1, T, K]``.

    Args:
        query: rotated.
        key: rotated.
        value: not rotated.
        visible: bool, at least one True in every row.
        scale: factor of the scores.
        softcap: Gemma 2's bound of a score, approached as tanh does; None for none.

    Returns:
        ``[B, Hq, T, D]``.
    """
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    if softcap is None:
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=visible, scale=scale)
    scores = query @ key.mT * scale
    scores = softcap * torch.tanh(scores / softcap)
    weights = scores.masked_fill(~visible, float("-inf")).softmax(-1, dtype=torch.float32)
    return weights.to(value.dtype) @ value


def _visible(present: Tensor, prefix_tokens: int) -> Tensor:
    """Return ``[B, 1, T, T]`` bool, what (last axis) each token sees: the whole prefix, the suffix up to itself."""
    index = torch.arange(present.shape[1], device=present.device)
    allowed = (index < prefix_tokens) | (index <= index[:, None])
    return (allowed & present[:, None])[:, None]


def _rows(turn: Rotation, first: int) -> Rotation:
    return Rotation(turn.cos[..., first:, :], turn.sin[..., first:, :])


def _heads(x: Tensor, head_dim: int) -> Tensor:
    """Turn ``x [B, T, heads * D]`` into ``[B, heads, T, D]``."""
    return x.reshape(*x.shape[:2], -1, head_dim).transpose(1, 2)


def _rope_base(config: Any) -> float:
    """Return the rotary base, which transformers 5 keeps in a dictionary."""
    parameters = getattr(config, "rope_parameters", None)
    return float(parameters["rope_theta"] if parameters else config.rope_theta)
