"""The scripts in benchmarks/: what they claim to compute, they compute."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from arvla_ros.policy.expert import ActionExpert, ExpertConfig
from arvla_ros.policy.prefix import Prefix
from arvla_ros.policy.stepper import ExpertStepper

FOLDER = Path(__file__).parents[1] / "benchmarks"
TINY = ExpertConfig(layers=2, width=16, mlp_width=24, query_heads=4, kv_heads=2, head_dim=8, history_length=6)
TOKENS = 7


@pytest.fixture(autouse=True)
def scripts_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))


@pytest.fixture
def unfilled_slots() -> Any:
    return importlib.import_module("unfilled_slots")


@pytest.fixture
def episode(unfilled_slots: Any) -> Any:
    torch.manual_seed(0)
    mask = torch.arange(TOKENS) < TOKENS - 2
    looks = torch.randn(unfilled_slots.STEPS // unfilled_slots.LOOK_EVERY, 2, 2, 2, TOKENS, 8)
    expert = ActionExpert(TINY).eval().requires_grad_(False)
    states = torch.randn(unfilled_slots.STEPS, TINY.state_size)
    return unfilled_slots.Episode(expert, states, tuple(Prefix(keys, values, mask) for keys, values in looks))


def test_with_unfilled_slots_masked_actions_are_the_streaming_steps(unfilled_slots: Any, episode: Any) -> None:
    cache = episode.expert.new_cache(TOKENS)
    stepper = ExpertStepper(episode.expert, cache)
    streamed = []
    for step, state in enumerate(episode.states):
        if step % unfilled_slots.LOOK_EVERY == 0:
            cache.set_prefix(episode.prefixes[step // unfilled_slots.LOOK_EVERY], step)
        streamed.append(torch.from_numpy(stepper.step(state[None].numpy(), np.array([step]))[0]))
    torch.testing.assert_close(unfilled_slots.actions(episode, 0), torch.stack(streamed), atol=1e-5, rtol=0)


def test_a_slot_of_zeros_is_read_until_a_token_fills_it(unfilled_slots: Any, episode: Any) -> None:
    masked = unfilled_slots.actions(episode, 0)
    # One slot: the first token fills it, so no zeros are left. Two: only the first action reads zeros, but what it
    # left in the cache is read by those after it.
    torch.testing.assert_close(unfilled_slots.actions(episode, 1), masked, atol=1e-5, rtol=0)
    change = (unfilled_slots.actions(episode, 2) - masked).abs().amax(-1)
    assert change[0] > 1e-4
    reach = TINY.layers * (TINY.history_length - 1)
    torch.testing.assert_close(change[reach + 1 :], torch.zeros(len(change) - reach - 1), atol=1e-5, rtol=0)


def test_the_cost_of_a_step_is_told_by_decade_beside_the_growth_of_memory(capsys: pytest.CaptureFixture[str]) -> None:
    step_cost = importlib.import_module("step_cost")
    step_cost.main(step_cost.StepCostConfig(steps=150))
    printed = capsys.readouterr().out
    for decade in ("| 0 to 9 | 10 |", "| 10 to 99 | 90 |", "| 100 to 149 | 50 |"):
        assert decade in printed
    assert "KiB after 150 steps" in printed
