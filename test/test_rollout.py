"""The shipped checkpoint in closed loop, and how its success is counted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvla_ros.evaluation.rollout import (
    Ablation,
    EpisodeResult,
    EvalConfig,
    EvalError,
    EvalRow,
    Setting,
    evaluate,
    run_episode,
    table,
    wilson_interval,
)
from arvla_ros.paths import share_directory
from arvla_ros.policy.checkpoint import CheckpointError, load_manifest
from arvla_ros.policy.streaming import Perceiver, StreamingPolicy
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.tasks import make_task
from arvla_ros.training.card import model_card

CHECKPOINT = share_directory() / "checkpoints" / "reach"
# Apart from the seeds that the model card counts.
FIRST_SEED = 5_000


class Shipped:
    """The shipped policy in its environment."""

    def __init__(self) -> None:
        self.policy = StreamingPolicy.load(CHECKPOINT)
        self.perceiver = Perceiver.load(CHECKPOINT)
        self.env = RolloutEnv(make_task("reach"), self.policy.contract)

    def run(self, episodes: int, refresh_every: int, ablation: Ablation = "none") -> EvalRow:
        setting = Setting(latency=2, refresh_every=refresh_every)
        return EvalRow(
            setting,
            tuple(
                run_episode(self.env, self.perceiver, self.policy, FIRST_SEED + index, setting, ablation)
                for index in range(episodes)
            ),
        )


@pytest.fixture(scope="module")
def shipped() -> Shipped:
    return Shipped()


def result(seed: int, success: bool, score: float = 1.0, seconds: float = 2.0) -> EpisodeResult:
    return EpisodeResult(seed, "reach the red cup", "reach the red cup", success, success, score, seconds)


@pytest.mark.parametrize("refresh_every", [4, 10])
def test_the_shipped_checkpoint_reaches_what_the_instruction_names(shipped: Shipped, refresh_every: int) -> None:
    # A policy that succeeds 19 times of 20 falls below 7 of 10 in one run of 1000.
    assert shipped.run(10, refresh_every).successes >= 7


def test_told_to_go_elsewhere_it_goes_there_and_not_to_the_judges_object(shipped: Shipped) -> None:
    row = shipped.run(6, 4, "other_instruction")
    assert all(episode.told != episode.instruction for episode in row.episodes)
    assert row.successes == 0
    assert row.reached_told >= 4


def test_without_a_picture_it_is_lost(shipped: Shipped) -> None:
    assert shipped.run(6, 4, "blank_image").successes <= 2


def test_an_episode_is_reproducible(shipped: Shipped) -> None:
    assert shipped.run(2, 4).episodes == shipped.run(2, 4).episodes


def test_the_shipped_checkpoint_is_small_and_knows_every_instruction_of_its_task() -> None:
    assert sum(file.stat().st_size for file in CHECKPOINT.iterdir()) < 20e6
    assert set(load_manifest(CHECKPOINT).instructions) == set(make_task("reach").instructions)


def test_the_model_card_states_what_was_measured_and_nothing_else() -> None:
    manifest = load_manifest(CHECKPOINT)
    assert (CHECKPOINT / "README.md").read_text() == model_card(manifest)
    for row in manifest.training["evaluation"]:
        assert row["episodes"] == 100
        assert row["successes"] >= 90


def test_a_row_counts_scores_and_times() -> None:
    row = EvalRow(Setting(2, 4), (result(7, True, 1.0, 3.0), result(8, False, 0.5, 8.0), result(9, True, 1.0, 4.0)))
    assert row.successes == 2
    assert row.mean_score == pytest.approx(2.5 / 3)
    assert row.mean_seconds == pytest.approx(3.5)
    assert "| 4, 2 | 2 of 3, 7-9 | 21-94 % | 0.833 | 3.50 s |" in table([row.to_dict()])


def test_without_any_success_there_is_no_time_to_success() -> None:
    row = EvalRow(Setting(2, 4), (result(0, False),))
    assert row.to_dict()["mean_seconds"] is None
    assert "| 0 of 1, 0-0 | 0-79 % | 1.000 |  |" in table([row.to_dict()])


def test_wilsons_interval_is_the_published_one() -> None:
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


@given(trials=st.integers(1, 1000), data=st.data())
def test_wilsons_interval_holds_the_rate_and_is_symmetric(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = wilson_interval(successes, trials)
    assert 0 <= low <= high <= 1
    assert low - 1e-9 <= successes / trials <= high + 1e-9
    mirrored = wilson_interval(trials - successes, trials)
    assert mirrored == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"episodes": 0}, "episodes 0 must be at least 1"),
        ({"latency": (-1,)}, r"latency \(-1,\) must be steps from 0 on"),
        ({"refresh_every": (4, 0)}, r"refresh_every \(4, 0\) from 1 on"),
    ],
)
def test_an_evaluation_that_cannot_be_run_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(EvalError, match=message):
        EvalConfig(**fields)


def test_a_missing_checkpoint_is_refused_before_any_process_starts() -> None:
    with pytest.raises(CheckpointError, match="nowhere: no such folder"):
        evaluate(EvalConfig(checkpoint=share_directory() / "nowhere"))
