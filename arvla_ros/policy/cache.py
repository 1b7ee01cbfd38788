"""The hybrid key/value cache: a rolling stream of action tokens beside one replaceable vision-language prefix.

AR-VLA section III-B. At step t an action query attends to the action tokens of the last H steps and to every token of
the prefix, each key rotated to its own step: action tokens to the step they were taken in at, prefix tokens all to the
step v at which their image was captured. Both are computed in the frame in which *now* is step zero, from integer
differences, so that the output is the same bit for bit wherever on the timeline the policy stands.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from arvla_ros.policy.prefix import Prefix, PrefixError
from arvla_ros.policy.rotary import Rotation, rotate, rotation

# The step of a slot that was never filled: farther back than any history reaches, and safe to subtract in int64.
NEVER = -(2**62)


class HybridCache:
    """Keys and values of both streams, for one robot.

    The action stream is a ring of ``capacity`` slots that is allocated once. Taking in a token writes one slot;
    replacing the prefix swaps one reference; neither copies anything else. Per step, call ``begin`` once, then for each
    layer ``write`` and ``attend``.

    Args:
        layers: number of expert layers ``L``.
        query_heads: query heads ``Hq`` of each layer, a multiple of ``kv_heads``.
        kv_heads: key/value heads ``Hkv``, each shared by ``Hq / Hkv`` query heads.
        head_dim: ``D``.
        rope_base: base of the rotary frequencies.
        capacity: number of slots ``C``, the longest history that can be asked for.
        history_length: steps ``H`` that a token reaches back, itself included.
        dtype: of keys and values.
        device: of all tensors.
    """

    def __init__(
        self,
        layers: int,
        query_heads: int,
        kv_heads: int,
        head_dim: int,
        rope_base: float,
        capacity: int,
        history_length: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.capacity = capacity
        self.history_length = history_length
        self._group_shape = (kv_heads, query_heads // kv_heads, head_dim)
        self._expected_prefix = (layers, kv_heads, head_dim)
        self._head_dim = head_dim
        self._rope_base = rope_base
        self._scale = 1.0 / math.sqrt(head_dim)
        self._dtype = dtype
        self._device = torch.device(device)

        shape = (layers, kv_heads, capacity, head_dim)
        self._keys = torch.zeros(shape, dtype=dtype, device=device)
        self._rotated = torch.zeros(shape, dtype=dtype, device=device)
        self._values = torch.zeros(shape, dtype=dtype, device=device)
        self._steps = torch.full((capacity,), NEVER, dtype=torch.int64, device=device)
        # Rotation that turns a key back by its age, for every age within reach.
        self._by_age = rotation(-torch.arange(capacity, device=device), head_dim, rope_base, dtype)
        # Views by layer, made once: indexing a tensor costs as much as a small matrix product.
        self._layer_keys = self._keys.unbind(0)
        self._layer_rotated = self._rotated.unbind(0)
        self._layer_values = self._values.unbind(0)
        self.reset()

    @property
    def history_length(self) -> int:
        """Steps ``H`` that a token reaches back, itself included; a change takes effect at the next ``begin``."""
        return self._history_length

    @history_length.setter
    def history_length(self, steps: int) -> None:
        if not 1 <= steps <= self.capacity:
            raise ValueError(f"history_length {steps} is outside 1..{self.capacity}, the cache's capacity")
        self._history_length = steps

    @property
    def anchor_step(self) -> int | None:
        """Step at which the prefix held was captured; None while there is no prefix."""
        return self._anchor_step if self._prefix_keys else None

    def reset(self) -> None:
        """Forget both streams; nothing is reallocated."""
        self._steps.fill_(NEVER)
        self._written = 0
        self._slot = 0
        self._last_step = NEVER
        self._action_bias = torch.full((self.capacity,), -math.inf, dtype=self._dtype, device=self._device)
        self._prefix_keys: tuple[Tensor, ...] = ()
        self._prefix_values: tuple[Tensor, ...] = ()
        self._prefix_bias = torch.empty(0, dtype=self._dtype, device=self._device)
        self._anchor_step = 0

    def set_prefix(self, prefix: Prefix, anchor_step: int) -> None:
        """Replace the prefix whole by one captured at ``anchor_step``.

        Raises:
            PrefixError: its layers, heads or head size are not the expert's.
        """
        layers, kv_heads, _, head_dim = prefix.keys.shape
        if (layers, kv_heads, head_dim) != self._expected_prefix:
            raise PrefixError(
                "prefix has [layers, kv heads, head dim] "
                f"{[layers, kv_heads, head_dim]}, the action expert needs {list(self._expected_prefix)}"
            )
        prefix = prefix.to(self._dtype, self._device)
        self._prefix_keys = prefix.keys.mT.unbind(0)
        self._prefix_values = prefix.values.unbind(0)
        self._prefix_bias = _bias(prefix.token_mask, self._dtype)
        self._anchor_step = anchor_step

    def begin(self, step: int) -> None:
        """Open the slot of the token at ``step``, evicting the oldest, and place everything relative to it.

        Steps may leave gaps, for ticks that were missed: the history reaches back by steps, not by tokens.

        Raises:
            ValueError: ``step`` is not after the step before it.
        """
        if step <= self._last_step:
            raise ValueError(f"step {step} does not follow step {self._last_step}: reset the cache to start anew")
        self._last_step = step
        self._slot = self._written % self.capacity
        self._written += 1
        self._steps[self._slot] = step
        ages = step - self._steps
        self._action_bias = _bias(ages < self._history_length, self._dtype)
        reach = ages.clamp_(max=self.capacity - 1)
        by_age = Rotation(self._by_age.cos[reach], self._by_age.sin[reach])
        self._rotated.copy_(rotate(self._keys, by_age))
        if self._prefix_keys:
            staleness = torch.tensor(step - self._anchor_step, device=self._device)
            self._by_staleness = rotation(staleness, self._head_dim, self._rope_base, self._dtype)

    def write(self, layer: int, key: Tensor, value: Tensor) -> None:
        """Put the current token's unrotated key and value, ``[Hkv * D]`` each, into the open slot of a layer."""
        key = key.view(self._group_shape[0], -1)
        self._layer_keys[layer][:, self._slot] = key
        self._layer_rotated[layer][:, self._slot] = key
        self._layer_values[layer][:, self._slot] = value.view(self._group_shape[0], -1)

    def attend(self, layer: int, query: Tensor) -> Tensor:
        """Return what the current token's query ``[Hq * D]`` reads from both streams of a layer, ``[Hq * D]``."""
        query = query.view(self._group_shape)
        values = self._layer_values[layer]
        scores = torch.baddbmm(self._action_bias, query, self._layer_rotated[layer].mT, alpha=self._scale)
        if not self._prefix_keys:
            return torch.bmm(scores.softmax(-1), values).view(-1)
        # <R(t) q, R(v) k> = <R(t - v) q, k>: turning one query is cheaper than turning a prefix of keys.
        turned = rotate(query, self._by_staleness)
        prefix_scores = torch.baddbmm(self._prefix_bias, turned, self._prefix_keys[layer], alpha=self._scale)
        weights = torch.cat((scores, prefix_scores), -1).softmax(-1)
        read = torch.bmm(weights[..., : self.capacity], values)
        return read.baddbmm_(weights[..., self.capacity :], self._prefix_values[layer]).view(-1)


def _bias(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """Return what to add to the scores: zero where a token is visible, minus infinity where it is not."""
    return torch.where(visible, 0.0, -math.inf).to(dtype)
