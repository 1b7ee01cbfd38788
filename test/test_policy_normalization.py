"""Normalisation: there and back, and statistics that are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from arvla_ros.paths import share_directory
from arvla_ros.policy.checkpoint import load_manifest
from arvla_ros.policy.normalization import NormalizationError, Normalizer
from arvla_ros.robots import wx250s
from arvla_ros.robots.action_space import Dimension
from arvla_ros.robots.end_effector_space import Bridge, EndEffectorDelta

DIMENSIONS = (Dimension("x", "m", "quantile"), Dimension("qx", "", "none"), Dimension("opening", "m", "range"))


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


def make_mixed(seed: int) -> torch.Tensor:
    """Return positions with outliers, parts of quaternions, and a gripper that is closed in 1 step of 500."""
    generator = torch.Generator().manual_seed(seed)
    position = torch.randn(500, generator=generator) ** 3
    opening = torch.full((500,), 0.074)
    opening[7] = 0.030
    return torch.stack((position, torch.rand(500, generator=generator) * 2 - 1, opening), 1)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000))
def test_mixed_q99_treats_each_dimension_as_its_action_space_asks(seed: int) -> None:
    data = make_mixed(seed)
    normalizer = Normalizer.q99_mixed(data, DIMENSIONS)
    normalized = normalizer.normalize(data)
    torch.testing.assert_close(normalized[:, :1], Normalizer.q99(data[:, :1]).normalize(data[:, :1]))
    assert torch.equal(normalized[:, 1], data[:, 1])
    torch.testing.assert_close(normalized[:, 2].aminmax(), (torch.tensor(-1.0), torch.tensor(1.0)))
    torch.testing.assert_close(normalizer.denormalize(normalized), data, rtol=1e-5, atol=1e-5)


def test_a_rare_closing_of_the_gripper_is_an_outlier_to_percentiles_but_not_to_the_range() -> None:
    data = make_mixed(0)
    assert Normalizer.q99(data).normalize(data)[7, 2] < -4
    assert Normalizer.q99_mixed(data, DIMENSIONS).normalize(data)[7, 2] == pytest.approx(-1.0)


@pytest.mark.parametrize("space", [EndEffectorDelta(wx250s.forward_kinematics), Bridge(wx250s.forward_kinematics)])
def test_states_of_an_action_space_are_normalised_by_its_dimensions(space: EndEffectorDelta | Bridge) -> None:
    joints = np.random.default_rng(0).uniform(-1, 1, (200, 6))
    states = torch.from_numpy(np.stack([space.state(row, 0.03 + 0.04 * (row[0] > 0)) for row in joints]))
    normalized = Normalizer.q99_mixed(states, space.state_dimensions).normalize(states)
    np.testing.assert_allclose(np.quantile(normalized[:, :3], [0.01, 0.99], axis=0), [[-1] * 3, [1] * 3], atol=1e-4)
    if isinstance(space, EndEffectorDelta):
        torch.testing.assert_close(normalized[:, 3:7].norm(dim=1), torch.ones(200))
    assert set(normalized[:, -1].round(decimals=4).tolist()) == {-1.0, 1.0}


def test_identity_changes_nothing() -> None:
    normalizer, data = Normalizer.identity(3), make_data(0)
    assert normalizer.kind == "identity"
    assert torch.equal(normalizer.normalize(data), data)
    assert torch.equal(normalizer.denormalize(data), data)


def test_a_constant_dimension_is_centred_not_blown_up() -> None:
    data = torch.cat((make_data(0), torch.full((500, 1), 0.074)), 1)
    for normalizer in (Normalizer.mean_std(data), Normalizer.q99(data)):
        torch.testing.assert_close(normalizer.normalize(data)[:, 3], torch.zeros(500), atol=1e-6, rtol=0)
        assert normalizer.scale[3] == pytest.approx(0.01)


@pytest.mark.parametrize(
    "normalizer",
    [
        Normalizer.mean_std(make_data(0)),
        Normalizer.q99(make_data(0)),
        Normalizer.q99_mixed(make_mixed(0), DIMENSIONS),
        Normalizer.identity(3),
    ],
    ids=lambda normalizer: normalizer.kind,
)
def test_statistics_survive_json_exactly(normalizer: Normalizer) -> None:
    rebuilt = Normalizer.from_dict(json.loads(json.dumps(normalizer.to_dict())))
    assert rebuilt.kind == normalizer.kind
    assert torch.equal(rebuilt.offset, normalizer.offset)
    assert torch.equal(rebuilt.scale, normalizer.scale)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"kind": "minmax", "offset": [0.0], "scale": [1.0]},
            "kind 'minmax' is none of mean_std, q99, q99_mixed, identity",
        ),
        ({"kind": "q99", "offset": [0.0], "scale": [0.0]}, r"scale must be positive: \[0.0\]"),
        ({"kind": "q99", "offset": [float("nan")], "scale": [1.0]}, r"offset is not finite in dimension 0: \[nan\]"),
        (
            {"kind": "q99", "offset": [0.0, 0.0], "scale": [1.0, float("inf")]},
            r"scale is not finite in dimension 1: \[1.0, inf\]",
        ),
        ({"kind": "q99", "offset": [0.0, 1.0], "scale": [1.0]}, r"vectors of one length, got \[2\] and \[1\]"),
        ({"kind": "q99", "offset": [0.0]}, "needs kind, offset and scale: KeyError"),
        (None, "needs kind, offset and scale: TypeError"),
    ],
)
def test_statistics_that_cannot_be_used_are_refused(fields: object, message: str) -> None:
    with pytest.raises(NormalizationError, match=message):
        Normalizer.from_dict(fields)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_data_that_are_not_finite_are_refused_by_the_name_of_the_dimension(value: float) -> None:
    data = make_mixed(0)
    data[3:5, 2] = value
    with pytest.raises(NormalizationError, match="dimension 'opening' of the data is not finite in 2 of 500 rows"):
        Normalizer.q99_mixed(data, DIMENSIONS)
    for normalizer in (Normalizer.mean_std, Normalizer.q99):
        with pytest.raises(NormalizationError, match="dimension 2 of the data is not finite in 2 of 500 rows"):
            normalizer(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (torch.zeros(5, 4), r"needs data \[n, 3\] with n > 0, got \[5, 4\]"),
        (torch.zeros(0, 3), r"got \[0, 3\]"),
        (torch.zeros(3), r"got \[3\]"),
    ],
)
def test_data_of_another_shape_are_refused(data: torch.Tensor, message: str) -> None:
    with pytest.raises(NormalizationError, match=message):
        Normalizer.q99_mixed(data, DIMENSIONS)


def test_statistics_of_the_shipped_checkpoint_are_still_read() -> None:
    manifest = load_manifest(share_directory() / "checkpoints" / "reach")
    assert (manifest.state.kind, manifest.action.kind) == ("mean_std", "mean_std")
    assert len(manifest.action.offset) == manifest.contract.action_size
