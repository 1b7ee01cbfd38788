"""Streaming through the hybrid cache: exactness, re-anchoring, masking, constant memory."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from arvla_ros.policy.cache import HybridCache
from arvla_ros.policy.expert import ActionExpert, ExpertConfig, PrefixBatch, banded
from arvla_ros.policy.prefix import Prefix, PrefixError
from arvla_ros.policy.rotary import rotate, rotation

TINY = ExpertConfig(layers=2, width=16, mlp_width=24, query_heads=4, kv_heads=2, head_dim=8, history_length=6)
TOKENS = 7


def make_expert(config: ExpertConfig = TINY, seed: int = 0) -> ActionExpert:
    torch.manual_seed(seed)
    expert = ActionExpert(config).eval().requires_grad_(False)
    for layer in expert.layers:
        torch.nn.init.normal_(layer.attention_norm.weight, std=0.3)
    return expert


def make_prefix(config: ExpertConfig = TINY, seed: int = 0, tokens: int = TOKENS) -> Prefix:
    generator = torch.Generator().manual_seed(seed)
    shape = (config.layers, config.kv_heads, tokens, config.head_dim)
    mask = torch.rand(tokens, generator=generator) > 0.3
    mask[0] = True
    return Prefix(torch.randn(shape, generator=generator), torch.randn(shape, generator=generator), mask)


def make_states(count: int, config: ExpertConfig = TINY, seed: int = 1) -> Tensor:
    return torch.randn(count, config.state_size, generator=torch.Generator().manual_seed(seed))


def stream(
    expert: ActionExpert,
    cache: HybridCache,
    states: Tensor,
    steps: list[int],
    prefixes: dict[int, tuple[Prefix, int]] | None = None,
) -> Tensor:
    """Feed tokens one by one; ``prefixes`` says which prefix arrives before which token, and its anchor."""
    actions = []
    for index, step in enumerate(steps):
        if prefixes and index in prefixes:
            cache.set_prefix(*prefixes[index])
        actions.append(expert.step(states[index], step, cache))
    return torch.stack(actions)


def full_pass(
    expert: ActionExpert, states: Tensor, steps: list[int], prefixes: dict[int, tuple[Prefix, int]]
) -> Tensor:
    """The same in one forward pass: banded attention, each token with the prefix that was current at its step."""
    at = torch.tensor(steps)[None]
    visible = banded(at, expert.config.history_length)
    if not prefixes:
        return expert(states[None], at, visible)[0]
    keys = torch.cat([prefix.keys for prefix, _ in prefixes.values()], -2)[:, None]
    values = torch.cat([prefix.values for prefix, _ in prefixes.values()], -2)[:, None]
    anchors = torch.cat([torch.full((TOKENS,), anchor) for _, anchor in prefixes.values()])[None]
    seen = torch.zeros(1, len(steps), keys.shape[-2], dtype=torch.bool)
    arrivals = [*prefixes, len(steps)]
    for slot, (first, last) in enumerate(itertools.pairwise(arrivals)):
        seen[0, first:last, slot * TOKENS : (slot + 1) * TOKENS] = prefixes[first][0].token_mask
    return expert(states[None], at, visible, PrefixBatch(keys, values, anchors, seen))[0]


@pytest.mark.parametrize("activation", ["relu", "gelu_tanh_gated"])
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_streaming_equals_one_full_forward_pass(activation: str, kv_heads: int) -> None:
    config = replace(TINY, activation=activation, kv_heads=kv_heads)
    expert, states, steps = make_expert(config), make_states(30), list(range(30))
    prefixes = {3: (make_prefix(config, 0), 1), 11: (make_prefix(config, 1), 11), 20: (make_prefix(config, 2), 14)}
    streamed = stream(expert, expert.new_cache(), states, steps, prefixes)
    torch.testing.assert_close(streamed, full_pass(expert, states, steps, prefixes), atol=1e-5, rtol=0)


@settings(max_examples=30, deadline=None)
@given(gaps=st.lists(st.integers(1, 9), min_size=2, max_size=25), capacity=st.integers(6, 20), data=st.data())
def test_streaming_equals_the_full_pass_with_missed_ticks_and_any_capacity(
    gaps: list[int], capacity: int, data: st.DataObject
) -> None:
    expert = make_expert()
    steps = torch.tensor(gaps).cumsum(0).tolist()
    states = make_states(len(steps))
    arrivals = sorted(data.draw(st.sets(st.integers(0, len(steps) - 1), max_size=3)))
    prefixes = {index: (make_prefix(seed=index), steps[index] - data.draw(st.integers(0, 20))) for index in arrivals}
    streamed = stream(expert, expert.new_cache(capacity), states, steps, prefixes)
    torch.testing.assert_close(streamed, full_pass(expert, states, steps, prefixes), atol=1e-5, rtol=0)


@settings(max_examples=30, deadline=None)
@given(shift=st.integers(0, 10**12))
def test_shifting_all_steps_changes_no_bit_of_the_streamed_output(shift: int) -> None:
    expert, states = make_expert(), make_states(12)
    reference = stream(expert, expert.new_cache(), states, list(range(12)), {2: (make_prefix(), 0)})
    steps = [step + shift for step in range(12)]
    shifted = stream(expert, expert.new_cache(), states, steps, {2: (make_prefix(), shift)})
    assert torch.equal(shifted, reference)


@settings(max_examples=20, deadline=None)
@given(shift=st.integers(0, 10**12))
def test_shifting_all_steps_leaves_the_full_pass_the_same(shift: int) -> None:
    expert, states, prefix = make_expert(), make_states(12), make_prefix()
    reference = full_pass(expert, states, list(range(12)), {0: (prefix, 0)})
    shifted = full_pass(expert, states, [step + shift for step in range(12)], {0: (prefix, shift)})
    torch.testing.assert_close(shifted, reference, atol=1e-4, rtol=0)


def test_staleness_changes_the_output_while_the_absolute_step_does_not() -> None:
    expert, states, steps = make_expert(), make_states(4), list(range(100, 104))
    fresh, stale = (
        stream(expert, expert.new_cache(), states, steps, {0: (make_prefix(), anchor)}) for anchor in (100, 90)
    )
    assert (fresh - stale).abs().max() > 1e-3


@settings(max_examples=50, deadline=None)
@given(query_step=st.integers(0, 10**6), key_step=st.integers(0, 10**6))
def test_a_rotated_score_depends_on_the_step_difference_alone(query_step: int, key_step: int) -> None:
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 32, generator=generator, dtype=torch.float64)

    def turned(vector: Tensor, step: int) -> Tensor:
        return rotate(vector, rotation(torch.tensor(step), 32, 100.0, torch.float64))

    both = turned(query, query_step) @ turned(key, key_step)
    assert both.item() == pytest.approx((turned(query, query_step - key_step) @ key).item(), abs=1e-8)


def test_the_ring_wraps_around_without_a_trace_of_what_it_evicted() -> None:
    expert, states = make_expert(), make_states(50)
    cache = expert.new_cache()
    wrapped = stream(expert, cache, states, list(range(50)))
    # Two layers reach back two histories; what lies before cannot matter.
    reach = TINY.layers * TINY.history_length
    fresh = stream(expert, expert.new_cache(), states[-reach:], list(range(50 - reach, 50)))
    torch.testing.assert_close(wrapped[-1], fresh[-1], atol=1e-6, rtol=0)


def test_unfilled_slots_are_masked_not_attended_to_as_zeros() -> None:
    expert, states = make_expert(), make_states(2)
    small, large = expert.new_cache(6), expert.new_cache(60)
    outputs = [stream(expert, cache, states, [0, 1], {0: (make_prefix(), 0)}) for cache in (small, large)]
    torch.testing.assert_close(*outputs, atol=1e-6, rtol=0)
    alone = full_pass(expert, states[:1], [0], {})
    torch.testing.assert_close(stream(expert, expert.new_cache(60), states[:1], [0]), alone, atol=1e-6, rtol=0)
    assert (attending_to_zeros(expert, states[0]) - alone[0]).abs().max() > 1e-3


def attending_to_zeros(expert: ActionExpert, state: Tensor) -> Tensor:
    """What a cache that does not mask its unfilled slots would return at the first step."""
    slots = TINY.history_length
    cache = expert.new_cache()
    cache._steps = torch.zeros(slots, dtype=torch.int64)
    return expert.step(state, 0, cache)


def test_masked_prefix_tokens_are_never_read() -> None:
    expert, states, prefix = make_expert(), make_states(3), make_prefix()
    keys, values = prefix.keys.clone(), prefix.values.clone()
    keys[:, :, ~prefix.token_mask] = 1e3
    values[:, :, ~prefix.token_mask] = -1e3
    outputs = [
        stream(expert, expert.new_cache(), states, [0, 1, 2], {0: (seen, 0)})
        for seen in (prefix, Prefix(keys, values, prefix.token_mask))
    ]
    assert torch.equal(*outputs)


def test_replacing_the_prefix_leaves_the_action_stream_untouched() -> None:
    expert, states = make_expert(), make_states(9)
    cache = expert.new_cache()
    stream(expert, cache, states, list(range(9)), {0: (make_prefix(seed=0), 0)})
    before = [tensor.clone() for tensor in (cache._keys, cache._values, cache._steps)]
    cache.set_prefix(make_prefix(seed=1), 8)
    assert cache.anchor_step == 8
    assert all(
        torch.equal(now, then) for now, then in zip((cache._keys, cache._values, cache._steps), before, strict=True)
    )


def test_taking_in_a_token_writes_its_own_slot_only() -> None:
    expert, states = make_expert(), make_states(9)
    cache = expert.new_cache()
    stream(expert, cache, states, list(range(8)))
    keys, values = cache._keys.clone(), cache._values.clone()
    expert.step(states[8], 8, cache)
    others = [slot for slot in range(cache.capacity) if slot != 8 % cache.capacity]
    assert torch.equal(cache._keys[:, :, others], keys[:, :, others])
    assert torch.equal(cache._values[:, :, others], values[:, :, others])
    assert not torch.equal(cache._keys, keys)


@pytest.mark.parametrize("history_length", [1, 3, 10])
def test_history_length_changed_while_running_equals_a_cache_born_with_it(history_length: int) -> None:
    config = replace(TINY, layers=1)
    expert, states, steps = make_expert(config), make_states(30), list(range(30))
    changed, born = expert.new_cache(12), expert.new_cache(12)
    stream(expert, changed, states[:20], steps[:20])
    changed.history_length = history_length
    born.history_length = history_length
    expected = stream(expert, born, states, steps)[20:]
    torch.testing.assert_close(stream(expert, changed, states[20:], steps[20:]), expected, atol=1e-6, rtol=0)


def test_history_length_one_sees_the_current_token_alone() -> None:
    expert, states = make_expert(), make_states(5)
    cache = expert.new_cache()
    cache.history_length = 1
    last = stream(expert, cache, states, list(range(5)))[-1]
    torch.testing.assert_close(last, full_pass(expert, states[-1:], [0], {})[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("steps", [0, -1, 7])
def test_a_history_that_does_not_fit_is_refused_and_the_old_one_stays(steps: int) -> None:
    cache = make_expert().new_cache()
    with pytest.raises(ValueError, match=rf"history_length {steps} is outside 1\.\.6"):
        cache.history_length = steps
    assert cache.history_length == 6


def test_tensors_stay_where_they_are_over_thousands_of_steps() -> None:
    expert, states = make_expert(), make_states(1)
    cache = expert.new_cache()
    cache.set_prefix(make_prefix(), 0)
    storage = [tensor.data_ptr() for tensor in (cache._keys, cache._values, cache._rotated, cache._steps)]
    for step in range(2000):
        expert.step(states[0], step, cache)
    assert storage == [tensor.data_ptr() for tensor in (cache._keys, cache._values, cache._rotated, cache._steps)]


def test_after_a_reset_nothing_of_the_past_is_left() -> None:
    expert, states, steps = make_expert(), make_states(8), list(range(8))
    cache = expert.new_cache()
    first = stream(expert, cache, states, steps)
    stream(expert, cache, 3 * states, list(range(8, 16)), {0: (make_prefix(), 8)})
    cache.reset()
    assert cache.anchor_step is None
    assert torch.equal(stream(expert, cache, states, steps), first)


@pytest.mark.parametrize("step", [4, 3, -1])
def test_a_step_that_does_not_follow_is_refused(step: int) -> None:
    expert, states = make_expert(), make_states(1)
    cache = expert.new_cache()
    expert.step(states[0], 4, cache)
    with pytest.raises(ValueError, match=f"step {step} does not follow step 4"):
        expert.step(states[0], step, cache)


def test_a_prefix_of_another_shape_is_refused_with_both_shapes() -> None:
    cache = make_expert().new_cache()
    with pytest.raises(PrefixError, match=r"\[3, 2, 8\], the action expert needs \[2, 2, 8\]"):
        cache.set_prefix(make_prefix(replace(TINY, layers=3)), 0)


def test_a_half_precision_prefix_is_taken_in() -> None:
    expert, states, prefix = make_expert(), make_states(3), make_prefix()
    half = prefix.to(torch.float16, torch.device("cpu"))
    exact, rounded = (stream(expert, expert.new_cache(), states, [0, 1, 2], {0: (seen, 0)}) for seen in (prefix, half))
    torch.testing.assert_close(rounded, exact, atol=1e-2, rtol=0)
    assert math.isfinite(rounded.sum().item())
    assert half.dtype_name == "float16"


def test_prefix_parts_that_do_not_fit_are_refused() -> None:
    prefix = make_prefix()
    with pytest.raises(PrefixError, match=r"must both be \[layer, kv head, token, dim\]"):
        Prefix(prefix.keys, prefix.values[:1], prefix.token_mask)
    with pytest.raises(PrefixError, match=r"token_mask must be bool \[7\], got torch.bool \[6\]"):
        Prefix(prefix.keys, prefix.values, prefix.token_mask[:6])
    with pytest.raises(PrefixError, match=r"float32, float16, bfloat16, got torch.float64"):
        Prefix(prefix.keys.double(), prefix.values, prefix.token_mask)
