"""The hybrid key/value cache: a rolling stream of action tokens beside one replaceable vision-language prefix.

AR-VLA section III-B. At step t an action query attends to the action tokens of the last H steps and to every token of
the prefix, each key rotated to its own step: action tokens to the step they were taken in at, prefix tokens all to the
step v at which their image was captured.

Scores depend on differences of steps alone, so every robot's steps are counted from an origin of its own: the anchor v
of the prefix it holds. There the prefix needs no rotation at all, a token is rotated once, when it is taken in, and
only a new prefix turns the history. Differences are taken as integers and angles in float64, so that the output is the
same bit for bit wherever on the timeline the policy stands.

One layer's keys (its values likewise) lie side by side, so that one call attends to all of them::

    place  0          1 … C                    C + 1 … C + N        … multiple of 8
           the token  the ring: slot s holds   the prefix, padded   never visible
           taken in   the token taken in at    with masked tokens
           now        step steps[s]

After a step, ``commit`` copies place 0 to the ring's oldest slot. What is not visible (a slot never filled, a token
older than H steps, padding) gets a bias of minus infinity, never a key of zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from arvla_ros.policy.prefix import Prefix, PrefixError
from arvla_ros.policy.rotary import Rotation, frequencies, rotate, rotation

# The step of a slot that was never filled: farther back than any history reaches, and safe to subtract in int64.
NEVER = -(2**62)
# Attention kernels on a GPU want the mask's rows aligned.
_ALIGNMENT = 8


class HybridCache:
    """Keys and values of both streams, for one robot or for several that step together.

    Everything is allocated once. Per step, call ``begin``; then, in what may be captured as a CUDA graph, ``place``;
    for each layer fill ``projected`` and call ``attend``; and ``commit``.

    Args:
        layers: number of expert layers ``L``.
        query_heads: query heads ``Hq`` of each layer, a multiple of ``kv_heads``.
        kv_heads: key/value heads ``Hkv``, each shared by ``Hq / Hkv`` query heads.
        head_dim: ``D``.
        rope_base: base of the rotary frequencies.
        capacity: ``C``, the longest history that can be asked for.
        prefix_tokens: ``N``, the longest prefix that can be held.
        history_length: steps ``H`` that a token reaches back, itself included.
        robots: number of robots ``B``.
        dtype: of what is projected and read. Keys and values are kept in it too, but in float32 on a CPU, where
            attention in half the precision takes several times as long.
        device: of all tensors.

    Attributes:
        projected: for each layer ``[B, (Hq + 2 Hkv) D]``, queries, keys and values of the current tokens, not rotated.
    """

    def __init__(
        self,
        *,
        layers: int,
        query_heads: int,
        kv_heads: int,
        head_dim: int,
        rope_base: float,
        capacity: int,
        prefix_tokens: int,
        history_length: int,
        robots: int = 1,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.capacity = capacity
        self.prefix_tokens = prefix_tokens
        self.robots = robots
        self.history_length = history_length
        self._shape = (layers, kv_heads, head_dim)
        self._rope_base = rope_base
        self._dtype = dtype
        places = -(-(1 + capacity + prefix_tokens) // _ALIGNMENT) * _ALIGNMENT
        ring, self._prefix = slice(1, 1 + capacity), slice(1 + capacity, 1 + capacity + prefix_tokens)

        kept = dtype if torch.device(device).type == "cuda" else torch.float32

        def zeros(*shape: int, dtype: torch.dtype = kept) -> Tensor:
            return torch.zeros(shape, dtype=dtype, device=device)

        self._keys = zeros(layers, robots, kv_heads, places, head_dim)
        self._values = zeros(layers, robots, kv_heads, places, head_dim)
        # Keys before their rotation, to turn the history when the origin moves.
        self._plain_ring = zeros(layers, robots, kv_heads, capacity, head_dim)
        self._bias = zeros(robots, 1, 1, places)
        projected = zeros(layers, robots, query_heads + 2 * kv_heads, head_dim, dtype=dtype)
        # One buffer for all layers: they follow each other.
        turned = zeros(robots, query_heads + kv_heads, head_dim, dtype=torch.float32)
        query = turned[:, :query_heads] if kept == torch.float32 else zeros(robots, query_heads, head_dim)

        # Views are made once: each costs as much as a small matrix product.
        self.projected = projected.flatten(2).unbind(0)
        plain, values_now = projected[:, :, :-kv_heads].unbind(0), projected[:, :, -kv_heads:].unbind(0)
        self._query, self._turned_query = query, turned[:, :query_heads]
        self._turned, self._turned_key = turned, turned[:, query_heads:]
        # Query heads that share a key/value head attend as if they were so many tokens.
        self._grouped_query = query.view(robots, kv_heads, query_heads // kv_heads, head_dim)
        self._keys_now, self._values_now = self._keys[..., 0, :].unbind(0), self._values[..., 0, :].unbind(0)
        self._layers = list(zip(plain, values_now, self._keys.unbind(0), self._values.unbind(0), strict=True))
        self._ring_keys, self._ring_bias = self._keys[..., ring, :], self._bias[:, 0, 0, ring]
        self._arriving = [
            (self._plain_ring, projected[:, :, query_heads:-kv_heads].unsqueeze(3)),
            (self._ring_keys, self._keys[..., :1, :]),
            (self._values[..., ring, :], self._values[..., :1, :]),
        ]

        self._timeline = _Timeline(robots, capacity, head_dim, rope_base, torch.device(device))
        self._anchor: list[int | None] = [None] * robots
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

    def anchor_step(self, robot: int = 0) -> int | None:
        """Return the step at which the prefix that a robot holds was captured; None while it has none."""
        return self._anchor[robot]

    def reset(self) -> None:
        """Forget both streams of all robots; nothing is reallocated."""
        for robot in range(self.robots):
            self.reset_robot(robot)
        self._timeline.next_slot = 0

    @torch.inference_mode()
    def reset_robot(self, robot: int) -> None:
        """Forget both streams of one robot, while the others go on."""
        # What is masked has no weight, but no weight times NaN is NaN.
        for stream in (self._keys, self._values, self._plain_ring):
            stream[:, robot].zero_()
        self._bias[robot] = -torch.inf
        self._bias[robot, ..., 0] = 0.0
        self._timeline.reset(robot)
        self._anchor[robot] = None

    @torch.inference_mode()
    def set_prefix(self, prefix: Prefix, anchor_step: int, robot: int = 0) -> None:
        """Replace a robot's prefix whole by one captured at ``anchor_step``.

        Raises:
            PrefixError: its layers, heads or head size are not the expert's, or it has too many tokens.
        """
        layers, kv_heads, tokens, head_dim = prefix.keys.shape
        if (layers, kv_heads, head_dim) != self._shape:
            raise PrefixError(
                f"prefix has [layers, kv heads, head dim] {[layers, kv_heads, head_dim]}, "
                f"the action expert needs {list(self._shape)}"
            )
        if tokens > self.prefix_tokens:
            raise PrefixError(f"prefix has {tokens} tokens, the action expert has room for {self.prefix_tokens}")
        places = slice(self._prefix.start, self._prefix.start + tokens)
        self._keys[:, robot, :, places] = prefix.keys.to(self._keys.device)
        self._values[:, robot, :, places] = prefix.values.to(self._values.device)
        bias = self._bias[robot, 0, 0]
        bias[self._prefix] = -torch.inf
        bias[places].masked_fill_(prefix.token_mask.to(bias.device), 0.0)
        self._anchor[robot] = anchor_step
        turn = rotation(self._timeline.move_origin(robot, anchor_step), self._shape[2], self._rope_base)
        self._ring_keys[:, robot] = rotate(self._plain_ring[:, robot], turn)

    def begin(self, steps: npt.NDArray[np.integer[Any]]) -> None:
        """Prepare for the tokens at ``steps [B]``, one of each robot.

        Steps may leave gaps, for ticks that were missed: the history reaches back by steps, not by tokens.

        Raises:
            ValueError: a step is not after the step before it; then nothing has changed.
        """
        self._timeline.begin(steps, self._history_length)

    def place(self) -> None:
        """Show the current tokens what of the ring is in their reach."""
        self._ring_bias.copy_(self._timeline.reach)

    def attend(self, layer: int) -> Tensor:
        """Take in what ``projected[layer]`` holds and return what its queries read of both streams, ``[B, Hq D]``."""
        plain, value, keys, values = self._layers[layer]
        cos, sin = self._timeline.turn
        torch.mul(plain, cos, out=self._turned)
        self._turned.addcmul_(plain.roll(plain.shape[-1] // 2, -1), sin)
        self._keys_now[layer].copy_(self._turned_key)
        self._values_now[layer].copy_(value)
        if self._query is not self._turned_query:
            self._query.copy_(self._turned_query)
        read = functional.scaled_dot_product_attention(self._grouped_query, keys, values, attn_mask=self._bias)
        return read.reshape(self.robots, -1).to(self._dtype)

    def commit(self) -> None:
        """Copy the current tokens to the ring, in the place of the oldest."""
        slot = self._timeline.slot.long()
        for ring, now in self._arriving:
            ring.index_copy_(3, slot, now.to(ring.dtype))


class _Timeline:
    """Which step each slot of the ring holds, worked out on the host; the device is told in one transfer a step.

    Attributes:
        turn: cosines and signed sines ``[B, 1, D]`` of the current tokens' rotation.
        reach: ``[B, C]`` what is added to the scores of the ring.
        slot: ``[1]`` the ring's oldest slot, as the device knows it.
        next_slot: the slot that the next step will take.
    """

    def __init__(self, robots: int, capacity: int, head_dim: int, rope_base: float, device: torch.device) -> None:
        self._frequencies = frequencies(head_dim, rope_base, torch.device("cpu")).numpy()
        self._steps = np.full((robots, capacity), NEVER, dtype=np.int64)
        self._last_step = np.full(robots, NEVER, dtype=np.int64)
        self._origin = np.full(robots, NEVER, dtype=np.int64)
        self.next_slot = 0
        self._host = torch.zeros((robots, 2 * head_dim + capacity + 1), pin_memory=device.type == "cuda")
        # On a CPU the twin is the same memory.
        self._device = self._host.to(device)
        parts = [2 * head_dim, capacity, 1]
        turn, self.reach, slot = self._device.split_with_sizes(parts, 1)
        self.turn = Rotation(*turn[:, None].chunk(2, -1))
        self.slot = slot[0]
        host_turn, self._host_reach, self._host_slot = (part.numpy() for part in self._host.split_with_sizes(parts, 1))
        self._host_turn = host_turn.reshape(robots, 4, head_dim // 2)

    def reset(self, robot: int) -> None:
        self._steps[robot] = self._last_step[robot] = self._origin[robot] = NEVER

    def move_origin(self, robot: int, origin: int) -> Tensor:
        """Count a robot's steps from ``origin``; return how far from there each slot's token lies, ``[C]``."""
        self._origin[robot] = origin
        steps = self._steps[robot]
        return torch.from_numpy(np.where(steps == NEVER, 0, steps - origin)).to(self._device.device)

    def begin(self, steps: npt.NDArray[np.integer[Any]], history_length: int) -> None:
        if (steps <= self._last_step).any():
            robot = np.flatnonzero(steps <= self._last_step)[0]
            raise ValueError(
                f"step {steps[robot]} does not follow step {self._last_step[robot]}: reset the cache to start anew"
            )
        self._last_step[:] = steps
        np.copyto(self._origin, steps, where=self._origin == NEVER)
        angles = (steps - self._origin)[:, None] * self._frequencies
        self._host_turn[:, :2] = np.cos(angles)[:, None]
        self._host_turn[:, 3] = np.sin(angles)
        np.negative(self._host_turn[:, 3], out=self._host_turn[:, 2])
        # The oldest slot is out of reach already, for no history is longer than the ring.
        self._host_reach[:] = np.where(steps[:, None] - self._steps < history_length, 0.0, -np.inf)
        self._host_slot[:] = self.next_slot
        if self._device is not self._host:
            self._device.copy_(self._host, non_blocking=True)
        self._steps[:, self.next_slot] = steps
        self.next_slot = (self.next_slot + 1) % self._steps.shape[1]
