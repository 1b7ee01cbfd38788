"""Action heads: bins round to their nearest centre, and both heads are used the same way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.vq import kmeans2

from arvla_ros.policy.heads import BinnedHead, ContinuousHead, HeadError, fit_centers, make_head

WIDTH, ACTION_SIZE, BINS = 8, 3, 16


def make_actions(seed: int, count: int = 2000) -> torch.Tensor:
    """Return actions that are spread evenly, in two clumps, and in one clump with far outliers."""
    generator = torch.Generator().manual_seed(seed)
    even = torch.rand(count, generator=generator) * 2 - 1
    clumps = torch.randn(count, generator=generator) * 0.1 + (torch.rand(count, generator=generator) < 0.3)
    outliers = torch.randn(count, generator=generator) ** 3
    return torch.stack((even, clumps, outliers), 1)


def make_fitted(seed: int) -> tuple[BinnedHead, torch.Tensor]:
    torch.manual_seed(seed)
    head, actions = BinnedHead(WIDTH, ACTION_SIZE, BINS), make_actions(seed)
    head.set_centers(fit_centers(actions, BINS))
    return head, actions


def likely(head: BinnedHead, ids: torch.Tensor) -> torch.Tensor:
    """Return logits that name bins ``ids [..., A]``."""
    return torch.nn.functional.one_hot(ids, head.centers.shape[1]).float()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_centres_come_back_from_their_own_bins(seed):
    head, _ = make_fitted(seed)
    ids = head.encode(head.centers.T)
    assert torch.equal(ids, torch.arange(BINS)[:, None].expand(-1, ACTION_SIZE))
    assert torch.equal(head.decode(likely(head, ids)), head.centers.T)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_an_action_within_the_centres_is_off_by_at_most_half_the_widest_bin(seed):
    head, actions = make_fitted(seed)
    inside = actions.clamp(head.centers[:, 0], head.centers[:, -1])
    error = (head.decode(likely(head, head.encode(inside))) - inside).abs()
    widest = head.centers.diff(dim=-1).amax(-1)
    assert (error <= widest / 2 + 1e-6).all()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_the_bin_chosen_is_the_nearest(seed):
    head, actions = make_fitted(seed)
    decoded = head.decode(likely(head, head.encode(actions)))
    for dimension, centers in enumerate(head.centers):
        nearest = (actions[:, dimension, None] - centers).abs().amin(-1)
        torch.testing.assert_close((decoded - actions)[:, dimension].abs(), nearest)


def test_centres_are_each_the_mean_of_what_is_nearest_to_them():
    head, actions = make_fitted(0)
    ids = head.encode(actions)
    for dimension in range(ACTION_SIZE):
        for bin_, center in enumerate(head.centers[dimension]):
            assert actions[ids[:, dimension] == bin_, dimension].mean() == pytest.approx(float(center), abs=1e-4)


def test_centres_are_as_good_as_those_of_scipy():
    actions = make_actions(1)
    centers = fit_centers(actions, BINS)
    for column, found in zip(actions.T.double(), centers.double(), strict=True):
        theirs = torch.from_numpy(kmeans2(column.numpy(), BINS, minit="++", seed=0, iter=100)[0].ravel())
        ours_error, their_error = ((column[:, None] - c).square().amin(-1).mean() for c in (found, theirs))
        assert ours_error <= 1.1 * their_error


def test_the_same_data_in_any_order_gives_the_same_centres():
    actions = make_actions(2)
    shuffled = actions[torch.randperm(len(actions), generator=torch.Generator().manual_seed(0))]
    assert torch.equal(fit_centers(actions, BINS), fit_centers(shuffled, BINS))


def test_few_distinct_values_are_the_centres_themselves():
    actions = torch.tensor([[0.0, 0.5], [1.0, 0.5], [0.0, 0.5], [0.25, 0.5]])
    centers = fit_centers(actions, 5)
    assert centers.tolist() == [[0.0, 0.25, 1.0, 1.0, 1.0], [0.5] * 5]
    head = BinnedHead(WIDTH, 2, 5)
    head.set_centers(centers)
    # Repeated centres are never two targets for one action.
    assert head.encode(actions + torch.tensor([0.0, 9.0])).tolist() == [[0, 0], [2, 0], [0, 0], [1, 0]]
    assert torch.equal(head.decode(likely(head, head.encode(actions))), actions)


def test_a_bin_that_loses_all_its_values_stays_between_its_neighbours():
    # Found by search: on the way the middle bin holds 12 and 15, and both become nearer to what its neighbours move to.
    actions = torch.tensor([5.0] * 2 + [12.0] * 100 + [15.0] * 100 + [25.0] * 101 + [27.0])[:, None]
    centers = fit_centers(actions, 3)
    assert torch.isfinite(centers).all()
    assert (centers.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize("shape", [(WIDTH,), (5, WIDTH), (2, 5, WIDTH)])
@pytest.mark.parametrize("bins", [0, BINS])
def test_both_heads_decode_and_score_every_token(shape, bins):
    torch.manual_seed(0)
    head = make_head(WIDTH, ACTION_SIZE, bins)
    out = head(torch.randn(shape))
    assert out.shape == (*shape[:-1], ACTION_SIZE, *([bins] if bins else []))
    assert head.decode(out).shape == (*shape[:-1], ACTION_SIZE)
    assert head.loss(out, torch.randn(*shape[:-1], ACTION_SIZE)).shape == shape[:-1]


@pytest.mark.parametrize("bins", [0, BINS])
def test_decoding_never_waits_for_a_value(bins):
    # Tensors on the meta device have none: whatever read one back to the host would raise.
    head = make_head(WIDTH, ACTION_SIZE, bins).to("meta")
    assert head.decode(head(torch.empty(2, WIDTH, device="meta"))).shape == (2, ACTION_SIZE)


def test_a_binned_head_adds_only_its_centres_to_a_checkpoint():
    binned, continuous = BinnedHead(WIDTH, ACTION_SIZE, BINS), ContinuousHead(WIDTH, ACTION_SIZE)
    assert set(continuous.state_dict()) == {"weight", "bias"}
    assert set(binned.state_dict()) == {"weight", "bias", "centers"}
    fitted, _ = make_fitted(3)
    binned.load_state_dict(fitted.state_dict())
    x = torch.randn(4, WIDTH)
    assert torch.equal(binned.decode(binned(x)), fitted.decode(fitted(x)))


def test_the_loss_is_the_mean_negative_log_likelihood_of_the_wanted_bins():
    head, actions = make_fitted(4)
    logits, ids = torch.randn(5, ACTION_SIZE, BINS), head.encode(actions[:5])
    wanted = logits.log_softmax(-1).gather(-1, ids[..., None]).squeeze(-1)
    torch.testing.assert_close(head.loss(logits, actions[:5]), -wanted.mean(-1))


@pytest.mark.parametrize("bins", [0, BINS])
def test_training_a_head_lets_it_tell_one_action_from_another(bins):
    torch.manual_seed(0)
    head, x = make_head(WIDTH, ACTION_SIZE, bins), torch.eye(WIDTH)[:2]
    wanted = torch.tensor([[-1.0, -0.2, 0.6], [1.0, 0.2, -0.6]])
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        head.loss(head(x), wanted).sum().backward()
        optimizer.step()
    torch.testing.assert_close(head.decode(head(x)), wanted, atol=1e-3, rtol=0)


def not_finite(value: float) -> torch.Tensor:
    actions = make_actions(0, 10)
    actions[4, 1] = value
    return actions


@pytest.mark.parametrize(
    ("actions", "bins", "message"),
    [
        (not_finite(math.nan), 4, "dimension 1 of the actions is not finite in 1 of 10 rows"),
        (not_finite(math.inf), 4, "dimension 1 .* in 1 of 10 rows"),
        (torch.full((3, 1), math.nan), 4, "dimension 0 .* in 3 of 3 rows"),
        (torch.zeros(0, 2), 4, r"n > 0, got \[0, 2\]"),
        (torch.zeros(5), 4, r"n > 0, got \[5\]"),
        (torch.zeros(5, 2), 1, "at least 2 bins, got 1"),
    ],
)
def test_data_that_no_bins_can_be_made_of_is_refused(actions, bins, message):
    with pytest.raises(HeadError, match=message):
        fit_centers(actions, bins)


@pytest.mark.parametrize(
    ("centers", "message"),
    [
        (torch.zeros(3, 5), r"centers must be \[2, 5\], got \[3, 5\]"),
        (torch.tensor([[0.0] * 5, [0, 1, 2, math.nan, 4]]), "centers of dimension 1 are not finite"),
        (torch.tensor([np.arange(5.0).tolist(), [0, 1, 3, 2, 4]]), "centers of dimension 1 are not sorted"),
    ],
)
def test_centres_that_do_not_fit_are_refused(centers, message):
    with pytest.raises(HeadError, match=message):
        BinnedHead(WIDTH, 2, 5).set_centers(centers)


def test_a_single_bin_is_refused():
    with pytest.raises(HeadError, match="at least 2 bins, got 1"):
        BinnedHead(WIDTH, ACTION_SIZE, 1)
