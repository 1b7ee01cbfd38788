"""The action expert's shapes, and what its configuration refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from arvla_ros.policy.expert import ActionExpert, ExpertConfig, banded

GENERALIST = ExpertConfig(
    layers=18,
    width=1024,
    mlp_width=4096,
    query_heads=8,
    kv_heads=1,
    head_dim=256,
    activation="gelu_tanh_gated",
    state_size=8,
    action_size=8,
    history_length=20,
    horizon=8,
    rope_base=10_000.0,
)
SPECIALIST = ExpertConfig(
    layers=4,
    width=512,
    mlp_width=3200,
    query_heads=8,
    kv_heads=8,
    head_dim=64,
    activation="relu",
    state_size=14,
    action_size=14,
    history_length=30,
    horizon=20,
)


def parameters_on_meta(config: ExpertConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in ActionExpert(config).parameters())


def test_the_generalist_has_the_size_of_gemma_300m() -> None:
    attention = 1024 * (8 + 1 + 1) * 256 + 8 * 256 * 1024
    layer = attention + 3 * 1024 * 4096 + 2 * 1024
    ends = 8 * 1024 + 1024 + 1024 + 1024 * 8 + 8
    assert parameters_on_meta(GENERALIST) == 18 * layer + ends == 311_482_376


def test_the_specialist_has_17_million_parameters() -> None:
    assert parameters_on_meta(SPECIALIST) == pytest.approx(17.3e6, rel=0.01)


def test_generalist_shapes_pass_through_the_same_code() -> None:
    with torch.device("meta"):
        expert = ActionExpert(GENERALIST)
        tokens, steps = torch.zeros(2, 5, 8), torch.arange(5).expand(2, 5)
        assert expert(tokens, steps, banded(steps, 20)).shape == (2, 5, 8)


def test_the_band_reaches_back_by_steps_not_by_tokens() -> None:
    visible = banded(torch.tensor([[0, 1, 4, 5]]), history_length=3)
    assert visible[0].tolist() == [
        [True, False, False, False],
        [True, True, False, False],
        [False, False, True, False],
        [False, False, True, True],
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"query_heads": 8, "kv_heads": 3}, "query_heads 8 is not a multiple of kv_heads 3"),
        ({"head_dim": 7}, "head_dim must be even for the rotary embedding, got 7"),
        ({"activation": "swish"}, "activation 'swish' is none of relu, gelu_tanh_gated"),
        ({"layers": 0}, "layers must be positive, got 0"),
        ({"history_length": -1}, "history_length must be positive, got -1"),
    ],
)
def test_an_impossible_shape_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExpertConfig(**fields)
