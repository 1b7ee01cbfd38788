"""The streaming step: its memory, its devices, and what it makes of the weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from arvla_ros.policy.expert import ActionExpert, ExpertConfig, banded
from arvla_ros.policy.heads import BinnedHead
from arvla_ros.policy.stepper import ExpertStepper

CONFIG = ExpertConfig(layers=2, width=16, mlp_width=40, query_heads=4, kv_heads=2, head_dim=8, history_length=6)
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def make_expert(config: ExpertConfig = CONFIG) -> ActionExpert:
    torch.manual_seed(0)
    return ActionExpert(config).eval().requires_grad_(False)


def run(stepper: ExpertStepper, states: np.ndarray) -> np.ndarray:
    return np.concatenate([stepper.step(state[None], np.array([step])) for step, state in enumerate(states)])


@pytest.fixture(scope="module")
def states() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(20, CONFIG.state_size)).astype(np.float32)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("bins", [0, 5])
def test_the_captured_step_equals_the_eager_full_pass_on_every_device(
    states: np.ndarray, device: str, bins: int
) -> None:
    expert = make_expert(replace(CONFIG, bins=bins)).to(device)
    steps = torch.arange(len(states), device=device)[None]
    tokens = torch.from_numpy(states).to(device)[None]
    wanted = expert.action_out.decode(expert(tokens, steps, banded(steps, 6)))[0].cpu().numpy()
    np.testing.assert_allclose(run(ExpertStepper(expert, expert.new_cache(0)), states), wanted, atol=1e-5)


def test_an_action_of_a_binned_expert_is_a_centre_of_a_bin(states: np.ndarray) -> None:
    expert = make_expert(replace(CONFIG, bins=4))
    assert isinstance(expert.action_out, BinnedHead)
    actions = torch.from_numpy(run(ExpertStepper(expert, expert.new_cache(0)), states))
    assert (actions[..., None] == expert.action_out.centers).any(-1).all()


def test_a_returned_action_is_not_overwritten_by_the_next_step(states: np.ndarray) -> None:
    stepper = ExpertStepper(make_expert(), make_expert().new_cache(0))
    first = stepper.step(states[:1], np.array([0]))
    kept = first.copy()
    stepper.step(states[1:2], np.array([1]))
    assert np.array_equal(first, kept)


def test_laying_weights_out_for_the_step_changes_no_value_and_saves_as_before(states: np.ndarray) -> None:
    expert, untouched = make_expert(), make_expert()
    ExpertStepper(expert, expert.new_cache(0))
    assert not expert.layers[0].query_key_value.weight.is_contiguous()
    for name, weight in expert.state_dict().items():
        assert torch.equal(weight, untouched.state_dict()[name])


def test_a_cache_that_was_used_is_emptied_first(states: np.ndarray) -> None:
    expert = make_expert()
    cache = expert.new_cache(0)
    first = run(ExpertStepper(expert, cache), states)
    assert np.array_equal(run(ExpertStepper(expert, cache), states), first)
