"""Normalisation: there and back, and statistics that are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from arvla_ros.policy.normalization import NormalizationError, Normalizer


def make_data(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    scales = torch.tensor([1.0, 0.02, 30.0])
    return torch.randn(500, 3, generator=generator) * scales + torch.tensor([0.0, 0.05, -4.0])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), kind=st.sampled_from(["mean_std", "q99"]))
def test_denormalising_undoes_normalising(seed: int, kind: str) -> None:
    data = make_data(seed)
    normalizer = getattr(Normalizer, kind)(data)
    torch.testing.assert_close(normalizer.denormalize(normalizer.normalize(data)), data, rtol=1e-5, atol=1e-5)


def test_mean_std_gives_zero_mean_and_unit_deviation() -> None:
    normalized = Normalizer.mean_std(make_data(0)).normalize(make_data(0))
    torch.testing.assert_close(normalized.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(normalized.std(0, correction=0), torch.ones(3), atol=1e-4, rtol=0)


def test_q99_takes_the_1st_and_99th_percentile_to_minus_one_and_one() -> None:
    data = make_data(0)
    normalized = Normalizer.q99(data).normalize(data).numpy()
    np.testing.assert_allclose(np.quantile(normalized, [0.01, 0.99], axis=0), [[-1] * 3, [1] * 3], atol=1e-4)


def test_a_constant_dimension_is_centred_not_blown_up() -> None:
    data = torch.cat((make_data(0), torch.full((500, 1), 0.074)), 1)
    for normalizer in (Normalizer.mean_std(data), Normalizer.q99(data)):
        torch.testing.assert_close(normalizer.normalize(data)[:, 3], torch.zeros(500), atol=1e-6, rtol=0)
        assert normalizer.scale[3] == pytest.approx(0.01)


def test_statistics_survive_json_exactly() -> None:
    normalizer = Normalizer.q99(make_data(0))
    rebuilt = Normalizer.from_dict(json.loads(json.dumps(normalizer.to_dict())))
    assert rebuilt.kind == "q99"
    assert torch.equal(rebuilt.offset, normalizer.offset)
    assert torch.equal(rebuilt.scale, normalizer.scale)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "minmax", "offset": [0.0], "scale": [1.0]}, "kind 'minmax' is none of mean_std, q99"),
        ({"kind": "q99", "offset": [0.0], "scale": [0.0]}, r"scale must be positive: \[0.0\]"),
        ({"kind": "q99", "offset": [float("nan")], "scale": [1.0]}, r"offset is not finite: \[nan\]"),
        ({"kind": "q99", "offset": [0.0, 1.0], "scale": [1.0]}, r"vectors of one length, got \[2\] and \[1\]"),
        ({"kind": "q99", "offset": [0.0]}, "needs kind, offset and scale: KeyError"),
        (None, "needs kind, offset and scale: TypeError"),
    ],
)
def test_statistics_that_cannot_be_used_are_refused(fields: object, message: str) -> None:
    with pytest.raises(NormalizationError, match=message):
        Normalizer.from_dict(fields)
