from __future__ import annotations

import numpy as np
import pytest

from arvla_ros.sim.guess import GuessConfig, GuessError, Sample, accuracy, guess, observe_neutral


def make_samples(told: float) -> list[Sample]:
    """Make 400 samples, in which one feature out of eleven tells the answer with this strength."""
    rng = np.random.default_rng(0)
    answers = rng.random(400) < 0.5
    features = rng.normal(size=(400, 11))
    features[:, 0] += told * (2 * answers - 1)
    return [Sample(row, bool(answer)) for row, answer in zip(features, answers, strict=True)]


@pytest.mark.parametrize("hidden", [0, 32])
def test_a_leak_is_found_and_noise_is_not(hidden: int) -> None:
    assert accuracy(make_samples(told=1.5), hidden) > 0.85
    assert accuracy(make_samples(told=0.0), hidden) < 0.60


def test_the_observation_at_neutral_is_what_a_policy_sees_and_leaves_the_answer_open() -> None:
    samples = [sample for seed in range(16) if (sample := observe_neutral(seed)) is not None]
    assert len(samples) == 16
    assert all(sample.features.shape == (11,) for sample in samples)
    assert 2 <= sum(sample.left for sample in samples) <= 14
    joints = np.stack([sample.features[:6] for sample in samples])
    assert np.ptp(joints, axis=0).max() < 0.15  # always about the same pose
    # By the mean of either answer's joints, nobody gets far: 16 fair guesses exceed 14 once in 2000 times.
    waist = joints[:, 0] > np.median(joints[:, 0])
    agree = int((waist == [sample.left for sample in samples]).sum())
    assert max(agree, 16 - agree) <= 14


def test_too_few_episodes_are_refused() -> None:
    with pytest.raises(GuessError, match="episodes 3 must be at least 10"):
        guess(GuessConfig(episodes=3))
