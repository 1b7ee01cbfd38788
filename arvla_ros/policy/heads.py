"""Action heads: from what the expert made of a token to an action, continuous or as one of k-means bins.

Both heads are one linear layer, so a checkpoint has ``weight`` and ``bias`` of either under the same names, and both
have the same methods: ``forward`` gives what ``loss`` compares with the wanted action and ``decode`` turns into one.
Actions are normalised. Letters: A action dimensions, W width of the expert.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

Array = npt.NDArray[np.float64]

# Lloyd's algorithm converges long before; each round costs a few binary searches.
_MOST_ROUNDS = 1000


class HeadError(ValueError):
    """Bins, or data to make them of, that cannot be used; the message says why."""


class ContinuousHead(nn.Linear):
    """Predicts the action itself; trained by its mean squared error."""

    def __init__(self, width: int, action_size: int) -> None:
        super().__init__(width, action_size)

    def decode(self, predicted: Tensor) -> Tensor:
        """Return the action ``[..., A]`` of what ``forward`` returned: the same."""
        return predicted

    def loss(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        """Return the squared error ``[...]`` of each token's ``predicted [..., A]``, averaged over dimensions."""
        return (predicted - wanted).square().mean(-1)


class BinnedHead(nn.Linear):
    """Predicts which of ``bins`` values each dimension takes, as the discrete heads of the AR-VLA release do.

    There the values are k-means centres of each dimension by itself, of absolute actions or of deltas
    (``insait-institute/AR-VLA-lerobot``, ``model_art.py``, ``PerDimKMeansTokenizer``). Here whether actions are deltas
    is told by the robot's action space, so the head needs no flag for it.

    Attributes:
        centers: ``[A, bins]`` buffer in normalised units, each row sorted; evenly from -1 to 1 until ``set_centers``.

    Raises:
        HeadError: fewer than 2 bins.
    """

    centers: Tensor

    def __init__(self, width: int, action_size: int, bins: int) -> None:
        if bins < 2:
            raise HeadError(f"a binned head needs at least 2 bins, got {bins}")
        super().__init__(width, action_size * bins)
        self.register_buffer("centers", torch.linspace(-1.0, 1.0, bins).repeat(action_size, 1))

    def set_centers(self, centers: Tensor) -> None:
        """Take over the values ``[A, bins]`` of the bins, as ``fit_centers`` finds them.

        Raises:
            HeadError: another shape, a value that is not finite, or a row that is not sorted.
        """
        if centers.shape != self.centers.shape:
            raise HeadError(f"centers must be {list(self.centers.shape)}, got {list(centers.shape)}")
        if not torch.isfinite(centers).all():
            raise HeadError(f"centers of dimension {_first_row(~torch.isfinite(centers))} are not finite")
        if (unsorted := centers.diff(dim=-1) < 0).any():
            raise HeadError(f"centers of dimension {_first_row(unsorted)} are not sorted")
        self.centers.copy_(centers)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits ``[..., A, bins]`` of ``x [..., W]``."""
        logits = super().forward(x)
        return logits.view(*x.shape[:-1], *self.centers.shape)

    def decode(self, logits: Tensor) -> Tensor:
        """Return the action ``[..., A]``: the centre of each dimension's likeliest bin, with no host sync."""
        likeliest = logits.argmax(-1, keepdim=True)
        centers = self.centers.expand(*likeliest.shape[:-1], -1)
        return centers.gather(-1, likeliest).squeeze(-1)

    def encode(self, actions: Tensor) -> Tensor:
        """Return the bins ``[..., A]`` int64 whose centres are nearest to ``actions [..., A]``.

        Where centres are equal it is the first of them.
        """
        return (actions[..., None] - self.centers).abs().argmin(-1)

    def loss(self, logits: Tensor, wanted: Tensor) -> Tensor:
        """Return the cross entropy ``[...]`` of each token, averaged over dimensions.

        Args:
            logits: ``[..., A, bins]``, what ``forward`` returned.
            wanted: ``[..., A]``, the actions.
        """
        entropy = functional.cross_entropy(
            logits.flatten(0, -2).float(), self.encode(wanted).flatten(), reduction="none"
        )
        return entropy.view(wanted.shape).mean(-1)


ActionHead = ContinuousHead | BinnedHead


def make_head(width: int, action_size: int, bins: int) -> ActionHead:
    """Return the head of an expert: continuous for 0 bins, else binned."""
    return BinnedHead(width, action_size, bins) if bins else ContinuousHead(width, action_size)


def fit_centers(actions: Tensor, bins: int) -> Tensor:
    """Return the k-means centres ``[A, bins]`` of each dimension of ``actions [n, A]``, sorted, float32.

    Lloyd's algorithm on sorted values, without random numbers: the same data gives the same centres. A dimension with
    no more distinct values than bins has exactly those as centres, the greatest repeated up to the number of bins.

    Raises:
        HeadError: no actions, actions that are not finite, or fewer than 2 bins.
    """
    if bins < 2:
        raise HeadError(f"k-means needs at least 2 bins, got {bins}")
    if actions.ndim != 2 or not len(actions):
        raise HeadError(f"k-means needs actions [n, A] with n > 0, got {list(actions.shape)}")
    if not torch.isfinite(actions).all():
        wrong = _first_row(~torch.isfinite(actions.T))
        count = int((~torch.isfinite(actions[:, wrong])).sum())
        raise HeadError(f"dimension {wrong} of the actions is not finite in {count} of {len(actions)} rows")
    columns = actions.double().cpu().numpy().T
    return torch.from_numpy(np.stack([_k_means(column, bins) for column in columns])).float()


def _k_means(values: Array, bins: int) -> Array:
    values = np.sort(values)
    distinct = np.unique(values)
    if len(distinct) <= bins:
        return np.concatenate((distinct, np.full(bins - len(distinct), distinct[-1])))
    centers: Array = distinct[_spread(distinct, bins)]
    sums = np.concatenate(([0.0], np.cumsum(values)))
    for _ in range(_MOST_ROUNDS):
        edges = np.searchsorted(values, (centers[1:] + centers[:-1]) / 2)
        edges = np.concatenate(([0], edges, [len(values)]))
        counts = np.diff(edges)
        # A bin that lost all its values to its neighbours stays where it is, between them.
        moved = np.where(counts > 0, np.diff(sums[edges]) / counts.clip(min=1), centers)
        if np.array_equal(moved, centers):
            break
        centers = moved
    return centers


def _spread(distinct: Array, bins: int) -> npt.NDArray[np.int64]:
    """Return the indices of ``bins`` different values to begin with, as dense as the best centres are.

    That is the cube root of the density of the data (Panter and Dite 1951), so the gaps count with the power 2/3.
    """
    places = np.concatenate(([0.0], np.cumsum(np.diff(distinct) ** (2 / 3))))
    chosen = np.searchsorted(places, np.linspace(0.0, places[-1], bins))
    order = np.arange(bins)
    chosen = np.maximum.accumulate(chosen - order) + order
    return np.minimum(chosen, len(distinct) - bins + order).astype(np.int64)


def _first_row(wrong: Tensor) -> int:
    """Return the first row of ``wrong [A, n]`` with a true value."""
    return cast("int", wrong.any(-1).int().argmax().item())
