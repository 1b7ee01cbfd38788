"""What training draws from demonstrations: windows around an anchor, images under any instruction, attention masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from arvla_ros.episodes.layout import DatasetError, Feature
from arvla_ros.episodes.lerobot_reader import LeRobotDataset
from arvla_ros.episodes.lerobot_writer import LeRobotWriter
from arvla_ros.episodes.staging import Episode, EpisodeFormat
from arvla_ros.policy.instructions import InstructionTokenizer
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.demonstrations import episode_format
from arvla_ros.sim.tasks import make_task
from arvla_ros.training.objectives import aligned_attention, causal_attention
from arvla_ros.training.scenes import Scenes, render_scenes
from arvla_ros.training.windows import DemonstrationWindows

LENGTHS = (5, 12, 30)
INSTRUCTIONS = ("reach the blue battery", "reach the green battery", "go to the red cup")


@pytest.fixture
def demonstrations(tmp_path: Path) -> LeRobotDataset:
    """Episodes in which every state, action and image tells its episode and step."""
    form = episode_format(make_task("reach"), RobotContract.load())
    camera = "observation.images.side"
    with LeRobotWriter(tmp_path / "set", form) as writer:
        for episode, length in enumerate(LENGTHS):
            step = np.arange(length, dtype=np.float32)
            told = np.stack([np.full(length, episode), step, *np.zeros((5, length))], 1).astype(np.float32)
            images = np.zeros((length, 96, 128, 3), dtype=np.uint8)
            images[:, :48], images[:, 48:] = SHADE * episode, SHADE * np.arange(length)[:, None, None, None]
            columns = {
                "observation.state": told,
                "action": told - 100,
                "action.expert": told + 100,
                "observation.environment_state": np.full((length, 21), episode, dtype=np.float32),
                "named_object": np.full(length, episode),
                "stamp_ns": np.zeros(length, dtype=np.int64),
                "next.success": np.ones(length, dtype=bool),
                "next.score": np.ones(length, dtype=np.float32),
                "seed": np.full(length, episode),
            }
            writer.append(Episode(INSTRUCTIONS[episode], columns, {camera: images}))
    return LeRobotDataset(tmp_path / "set")


# Pictures are of one shade above, which tells the episode, and one below, which tells the step.
SHADE = 8


def told_by(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    above, below = images[:, :40].float().mean((1, 2, 3)), images[:, 56:].float().mean((1, 2, 3))
    return (above / SHADE).round(), (below / SHADE).round()


SCENE = 9


def draw(demonstrations: LeRobotDataset, seed: int = 0) -> DemonstrationWindows:
    images = torch.full((5, 96, 128, 3), SHADE * SCENE, dtype=torch.uint8)
    scenes = Scenes(images, torch.full((5, 3, 2), float(SCENE)))
    return DemonstrationWindows(demonstrations, scenes, INSTRUCTIONS, torch.Generator().manual_seed(seed))


def test_a_window_is_one_episode_in_order_with_the_image_of_its_anchor(demonstrations: LeRobotDataset) -> None:
    batch = draw(demonstrations).windows(500, history=4, horizon=3, longest_pause=0)
    episode, step = batch.states[..., 0], batch.states[..., 1]
    assert torch.equal(batch.actions, batch.states + 100)
    assert (episode == episode[:, :1]).all()
    both = batch.inside[:, 1:] & batch.inside[:, :-1]
    assert ((step[:, 1:] - step[:, :-1])[both] == 1).all()
    seen_episode, seen_step = told_by(batch.sight.images)
    assert torch.equal(seen_episode, episode[:, 4])
    assert torch.equal(seen_step, step[:, 4])
    assert torch.equal(batch.sight.named.float(), episode[:, 4])
    assert torch.equal(batch.sight.objects[:, 0, 0], episode[:, 4])


def test_the_anchor_is_any_step_and_what_lies_outside_the_episode_is_marked(demonstrations: LeRobotDataset) -> None:
    batch = draw(demonstrations).windows(2000, history=4, horizon=3, longest_pause=0)
    length = torch.tensor(LENGTHS)[batch.states[:, 0, 0].long()]
    anchor = batch.states[:, 4, 1]
    assert {(int(e), int(a)) for e, a in zip(batch.states[:, 0, 0], anchor, strict=True)} == {
        (episode, step) for episode, count in enumerate(LENGTHS) for step in range(count)
    }
    place = anchor[:, None] + torch.arange(-4, 3)
    assert torch.equal(batch.inside, (place >= 0) & (place < length[:, None]))


def test_a_pause_precedes_the_episode_at_its_first_state(demonstrations: LeRobotDataset) -> None:
    batch = draw(demonstrations).windows(2000, history=4, horizon=3, longest_pause=2)
    paused = ((batch.states[..., 1] == 0) & batch.inside).sum(1) - 1
    starts = paused >= 0
    assert set(paused[starts].tolist()) == {0, 1, 2}
    assert batch.inside[:, 4].all()


def test_the_same_seed_draws_the_same_batches(demonstrations: LeRobotDataset) -> None:
    first, again, other = (draw(demonstrations, seed).windows(64, 4, 3, 2).states for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_images_come_under_instructions_for_any_of_their_objects(demonstrations: LeRobotDataset) -> None:
    windows = draw(demonstrations)
    batch = windows.sight(500)
    tokenizer = InstructionTokenizer(INSTRUCTIONS)
    expected = torch.stack([tokenizer.encode(INSTRUCTIONS[named]) for named in batch.named.tolist()])
    assert torch.equal(batch.words, expected)
    pairs = set(zip(told_by(batch.images)[0].tolist(), batch.named.tolist(), strict=True))
    assert pairs == {(place, named) for place in (0, 1, 2, SCENE) for named in range(3)}


def test_half_of_the_images_are_scenes_and_positions_go_with_their_image(demonstrations: LeRobotDataset) -> None:
    batch = draw(demonstrations).sight(500)
    place, _ = told_by(batch.images)
    assert (place == SCENE).sum() == 250
    assert torch.equal(batch.objects[:, 0, 0], place)


def test_a_dataset_that_does_not_say_where_things_are_is_refused(tmp_path: Path) -> None:
    numbers = Feature("float32", (7,))
    with LeRobotWriter(
        tmp_path / "set", EpisodeFormat(10, {"observation.state": numbers, "action": numbers})
    ) as writer:
        zeros = np.zeros((3, 7), dtype=np.float32)
        writer.append(Episode("reach", {"observation.state": zeros, "action": zeros}, {}))
    with pytest.raises(DatasetError, match=r"has no observation\.environment_state, named_object; it has observation"):
        draw(LeRobotDataset(tmp_path / "set"))


def test_scenes_are_drawn_from_their_seed_on_any_number_of_processes() -> None:
    contract = RobotContract.load()
    few, many = (render_scenes("reach", contract, count, seed=3) for count in (2, 51))
    other = render_scenes("reach", contract, 2, seed=4)
    assert many.images.shape == (51, 96, 128, 3)
    assert many.objects.shape == (51, 3, 2)
    assert torch.equal(few.images, many.images[:2])
    assert torch.equal(few.objects, many.objects[:2])
    assert not torch.equal(few.objects, other.objects)
    assert many.images.float().flatten(1).std(1).min() > 10


def test_in_phase_1_a_token_sees_the_band_of_its_episode_only() -> None:
    inside = torch.tensor([[False, True, True, True, True]])
    assert causal_attention(inside, 3)[0].int().tolist() == [
        [1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 1, 1, 0, 0],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 1, 1],
    ]


def test_in_phase_2_supervised_tokens_miss_any_earlier_token_but_never_themselves() -> None:
    inside = torch.ones(4000, 6, dtype=torch.bool)
    generator = torch.Generator().manual_seed(0)
    visible = aligned_attention(inside, 6, horizon=3, mask_rate=0.6, generator=generator).float()
    causal = causal_attention(inside, 6).float()
    assert torch.equal(visible[:, :3], causal[:, :3])
    earlier = torch.tril(torch.ones(6, 6), -1)[3:]
    torch.testing.assert_close(visible[:, 3:].mean(0), 0.4 * earlier + torch.eye(6)[3:], atol=0.04, rtol=0)


@pytest.mark.parametrize("mask_rate", [0.0, 1.0])
def test_the_mask_rate_spans_all_to_nothing(mask_rate: float) -> None:
    inside = torch.ones(3, 6, dtype=torch.bool)
    visible = aligned_attention(inside, 6, horizon=6, mask_rate=mask_rate, generator=torch.Generator())
    expected = torch.eye(6, dtype=torch.bool).expand(3, 6, 6) if mask_rate else causal_attention(inside, 6)
    assert torch.equal(visible, expected)
