"""The training command, tiny: demonstrations in, a checkpoint that loads and drives the arm out."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from arvla_ros.episodes.layout import DatasetError
from arvla_ros.episodes.lerobot_reader import LeRobotDataset
from arvla_ros.evaluation.rollout import EvalConfig, evaluate
from arvla_ros.paths import share_directory
from arvla_ros.policy.checkpoint import load_backbone, load_manifest
from arvla_ros.policy.expert import ExpertConfig
from arvla_ros.policy.small import SmallBackbone
from arvla_ros.sim.record import RecordConfig, record
from arvla_ros.training.config import BackboneShape, PhaseConfig, TrainConfig, TrainConfigError
from arvla_ros.training.train import Training, train

EPISODES = 6


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demonstrations")
    assert record(RecordConfig(out=folder, episodes=EPISODES, workers=1)) == 0
    return folder


def tiny(demonstrations: Path, out: Path, steps: int = 3) -> TrainConfig:
    phase = PhaseConfig(steps=steps, batch_size=4, learning_rate=3e-3, warmup_steps=1)
    return TrainConfig(
        demonstrations=demonstrations,
        out=out,
        expert=ExpertConfig(layers=2, width=16, mlp_width=24, query_heads=2, kv_heads=1, head_dim=8),
        backbone=BackboneShape(width=16, mlp_width=24, heads=2, stem_widths=(8, 8, 16)),
        scenes=4,
        sight=phase,
        motion=phase,
        alignment=phase,
        threads=1,
        episodes=0,
    )


def test_a_run_leaves_a_checkpoint_that_drives_the_arm(demonstrations: Path, tmp_path: Path) -> None:
    out = tmp_path / "checkpoint"
    assert train(dataclasses.replace(tiny(demonstrations, out), episodes=2)) == 0
    manifest = load_manifest(out)
    assert manifest.training["demonstrations"]["episodes"] == EPISODES
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [line["phase"] for line in lines] == ["sight", "motion", "alignment"]
    assert all(("position" in line) == (line["phase"] == "sight") for line in lines)
    card = (out / "README.md").read_text()
    assert manifest.model_id in card
    assert "of 2, 0-1" in card
    assert [row["episodes"] for row in load_manifest(out).training["evaluation"]] == [2, 2]


def test_the_same_seed_gives_the_same_weights(demonstrations: Path, tmp_path: Path) -> None:
    config = tiny(demonstrations, tmp_path / "a")
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(dataclasses.replace(config, out=tmp_path / name, seed=seed))
    for file in ("backbone.safetensors", "expert.safetensors"):
        first, again, other = (load_file(tmp_path / name / file) for name in "abc")
        assert all(torch.equal(first[name], again[name]) for name in first)
        assert any(not torch.equal(first[name], other[name]) for name in first)


def test_training_lowers_both_losses(demonstrations: Path, tmp_path: Path) -> None:
    config = tiny(demonstrations, tmp_path, steps=60)
    phase = dataclasses.replace(config.sight, steps=60, batch_size=16)
    longer = dataclasses.replace(phase, steps=150)
    train(dataclasses.replace(config, motion=phase, alignment=phase, sight=longer))
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    positions = [line["position"] for line in lines if "position" in line]
    actions = [line["action"] for line in lines if "action" in line]
    assert positions[-1] < 0.9 * positions[0]
    assert actions[-1] < 0.8 * actions[0]


def test_phase_1_moves_the_expert_and_nothing_of_perception(demonstrations: Path, tmp_path: Path) -> None:
    training = Training(tiny(demonstrations, tmp_path), LeRobotDataset(demonstrations))
    training.motion_losses(4)["action"].backward()
    assert all(parameter.grad is None for parameter in training.backbone.parameters())
    assert all(parameter.grad is not None for parameter in training.expert.parameters())


def test_the_action_loss_of_phase_2_stops_at_the_projections(demonstrations: Path, tmp_path: Path) -> None:
    training = Training(tiny(demonstrations, tmp_path), LeRobotDataset(demonstrations))
    training.alignment_losses(4)["action"].backward()
    assert all(parameter.grad is None for parameter in training.backbone.insulated_parameters())
    assert all(parameter.grad is not None for parameter in training.backbone.projections.parameters())


def test_a_phase_of_no_steps_is_left_out(demonstrations: Path, tmp_path: Path) -> None:
    none = PhaseConfig(steps=0)
    config = dataclasses.replace(tiny(demonstrations, tmp_path), sight=none, motion=none, alignment=none)
    train(config)
    torch.manual_seed(config.seed)
    fresh = SmallBackbone(load_manifest(tmp_path).backbone)
    assert torch.equal(load_backbone(tmp_path).readout, fresh.readout)


def test_missing_demonstrations_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nowhere/meta/info\.json does not exist: record a dataset there"):
        train(tiny(tmp_path / "nowhere", tmp_path))


def test_the_shipped_configuration_is_the_default_and_what_made_the_shipped_checkpoint() -> None:
    config = TrainConfig.load(share_directory() / "config" / "train" / "reach.yaml")
    assert config == TrainConfig()
    manifest = load_manifest(share_directory() / "checkpoints" / "reach")
    assert manifest.expert == config.expert
    assert manifest.training["phases"] == {
        name: vars(getattr(config, name)) for name in ("sight", "motion", "alignment")
    }
    assert (manifest.training["scenes"], manifest.training["seed"]) == (config.scenes, config.seed)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sigth: {steps: 3}", "unknown field sigth; known are demonstrations, out, "),
        ("sight: {step: 3}", "unknown field sight.step; known are steps, "),
        ("sight: 3", "sight. must be a mapping, got 3"),
        ("mask_rate: 1.5", r"mask_rate 1.5 is outside 0\.\.1"),
        ("expert: {layers: 0}", "layers must be positive, got 0"),
        ("sight: {}", "steps"),
        ("a: [", "not YAML"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "train.yaml"
    file.write_text(text)
    with pytest.raises(TrainConfigError, match=message) as refusal:
        TrainConfig.load(file)
    assert str(file) in str(refusal.value)


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainConfigError, match=r"nowhere\.yaml: cannot be read"):
        TrainConfig.load(tmp_path / "nowhere.yaml")


def test_a_trained_checkpoint_is_evaluated_from_its_folder(demonstrations: Path, tmp_path: Path) -> None:
    train(tiny(demonstrations, tmp_path / "checkpoint"))
    config = EvalConfig(
        checkpoint=tmp_path / "checkpoint",
        episodes=1,
        latency=(0, 5),
        refresh_every=(3,),
        workers=1,
        out=tmp_path / "eval.json",
    )
    assert evaluate(config) == 0
    written = json.loads((tmp_path / "eval.json").read_text())
    assert [(row["latency"], row["refresh_every"], len(row["results"])) for row in written] == [(0, 3, 1), (5, 3, 1)]
    assert written[0]["mean_score"] == pytest.approx(written[0]["results"][0]["score"], abs=1e-3)
