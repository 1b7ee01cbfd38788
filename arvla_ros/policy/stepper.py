"""The streaming step of an action expert: one token of each robot in, one action of each out.

It computes what ``ActionExpert.forward`` computes, as a flat list of matrix products over the expert's own weights: no
module calls, buffers that stay where they are, and on a GPU one captured graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from arvla_ros.policy.cache import HybridCache
from arvla_ros.policy.capture import Captured
from arvla_ros.policy.expert import ActionExpert, DecoderLayer, RmsNorm


class ExpertStepper:
    """Takes in one token a control step of each robot.

    Attributes:
        expert: whose weights are used; they must not change afterwards.
        cache: what has been taken in; it is emptied first.
    """

    def __init__(self, expert: ActionExpert, cache: HybridCache) -> None:
        """Tie an expert to the cache that ``expert.new_cache`` made."""
        config, weight = expert.config, expert.token_in.weight
        lay_out_for_steps(expert)
        self.expert = expert.eval()
        self.cache = cache
        self._token_in = expert.token_in.bias, expert.token_in.weight.t()
        self._layers = [_Layer.of(layer) for layer in expert.decoder_layers]
        self._norm = _norm(expert.norm)
        on_gpu = weight.is_cuda
        self._tokens_host = torch.zeros((cache.robots, config.state_size), pin_memory=on_gpu)
        self._actions_host = torch.zeros((cache.robots, config.action_size), pin_memory=on_gpu)
        self._tokens, self._actions = self._tokens_host.to(weight), self._actions_host.to(weight)
        with torch.inference_mode():
            self._advance = Captured(self._compute, weight.device)
        cache.reset()

    @torch.inference_mode()
    def step(
        self, tokens: npt.NDArray[np.floating[Any]], steps: npt.NDArray[np.integer[Any]]
    ) -> npt.NDArray[np.float32]:
        """Take in one token of each robot, ``[B, S]``, and return their actions ``[B, A]``, both normalised.

        Raises:
            ValueError: one of ``steps [B]`` is not after the last step that this robot took in; nothing has changed.
        """
        self.cache.begin(steps)
        self._tokens_host.numpy()[:] = tokens
        if self._tokens is not self._tokens_host:
            self._tokens.copy_(self._tokens_host, non_blocking=True)
        self._advance()
        if self._actions is not self._actions_host:
            self._actions_host.copy_(self._actions)
        actions: npt.NDArray[np.float32] = self._actions_host.numpy().copy()
        return actions

    def _compute(self) -> None:
        cache = self.cache
        cache.place()
        bias, weight = self._token_in
        x = torch.addmm(bias, self._tokens, weight)
        for index, layer in enumerate(self._layers):
            torch.mm(layer.attention_norm(x), layer.query_key_value, out=cache.projected[index])
            x = torch.addmm(x, cache.attend(index), layer.out)
            x = layer.add_mlp(x, layer.mlp_norm(x))
        cache.commit()
        self._actions.copy_(self.expert.act(self._norm(x)))


def lay_out_for_steps(expert: ActionExpert) -> None:
    """Store wide float32 weights on a CPU column by column, where products with one row run up to twice as fast.

    Only the order in memory changes, not the values.
    """
    for module in expert.modules():
        if isinstance(module, nn.Linear) and module.weight.device.type == "cpu":
            wide = module.out_features > module.in_features
            if wide and module.weight.dtype == torch.float32:
                module.weight.data = module.weight.data.t().contiguous().t()


class _Layer(NamedTuple):
    """A decoder layer as functions and transposed weights."""

    attention_norm: Callable[[Tensor], Tensor]
    query_key_value: Tensor
    out: Tensor
    mlp_norm: Callable[[Tensor], Tensor]
    add_mlp: Callable[[Tensor, Tensor], Tensor]

    @classmethod
    def of(cls, layer: DecoderLayer) -> _Layer:
        return cls(
            _norm(layer.attention_norm),
            layer.query_key_value.weight.t(),
            layer.out.weight.t(),
            _norm(layer.mlp_norm),
            layer.mlp.adder(),
        )


def _norm(norm: RmsNorm) -> Callable[[Tensor], Tensor]:
    """Return what ``norm`` computes, in few calls: sqrt(mean(x²) + eps) is hypot(|x|, sqrt(n eps)) / sqrt(n)."""
    size = norm.weight.numel()
    floor = torch.tensor(math.sqrt(size * norm.eps), device=norm.weight.device)
    gain = math.sqrt(size) * (1.0 + norm.weight.float())
    dtype = norm.weight.dtype

    def normalize(x: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        normalized: Tensor = (x / length.hypot_(floor) * gain).to(dtype)
        return normalized

    return normalize
