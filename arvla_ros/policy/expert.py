"""The autoregressive action expert: a transformer decoder over one token a control step.

Expert layer i attends to its own past tokens and to layer i of the vision-language prefix (AR-VLA sections III-B, V-A).
``forward`` runs whole sequences, for training; ``ExpertStepper`` takes in one token at a time through a
``HybridCache`` and computes the same function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from arvla_ros.policy.cache import HybridCache
from arvla_ros.policy.heads import make_head
from arvla_ros.policy.rotary import rotate, rotation


@dataclass(frozen=True)
class ExpertConfig:
    """Shape of an action expert.

    Attributes:
        layers: decoder layers, as many as the backbone gives keys and values for.
        width: model dimension.
        mlp_width: hidden dimension of the feed-forward part.
        query_heads: query heads.
        kv_heads: key/value heads, each shared by ``query_heads / kv_heads`` query heads.
        head_dim: dimension of a head, even.
        activation: ``relu``, or ``gelu_tanh_gated`` as in Gemma.
        state_size: length of a token's content, the measured state.
        action_size: length of an action.
        history_length: steps that a token reaches back, itself included, in training and by default at run time.
        horizon: future steps supervised under one prefix; staleness 0 … horizon - 1 is what the expert has seen.
        rope_base: base of the rotary frequencies.
        bins: values that each dimension of an action can take; 0 for a continuous head.

    Raises:
        ValueError: a size is not positive, or heads do not divide.
    """

    layers: int = 3
    width: int = 128
    mlp_width: int = 256
    query_heads: int = 4
    kv_heads: int = 4
    head_dim: int = 32
    activation: Literal["relu", "gelu_tanh_gated"] = "relu"
    state_size: int = 7
    action_size: int = 7
    history_length: int = 16
    horizon: int = 16
    rope_base: float = 100.0
    bins: int = 0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name not in ("activation", "bins") and not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        if self.query_heads % self.kv_heads:
            raise ValueError(f"query_heads {self.query_heads} is not a multiple of kv_heads {self.kv_heads}")
        if self.head_dim % 2:
            raise ValueError(f"head_dim must be even for the rotary embedding, got {self.head_dim}")
        if self.bins == 1 or self.bins < 0:
            raise ValueError(f"bins must be 0 (a continuous head) or at least 2, got {self.bins}")
        if self.activation not in _MLPS:
            raise ValueError(f"activation {self.activation!r} is none of {', '.join(_MLPS)}")


@dataclass(frozen=True)
class PrefixBatch:
    """Prefixes of a batch of sequences, for ``ActionExpert.forward``.

    A sequence that saw several prefixes has them side by side along the token axis.

    Attributes:
        keys: ``[L, B, Hkv, N, D]``, not rotated.
        values: ``[L, B, Hkv, N, D]``.
        steps: ``[B, N]`` int64, the step at which each prefix token's image was captured.
        visible: ``[B, T, N]`` bool, which prefix tokens each action token attends to.
    """

    keys: Tensor
    values: Tensor
    steps: Tensor
    visible: Tensor


class RmsNorm(nn.Module):
    """Root-mean-square normalisation with a gain of ``1 + weight``, as in Gemma."""

    eps = 1e-6

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x [..., width]`` over its last axis."""
        return functional.rms_norm(x, self.weight.shape, 1.0 + self.weight, self.eps)


class ReluMlp(nn.Module):
    """Feed-forward part with one hidden layer."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x [..., width]`` to the same shape."""
        projected: Tensor = self.down(self.up(x).relu_())
        return projected

    def adder(self) -> Callable[[Tensor, Tensor], Tensor]:
        """Return a function of a residual and ``x``, ``[B, width]`` each, that gives their sum with ``forward(x)``."""
        up, up_bias, down, down_bias = self.up.weight.t(), self.up.bias, self.down.weight.t(), self.down.bias

        def add(residual: Tensor, x: Tensor) -> Tensor:
            hidden = torch.addmm(up_bias, x, up).relu_()
            return torch.addmm(residual, hidden, down).add_(down_bias)

        return add


class GatedGeluMlp(nn.Module):
    """Gemma's feed-forward part: a hidden layer gated by GELU (tanh approximation), no biases."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate_up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x [..., width]`` to the same shape."""
        gate, up = self.gate_up(x).chunk(2, -1)
        projected: Tensor = self.down(functional.gelu(gate, approximate="tanh") * up)
        return projected

    def adder(self) -> Callable[[Tensor, Tensor], Tensor]:
        """Return a function of a residual and ``x``, ``[B, width]`` each, that gives their sum with ``forward(x)``."""
        gate_up, down = self.gate_up.weight.t(), self.down.weight.t()

        def add(residual: Tensor, x: Tensor) -> Tensor:
            gate, up = torch.mm(x, gate_up).chunk(2, -1)
            return torch.addmm(residual, functional.gelu(gate, approximate="tanh").mul_(up), down)

        return add


_MLPS: dict[str, type[ReluMlp] | type[GatedGeluMlp]] = {"relu": ReluMlp, "gelu_tanh_gated": GatedGeluMlp}


class DecoderLayer(nn.Module):
    """Attention over both streams, then the feed-forward part; normalisation first, as in Gemma."""

    def __init__(self, config: ExpertConfig) -> None:
        super().__init__()
        queries, keys = config.query_heads * config.head_dim, config.kv_heads * config.head_dim
        self.attention_norm = RmsNorm(config.width)
        self.query_key_value = nn.Linear(config.width, queries + 2 * keys, bias=False)
        self.out = nn.Linear(queries, config.width, bias=False)
        self.mlp_norm = RmsNorm(config.width)
        self.mlp = _MLPS[config.activation](config.width, config.mlp_width)

    def project(self, x: Tensor) -> Tensor:
        """Return queries, keys and values ``[..., (Hq + 2 Hkv) * D]`` of ``x [..., width]``, not rotated."""
        projected: Tensor = self.query_key_value(self.attention_norm(x))
        return projected

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """Add what attention read, ``[..., Hq * D]``, to ``x [..., width]``, and pass it through the MLP."""
        x = x + self.out(attended)
        finished: Tensor = x + self.mlp(self.mlp_norm(x))
        return finished


class ActionExpert(nn.Module):
    """Predicts the normalised action of every token from the normalised states up to it and the prefix."""

    def __init__(self, config: ExpertConfig) -> None:
        super().__init__()
        self.config = config
        self.token_in = nn.Linear(config.state_size, config.width)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.layers))
        self.norm = RmsNorm(config.width)
        self.action_out = make_head(config.width, config.action_size, config.bins)

    def new_cache(self, prefix_tokens: int, capacity: int | None = None, robots: int = 1) -> HybridCache:
        """Return an empty cache for an ``ExpertStepper``.

        Args:
            prefix_tokens: the longest prefix that it can hold.
            capacity: the longest history that can be asked for; by default the config's history length.
            robots: how many robots step together.
        """
        config, weight = self.config, self.token_in.weight
        return HybridCache(
            layers=config.layers,
            query_heads=config.query_heads,
            kv_heads=config.kv_heads,
            head_dim=config.head_dim,
            rope_base=config.rope_base,
            capacity=capacity or config.history_length,
            prefix_tokens=prefix_tokens,
            history_length=config.history_length,
            robots=robots,
            dtype=weight.dtype,
            device=weight.device,
        )

    def forward(self, tokens: Tensor, steps: Tensor, visible: Tensor, prefix: PrefixBatch | None = None) -> Tensor:
        """Run whole sequences.

        Args:
            tokens: ``[B, T, S]`` normalised states.
            steps: ``[B, T]`` int64, the control step of each token; any origin.
            visible: ``[B, T, T]`` bool, which tokens (last axis) each token attends to; see ``banded``.
            prefix: what the tokens see of the scene; None for action-only sequences.

        Returns:
            What the head makes of every token, for its ``loss``: ``[B, T, A]`` normalised actions if it is
            continuous, ``[B, T, A, bins]`` logits if it is binned.
        """
        config = self.config
        origin = steps[:, :1]
        turn = functools.partial(rotation, head_dim=config.head_dim, base=config.rope_base, dtype=tokens.dtype)
        action_turn = turn((steps - origin)[:, None])
        if prefix is not None:
            # A backbone may compute in half the precision of the expert that is trained.
            prefix_keys = rotate(prefix.keys.to(tokens.dtype), turn((prefix.steps - origin)[:, None]))
            prefix_values = prefix.values.to(tokens.dtype)
            visible = torch.cat((visible, prefix.visible), -1)
        split_sizes = [config.query_heads, config.kv_heads, config.kv_heads]
        x = self.token_in(tokens)
        for index, layer in enumerate(self.decoder_layers):
            projected = layer.project(x)
            heads = projected.view(*projected.shape[:2], -1, config.head_dim).transpose(1, 2)
            query, key, value = heads.split_with_sizes(split_sizes, 1)
            query, key = rotate(query, action_turn), rotate(key, action_turn)
            if prefix is not None:
                key = torch.cat((key, prefix_keys[index]), -2)
                value = torch.cat((value, prefix_values[index]), -2)
            x = layer.finish(x, _attention(query, key, value, visible))
        predicted: Tensor = self.action_out(self.norm(x))
        return predicted

    def act(self, x: Tensor) -> Tensor:
        """Return the normalised actions ``[..., A]`` of what the last norm gave, ``[..., width]``."""
        return self.action_out.decode(self.action_out(x))

    @property
    def decoder_layers(self) -> list[DecoderLayer]:
        """The layers, from the first to the last."""
        return cast("list[DecoderLayer]", list(self.layers))


def banded(steps: Tensor, history_length: int) -> Tensor:
    """Return which tokens of ``steps [B, T]`` each token attends to, ``[B, T, T]`` bool: those of the last H steps."""
    ages = steps[:, :, None] - steps[:, None, :]
    return (ages >= 0) & (ages < history_length)


def _attention(query: Tensor, key: Tensor, value: Tensor, visible: Tensor) -> Tensor:
    """Attend with ``query [B, Hq, T, D]`` to ``key, value [B, Hkv, K, D]`` under ``visible [B, T, K]``."""
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    read = functional.scaled_dot_product_attention(query, key, value, attn_mask=visible[:, None])
    return read.transpose(1, 2).flatten(-2)
