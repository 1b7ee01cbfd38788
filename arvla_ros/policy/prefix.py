"""The vision-language prefix: what perception hands to the action expert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
"""The names that a prefix's dtype has on the wire."""


class PrefixError(ValueError):
    """The parts of a prefix do not fit each other, or the prefix does not fit the expert."""


@dataclass(frozen=True)
class Prefix:
    """Keys and values of every backbone layer for one look at the scene.

    Attributes:
        keys: ``[L, Hkv, N, D]``, not rotated: the consumer places them at the step of the image's capture.
        values: ``[L, Hkv, N, D]``.
        token_mask: ``[N]`` bool; False marks padding, which is never attended to.

    Raises:
        PrefixError: shapes or dtypes do not fit each other.
    """

    keys: Tensor
    values: Tensor
    token_mask: Tensor

    def __post_init__(self) -> None:
        if self.keys.ndim != 4 or self.keys.shape != self.values.shape:
            raise PrefixError(
                "prefix keys and values must both be [layer, kv head, token, dim], "
                f"got {list(self.keys.shape)} and {list(self.values.shape)}"
            )
        if self.keys.dtype not in DTYPES.values() or self.keys.dtype != self.values.dtype:
            raise PrefixError(
                f"prefix keys and values must both be {', '.join(DTYPES)}, "
                f"got {self.keys.dtype} and {self.values.dtype}"
            )
        if self.token_mask.dtype != torch.bool or list(self.token_mask.shape) != [self.keys.shape[2]]:
            raise PrefixError(
                f"prefix token_mask must be bool [{self.keys.shape[2]}], "
                f"got {self.token_mask.dtype} {list(self.token_mask.shape)}"
            )

    @property
    def dtype_name(self) -> str:
        """The name of the keys' dtype on the wire, a key of ``DTYPES``."""
        return next(name for name, dtype in DTYPES.items() if dtype == self.keys.dtype)

    def to(self, dtype: torch.dtype, device: torch.device) -> Prefix:
        """Return this prefix with floating parts in ``dtype``, all on ``device``."""
        return Prefix(
            self.keys.to(device, dtype), self.values.to(device, dtype), self.token_mask.to(device, non_blocking=True)
        )


class Seen(NamedTuple):
    """What a backbone sees of a batch of scenes.

    Attributes:
        keys: ``[L, B, Hkv, N, D]``, not rotated.
        values: ``[L, B, Hkv, N, D]``.
        token_mask: ``[B, N]`` bool, False where padded.
    """

    keys: Tensor
    values: Tensor
    token_mask: Tensor
