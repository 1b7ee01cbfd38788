"""Streaming through the hybrid cache: exactness, re-anchoring, masking, constant memory."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from arvla_ros.policy.expert import ActionExpert, ExpertConfig, PrefixBatch, banded
from arvla_ros.policy.prefix import Prefix, PrefixError
from arvla_ros.policy.rotary import rotate, rotation
from arvla_ros.policy.stepper import ExpertStepper

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


def make_stepper(expert: ActionExpert | None = None, capacity: int | None = None, robots: int = 1) -> ExpertStepper:
    expert = expert or make_expert()
    return ExpertStepper(expert, expert.new_cache(TOKENS, capacity, robots))


def stream(
    stepper: ExpertStepper, states: Tensor, steps: list[int], prefixes: dict[int, tuple[Prefix, int]] | None = None
) -> Tensor:
    """Feed tokens one by one; ``prefixes`` says which prefix arrives before which token, and its anchor."""
    actions = []
    for index, step in enumerate(steps):
        if prefixes and index in prefixes:
            stepper.cache.set_prefix(*prefixes[index])
        actions.append(stepper.step(states[index : index + 1].numpy(), np.array([step]))[0])
    return torch.from_numpy(np.stack(actions))


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
    streamed = stream(make_stepper(expert), states, steps, prefixes)
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
    streamed = stream(make_stepper(expert, capacity), states, steps, prefixes)
    torch.testing.assert_close(streamed, full_pass(expert, states, steps, prefixes), atol=1e-5, rtol=0)


@settings(max_examples=30, deadline=None)
@given(shift=st.integers(0, 10**12))
def test_shifting_all_steps_changes_no_bit_of_the_streamed_output(shift: int) -> None:
    expert, states = make_expert(), make_states(12)
    reference = stream(make_stepper(expert), states, list(range(12)), {2: (make_prefix(), 0)})
    steps = [step + shift for step in range(12)]
    shifted = stream(make_stepper(expert), states, steps, {2: (make_prefix(), shift)})
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
    fresh, stale = (stream(make_stepper(expert), states, steps, {0: (make_prefix(), anchor)}) for anchor in (100, 90))
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
    cache = make_stepper(expert)
    wrapped = stream(cache, states, list(range(50)))
    # Two layers reach back two histories; what lies before cannot matter.
    reach = TINY.layers * TINY.history_length
    fresh = stream(make_stepper(expert), states[-reach:], list(range(50 - reach, 50)))
    torch.testing.assert_close(wrapped[-1], fresh[-1], atol=1e-6, rtol=0)


def test_unfilled_slots_are_masked_not_attended_to_as_zeros() -> None:
    expert, states = make_expert(), make_states(2)
    small, large = make_stepper(expert, 6), make_stepper(expert, 60)
    outputs = [stream(stepper, states, [0, 1], {0: (make_prefix(), 0)}) for stepper in (small, large)]
    torch.testing.assert_close(*outputs, atol=1e-6, rtol=0)
    alone = full_pass(expert, states[:1], [0], {})
    torch.testing.assert_close(stream(make_stepper(expert, 60), states[:1], [0]), alone, atol=1e-6, rtol=0)
    assert (attending_to_zeros(expert, states[:1]) - alone).abs().max() > 1e-3


def attending_to_zeros(expert: ActionExpert, states: Tensor) -> Tensor:
    """What a cache that does not mask its unfilled slots would return at the first step."""
    stepper = make_stepper(expert)
    stepper.cache._timeline._steps[:] = -1
    return stream(stepper, states, [0])


def test_what_was_not_finite_leaves_no_trace_after_a_reset() -> None:
    expert, states = make_expert(), make_states(3)
    stepper = make_stepper(expert)
    expected = stream(stepper, states, [0, 1, 2])
    stepper.cache.reset()
    assert stream(stepper, states * torch.nan, [0, 1, 2]).isnan().all()
    stepper.cache.reset()
    assert torch.equal(stream(stepper, states, [0, 1, 2]), expected)


def test_masked_prefix_tokens_are_never_read() -> None:
    expert, states, prefix = make_expert(), make_states(3), make_prefix()
    keys, values = prefix.keys.clone(), prefix.values.clone()
    keys[:, :, ~prefix.token_mask] = 1e3
    values[:, :, ~prefix.token_mask] = -1e3
    outputs = [
        stream(make_stepper(expert), states, [0, 1, 2], {0: (seen, 0)})
        for seen in (prefix, Prefix(keys, values, prefix.token_mask))
    ]
    assert torch.equal(*outputs)


def test_a_shorter_prefix_leaves_nothing_of_the_longer_one_before_it() -> None:
    expert, states = make_expert(), make_states(3)
    longer, shorter = make_prefix(seed=0, tokens=TOKENS), make_prefix(seed=1, tokens=3)
    stepper = make_stepper(expert)
    stepper.cache.set_prefix(longer, 0)
    replaced, alone = (stream(each, states, [0, 1, 2], {0: (shorter, 0)}) for each in (stepper, make_stepper(expert)))
    assert torch.equal(replaced, alone)


def test_replacing_the_prefix_leaves_the_action_stream_untouched() -> None:
    states = make_states(9)
    stepper = make_stepper()
    cache = stepper.cache
    stream(stepper, states, list(range(9)), {0: (make_prefix(seed=0), 0)})
    before = cache._plain_ring.clone(), cache._values[..., : 1 + cache.capacity, :].clone()
    cache.set_prefix(make_prefix(seed=1), 8)
    assert cache.anchor_step() == 8
    assert torch.equal(cache._plain_ring, before[0])
    assert torch.equal(cache._values[..., : 1 + cache.capacity, :], before[1])


def test_taking_in_a_token_writes_its_own_slot_only() -> None:
    states = make_states(9)
    stepper = make_stepper()
    cache = stepper.cache
    stream(stepper, states[:8], list(range(8)))
    keys, values = cache._keys.clone(), cache._values.clone()
    stream(stepper, states[8:], [8])
    others = [1 + slot for slot in range(cache.capacity) if slot != 8 % cache.capacity]
    assert torch.equal(cache._keys[..., others, :], keys[..., others, :])
    assert torch.equal(cache._values[..., others, :], values[..., others, :])
    assert not torch.equal(cache._keys, keys)


@settings(max_examples=20, deadline=None)
@given(
    starts=st.lists(st.integers(0, 10**6), min_size=2, max_size=4),
    anchors_back=st.lists(st.integers(0, 9), min_size=4, max_size=4),
)
def test_robots_that_step_together_get_what_each_would_get_alone(starts: list[int], anchors_back: list[int]) -> None:
    expert, robots = make_expert(), len(starts)
    together = make_stepper(expert, robots=robots)
    alone = [make_stepper(expert) for _ in starts]
    states = torch.stack([make_states(15, seed=robot) for robot in range(robots)], 1).numpy()
    for index in range(15):
        for robot, start in enumerate(starts):
            if index == 2 + 3 * robot:  # each gets its picture at another time, of another age
                prefix, anchor = make_prefix(seed=robot), start + index - anchors_back[robot]
                together.cache.set_prefix(prefix, anchor, robot)
                alone[robot].cache.set_prefix(prefix, anchor)
        if index == 8:
            together.cache.reset_robot(1)
            alone[1].cache.reset()
        actions = together.step(states[index], np.array(starts) + index)
        each = [
            stepper.step(states[index, [robot]], np.array([starts[robot] + index]))
            for robot, stepper in enumerate(alone)
        ]
        np.testing.assert_allclose(actions, np.concatenate(each), atol=1e-5)


@pytest.mark.parametrize("activation", ["relu", "gelu_tanh_gated"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.05), (torch.float16, 0.01)])
def test_half_precision_stays_near_float32(activation: str, dtype: torch.dtype, tolerance: float) -> None:
    config = replace(TINY, activation=activation)
    states, steps, prefixes = make_states(20), list(range(20)), {2: (make_prefix(), 0), 12: (make_prefix(seed=1), 9)}
    exact = stream(make_stepper(make_expert(config)), states, steps, prefixes)
    rounded = stream(make_stepper(make_expert(config).to(dtype)), states, steps, prefixes)
    assert (rounded - exact).abs().max() < tolerance * exact.abs().max()
    assert not torch.equal(rounded, exact)


@pytest.mark.parametrize("history_length", [1, 3, 10])
def test_history_length_changed_while_running_equals_a_cache_born_with_it(history_length: int) -> None:
    config = replace(TINY, layers=1)
    expert, states, steps = make_expert(config), make_states(30), list(range(30))
    changed, born = make_stepper(expert, 12), make_stepper(expert, 12)
    stream(changed, states[:20], steps[:20])
    storage = changed.cache._keys.data_ptr()
    changed.cache.history_length = history_length
    born.cache.history_length = history_length
    expected = stream(born, states, steps)[20:]
    torch.testing.assert_close(stream(changed, states[20:], steps[20:]), expected, atol=1e-6, rtol=0)
    assert changed.cache._keys.data_ptr() == storage


def test_history_length_one_sees_the_current_token_alone() -> None:
    expert, states = make_expert(), make_states(5)
    stepper = make_stepper(expert)
    stepper.cache.history_length = 1
    last = stream(stepper, states, list(range(5)))[-1]
    torch.testing.assert_close(last, full_pass(expert, states[-1:], [0], {})[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("steps", [0, -1, 7])
def test_a_history_that_does_not_fit_is_refused_and_the_old_one_stays(steps: int) -> None:
    cache = make_expert().new_cache(TOKENS)
    with pytest.raises(ValueError, match=rf"history_length {steps} is outside 1\.\.6"):
        cache.history_length = steps
    assert cache.history_length == 6


def test_tensors_stay_where_they_are_over_thousands_of_steps() -> None:
    stepper, state = make_stepper(), make_states(1).numpy()
    cache = stepper.cache

    def storage() -> list[int]:
        return [tensor.data_ptr() for tensor in (cache._keys, cache._values, cache._plain_ring, cache._bias)]

    before = storage()
    for step in range(2000):
        if step % 7 == 0:
            cache.set_prefix(make_prefix(), step)
        stepper.step(state, np.array([step]))
    assert storage() == before


def test_after_a_reset_nothing_of_the_past_is_left() -> None:
    states, steps = make_states(8), list(range(8))
    stepper = make_stepper()
    first = stream(stepper, states, steps)
    stream(stepper, 3 * states, list(range(8, 16)), {0: (make_prefix(), 8)})
    stepper.cache.reset()
    assert stepper.cache.anchor_step() is None
    assert torch.equal(stream(stepper, states, steps), first)


@pytest.mark.parametrize("step", [4, 3, -1])
def test_a_step_that_does_not_follow_is_refused_and_changes_nothing(step: int) -> None:
    states = make_states(3)
    stepper, undisturbed = make_stepper(), make_stepper()
    stream(stepper, states[:1], [4])
    with pytest.raises(ValueError, match=f"step {step} does not follow step 4"):
        stream(stepper, states[1:2], [step])
    expected = stream(undisturbed, states[[0, 2]], [4, 5])[-1]
    assert torch.equal(stream(stepper, states[2:], [5])[0], expected)


def test_a_prefix_with_more_tokens_than_there_is_room_for_is_refused() -> None:
    cache = make_expert().new_cache(prefix_tokens=5)
    with pytest.raises(PrefixError, match="prefix has 7 tokens, the action expert has room for 5"):
        cache.set_prefix(make_prefix(), 0)


def test_a_prefix_of_another_shape_is_refused_with_both_shapes() -> None:
    cache = make_expert().new_cache(TOKENS)
    with pytest.raises(PrefixError, match=r"\[3, 2, 8\], the action expert needs \[2, 2, 8\]"):
        cache.set_prefix(make_prefix(replace(TINY, layers=3)), 0)


def test_a_half_precision_prefix_is_taken_in() -> None:
    expert, states, prefix = make_expert(), make_states(3), make_prefix()
    half = prefix.to(torch.float16, torch.device("cpu"))
    exact, rounded = (stream(make_stepper(expert), states, [0, 1, 2], {0: (seen, 0)}) for seen in (prefix, half))
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
