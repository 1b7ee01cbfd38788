"""Affine normalisation of states and actions: mean/std for the specialist, mixed Q99 for the generalist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from arvla_ros.robots.action_space import Dimension

KINDS = ("mean_std", "q99", "q99_mixed", "identity")
# A dimension that varies less than this in the data, in rad or m, is as good as constant: it is centred, not blown up,
# or a millimetre that no demonstration has shown would be many deviations.
SMALLEST_SCALE = 0.01


class NormalizationError(ValueError):
    """Normalisation statistics that cannot be used; the message says why."""


class Normalizer(nn.Module):
    """Maps raw values ``x`` to ``(x - offset) / scale`` and back.

    Attributes:
        kind: ``mean_std`` (offset mean, scale standard deviation), ``q99`` (the 1st and 99th percentile go to -1, 1),
            ``q99_mixed`` (``q99`` only for the dimensions that ask for it) or ``identity``.
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
            if wrong := (~torch.isfinite(values)).nonzero().flatten().tolist():
                raise NormalizationError(
                    f"normalisation {name} is not finite in dimension {wrong[0]}: {values.tolist()}"
                )
        if not (scale > 0).all():
            raise NormalizationError(f"normalisation scale must be positive: {scale.tolist()}")
        self.kind = kind
        self.register_buffer("offset", offset.to(torch.float32), persistent=False)
        self.register_buffer("scale", scale.to(torch.float32), persistent=False)

    @classmethod
    def identity(cls, size: int) -> Normalizer:
        """Return the normaliser that leaves ``size`` dimensions as they are."""
        return cls("identity", torch.zeros(size), torch.ones(size))

    @classmethod
    def mean_std(cls, data: Tensor) -> Normalizer:
        """Return the normaliser that gives ``data [n, D]`` zero mean and unit deviation.

        Raises:
            NormalizationError: no data, or data that are not finite.
        """
        _check_data(data)
        return cls("mean_std", data.mean(0), data.std(0, correction=0).clamp(min=SMALLEST_SCALE))

    @classmethod
    def q99(cls, data: Tensor) -> Normalizer:
        """Return the normaliser that takes the 1st and 99th percentile of ``data [n, D]`` to -1 and 1.

        Raises:
            NormalizationError: no data, or data that are not finite.
        """
        _check_data(data)
        return cls("q99", *_between(*_percentiles(data)))

    @classmethod
    def q99_mixed(cls, data: Tensor, dimensions: Sequence[Dimension]) -> Normalizer:
        """Return the normaliser of ``data [n, D]`` that treats each dimension as its action space asks.

        ``quantile``: the 1st and 99th percentile go to -1 and 1, which openpi does with every dimension. ``range``: the
        least and the greatest value do. It is for grippers: they are at one of two ends most of the time, and where
        fewer than one step in a hundred is closed, percentiles would take closing for an outlier. ``none``: left as it
        is. It is for unit quaternions: within -1 and 1 already, and no rotation if each part were scaled by itself.

        Args:
            data: states or actions in raw units.
            dimensions: ``ActionSpace.state_dimensions`` or ``action_dimensions``.

        Raises:
            NormalizationError: no data, another number of dimensions, or data that are not finite.
        """
        _check_data(data, [dimension.name for dimension in dimensions])
        affine = {
            "quantile": _between(*_percentiles(data)),
            "range": _between(data.amin(0), data.amax(0)),
            "none": (torch.zeros_like(data[0]), torch.ones_like(data[0])),
        }
        offset, scale = (
            torch.stack([affine[dimension.scaling][part][index] for index, dimension in enumerate(dimensions)])
            for part in range(2)
        )
        return cls("q99_mixed", offset, scale)

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


def _check_data(data: Tensor, names: Sequence[str] | None = None) -> None:
    """Refuse data that are not ``[n, D]``, empty or not finite; ``names [D]`` default to the numbers of dimensions."""
    size = "D" if names is None else len(names)
    if data.ndim != 2 or not len(data) or (names is not None and data.shape[1] != len(names)):
        raise NormalizationError(f"normalisation needs data [n, {size}] with n > 0, got {list(data.shape)}")
    for index, wrong in enumerate((~torch.isfinite(data)).sum(0).tolist()):
        if wrong:
            name = f"dimension {index}" if names is None else f"dimension {names[index]!r}"
            raise NormalizationError(f"{name} of the data is not finite in {wrong} of {len(data)} rows; drop them")


def _percentiles(data: Tensor) -> tuple[Tensor, Tensor]:
    return data.quantile(0.01, dim=0), data.quantile(0.99, dim=0)


def _between(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Return offset and scale ``[D]`` that take ``low`` to -1 and ``high`` to 1."""
    return (low + high) / 2, ((high - low) / 2).clamp(min=SMALLEST_SCALE)
