"""Affine normalisation of states and actions: mean/std for the specialist, Q99 for the generalist."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

KINDS = ("mean_std", "q99")
# A dimension that varies less than this in the data, in rad or m, is as good as constant: it is centred, not blown up,
# or a millimetre that no demonstration has shown would be many deviations.
SMALLEST_SCALE = 0.01


class NormalizationError(ValueError):
    """Normalisation statistics that cannot be used; the message says why."""


class Normalizer(nn.Module):
    """Maps raw values ``x`` to ``(x - offset) / scale`` and back.

    Attributes:
        kind: ``mean_std`` (offset mean, scale standard deviation) or ``q99`` (the 1st and 99th percentile go to -1, 1).
        offset: ``[D]`` buffer, in raw units.
        scale: ``[D]`` buffer, in raw units, positive.

    Raises:
        NormalizationError: unknown kind, lengths that differ, a value that is not finite, a scale that is not positive.
    """

    offset: Tensor
    scale: Tensor

    def __init__(self, kind: str, offset: Tensor, scale: Tensor) -> None:
        super().__init__()
        if kind not in KINDS:
            raise NormalizationError(f"normalisation kind {kind!r} is none of {', '.join(KINDS)}")
        if offset.ndim != 1 or offset.shape != scale.shape:
            raise NormalizationError(
                "normalisation offset and scale must be vectors of one length, "
                f"got {list(offset.shape)} and {list(scale.shape)}"
            )
        for name, values in (("offset", offset), ("scale", scale)):
            if not torch.isfinite(values).all():
                raise NormalizationError(f"normalisation {name} is not finite: {values.tolist()}")
        if not (scale > 0).all():
            raise NormalizationError(f"normalisation scale must be positive: {scale.tolist()}")
        self.kind = kind
        self.register_buffer("offset", offset.to(torch.float32), persistent=False)
        self.register_buffer("scale", scale.to(torch.float32), persistent=False)

    @classmethod
    def mean_std(cls, data: Tensor) -> Normalizer:
        """Return the normaliser that gives ``data [n, D]`` zero mean and unit deviation."""
        return cls("mean_std", data.mean(0), data.std(0, correction=0).clamp(min=SMALLEST_SCALE))

    @classmethod
    def q99(cls, data: Tensor) -> Normalizer:
        """Return the normaliser that takes the 1st and 99th percentile of ``data [n, D]`` to -1 and 1."""
        low, high = data.quantile(0.01, dim=0), data.quantile(0.99, dim=0)
        return cls("q99", (low + high) / 2, ((high - low) / 2).clamp(min=SMALLEST_SCALE))

    @classmethod
    def from_dict(cls, fields: Any) -> Normalizer:
        """Rebuild a normaliser from what ``to_dict`` returned.

        Raises:
            NormalizationError: a field is missing or wrong.
        """
        try:
            return cls(fields["kind"], torch.tensor(fields["offset"]), torch.tensor(fields["scale"]))
        except (KeyError, TypeError, RuntimeError) as error:
            raise NormalizationError(f"normalisation needs kind, offset and scale: {error!r}") from error

    def to_dict(self) -> dict[str, Any]:
        """Return the statistics as plain JSON values."""
        return {"kind": self.kind, "offset": self.offset.tolist(), "scale": self.scale.tolist()}

    def normalize(self, raw: Tensor) -> Tensor:
        """Return ``raw [..., D]`` normalised."""
        return (raw - self.offset) / self.scale

    def denormalize(self, normalized: Tensor) -> Tensor:
        """Return ``normalized [..., D]`` in raw units."""
        return torch.addcmul(self.offset, normalized, self.scale)
