"""The policies that the streaming expert is compared with: same trunk, other ways of making actions."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from arvla_ros.evaluation.baselines import FlowMatchingChunk, integrate, reencode, time_embedding
from arvla_ros.policy.expert import ActionExpert, ExpertConfig
from arvla_ros.policy.prefix import Prefix
from arvla_ros.policy.stepper import ExpertStepper

TINY = ExpertConfig(layers=2, width=16, mlp_width=24, query_heads=4, kv_heads=2, head_dim=8, history_length=6)
TOKENS = 7


def make_expert(config: ExpertConfig = TINY) -> ActionExpert:
    torch.manual_seed(0)
    return ActionExpert(config).eval().requires_grad_(False)


def make_prefix(config: ExpertConfig = TINY, seed: int = 0) -> Prefix:
    generator = torch.Generator().manual_seed(seed)
    shape = (config.layers, config.kv_heads, TOKENS, config.head_dim)
    mask = torch.arange(TOKENS) < TOKENS - 2
    return Prefix(torch.randn(shape, generator=generator), torch.randn(shape, generator=generator), mask)


def make_states(count: int) -> Tensor:
    return torch.randn(count, TINY.state_size, generator=torch.Generator().manual_seed(1))


def chunk(head: FlowMatchingChunk, prefix: Prefix, staleness: int = 3, noise_seed: int = 2) -> Tensor:
    noise = torch.randn(head.horizon, TINY.action_size, generator=torch.Generator().manual_seed(noise_seed))
    return head(make_states(1)[0], noise, prefix, torch.tensor(staleness))


@settings(max_examples=30, deadline=None)
@given(euler_steps=st.integers(1, 20), seed=st.integers(0, 1000))
def test_the_straight_field_of_flow_matching_ends_at_its_actions(euler_steps: int, seed: int) -> None:
    noise, actions = torch.randn(2, 8, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    ended = integrate(lambda point, index: noise - actions, noise, euler_steps)
    torch.testing.assert_close(ended, actions, atol=1e-12, rtol=0)


@settings(max_examples=30, deadline=None)
@given(rate=st.floats(-3, 3))
def test_ten_steps_through_a_linear_field_are_eulers_tenth_power(rate: float) -> None:
    noise = torch.linspace(-2, 2, 9, dtype=torch.float64)
    ended = integrate(lambda point, index: rate * point, noise, 10)
    torch.testing.assert_close(ended, (1 - rate / 10) ** 10 * noise, atol=1e-9, rtol=0)


def test_denoising_time_runs_from_one_to_a_tenth() -> None:
    head = FlowMatchingChunk(make_expert())
    expected = time_embedding(
        torch.tensor([1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1], dtype=torch.float64), TINY.width
    )
    torch.testing.assert_close(head.times, expected.float(), atol=1e-6, rtol=0)
    assert len(torch.unique(head.times, dim=0)) == 10


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_random_weights_give_a_finite_chunk_of_the_horizon(kv_heads: int) -> None:
    config = dataclasses.replace(TINY, kv_heads=kv_heads)
    actions = chunk(FlowMatchingChunk(make_expert(config), horizon=5), make_prefix(config))
    assert actions.shape == (5, TINY.action_size)
    assert torch.isfinite(actions).all()


def test_a_chunk_attends_to_the_prefixs_keys_and_values_but_not_to_its_padding() -> None:
    head, prefix, other = FlowMatchingChunk(make_expert()), make_prefix(), make_prefix(seed=1)
    seen = chunk(head, prefix)
    for changed in (
        Prefix(other.keys, prefix.values, prefix.token_mask),
        Prefix(prefix.keys, other.values, prefix.token_mask),
    ):
        assert (chunk(head, changed) - seen).abs().max() > 1e-4
    keys, values = prefix.keys.clone(), prefix.values.clone()
    keys[:, :, ~prefix.token_mask], values[:, :, ~prefix.token_mask] = 1e3, -1e3
    assert torch.equal(chunk(head, Prefix(keys, values, prefix.token_mask)), seen)


def test_a_chunk_depends_on_the_pictures_age_and_on_the_noise() -> None:
    head, prefix = FlowMatchingChunk(make_expert()), make_prefix()
    seen = chunk(head, prefix)
    assert (chunk(head, prefix, staleness=9) - seen).abs().max() > 1e-5
    assert (chunk(head, prefix, noise_seed=3) - seen).abs().max() > 1e-2


def test_every_action_of_a_chunk_sees_every_other_and_the_state_sees_none() -> None:
    head, prefix = FlowMatchingChunk(make_expert(), horizon=4, euler_steps=1), make_prefix()
    visible = head._visible(prefix)
    assert visible[:, :TOKENS].tolist() == [prefix.token_mask.tolist()] * 5
    assert visible[1:, TOKENS:].all()
    assert visible[0, TOKENS:].tolist() == [True, False, False, False, False]


def test_the_chunk_head_has_the_experts_weights_and_only_what_noise_and_time_need_on_top() -> None:
    expert = make_expert()
    head = FlowMatchingChunk(expert)
    own = {name for name, _ in head.named_parameters() if not name.startswith("expert.")}
    assert head.expert is expert
    assert own == {
        "action_in.weight",
        "action_in.bias",
        *(f"time_mlp.{i}.{kind}" for i in (0, 2) for kind in ("weight", "bias")),
    }


def stream(expert: ActionExpert, states: Tensor, prefix: Prefix) -> list[Tensor]:
    cache = expert.new_cache(TOKENS)
    stepper = ExpertStepper(expert, cache)
    cache.set_prefix(prefix, 0)
    steps = [np.array([step]) for step in range(len(states))]
    return [
        torch.from_numpy(stepper.step(state[None].numpy(), step)[0]) for state, step in zip(states, steps, strict=True)
    ]


@pytest.mark.parametrize("kv_heads", [1, 4])
def test_encoding_the_history_anew_gives_the_streaming_steps_action(kv_heads: int) -> None:
    config = dataclasses.replace(TINY, kv_heads=kv_heads)
    expert, prefix, states = make_expert(config), make_prefix(config), make_states(TINY.history_length)
    for step, streamed in enumerate(stream(expert, states, prefix)):
        anew = reencode(expert, states[: step + 1], prefix, torch.tensor(step))
        torch.testing.assert_close(anew, streamed, atol=1e-5, rtol=0)


def test_after_the_window_has_filled_it_takes_a_window_for_every_layer_to_get_the_same() -> None:
    expert, prefix, states = make_expert(), make_prefix(), make_states(40)
    streamed = stream(expert, states, prefix)[-1]
    reach = TINY.layers * (TINY.history_length - 1) + 1
    whole, short = (reencode(expert, states[-count:], prefix, torch.tensor(39)) for count in (reach, reach - 1))
    torch.testing.assert_close(whole, streamed, atol=1e-5, rtol=0)
    assert (short - streamed).abs().max() > 1e-5
