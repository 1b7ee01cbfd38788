"""A PaliGemma and its expert trained together, each by its own loss; and the checkpoint that comes of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from paligemma_models import INSTRUCTION, load, write_model

from arvla_ros.policy.checkpoint import CheckpointError, Manifest, load_manifest, save_checkpoint
from arvla_ros.policy.expert import ActionExpert, ExpertConfig
from arvla_ros.policy.fast import FastTokenizer
from arvla_ros.policy.normalization import Normalizer
from arvla_ros.policy.paligemma import PaliGemmaBackbone
from arvla_ros.policy.streaming import Perceiver, StreamingPolicy
from arvla_ros.robots.contract import RobotContract
from arvla_ros.training.insulation import GeneralistBatch, insulated_losses

HISTORY, HORIZON = 4, 6
EXPERT = ExpertConfig(
    layers=3,
    width=32,
    mlp_width=48,
    query_heads=2,
    kv_heads=1,
    head_dim=8,
    activation="gelu_tanh_gated",
    history_length=HISTORY,
    horizon=HORIZON,
    rope_base=10_000.0,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("gemma"), "gemma", vocab_size=1024)


def make_batch(backbone: PaliGemmaBackbone) -> GeneralistBatch:
    generator = torch.Generator().manual_seed(0)
    config = backbone.config
    shape = (3, config.cameras, config.image_height, config.image_width, 3)
    phase = torch.arange(HISTORY + HORIZON) / 5 + torch.arange(3)[:, None]
    actions = torch.sin(phase[..., None] + torch.arange(7))
    return GeneralistBatch(
        images=torch.randint(256, shape, dtype=torch.uint8, generator=generator),
        words=backbone.encode(INSTRUCTION).expand(3, -1),
        states=torch.cos(phase[..., None] + torch.arange(7)),
        actions=actions,
        inside=torch.ones(3, HISTORY + HORIZON, dtype=torch.bool),
    )


def losses(backbone: PaliGemmaBackbone, expert: ActionExpert) -> dict[str, torch.Tensor]:
    batch = make_batch(backbone)
    tokenizer = FastTokenizer.fit(batch.actions[:, -HORIZON:].numpy(), vocab_size=100)
    return insulated_losses(backbone, expert, tokenizer, batch, 0.6, torch.Generator().manual_seed(0))


def trained(module: torch.nn.Module) -> set[str]:
    return {name for name, weight in module.named_parameters() if weight.grad is not None and weight.grad.any()}


@pytest.fixture
def backbone(model: Path) -> PaliGemmaBackbone:
    return load(model).requires_grad_(True)


@pytest.fixture
def expert() -> ActionExpert:
    torch.manual_seed(0)
    return ActionExpert(EXPERT)


def test_the_action_loss_moves_the_expert_and_nothing_of_the_backbone(
    backbone: PaliGemmaBackbone, expert: ActionExpert
) -> None:
    losses(backbone, expert)["action"].backward()
    assert trained(backbone) == set()
    assert trained(expert) == {name for name, _ in expert.named_parameters()}


def test_the_fast_loss_moves_the_backbone_and_nothing_of_the_expert(
    backbone: PaliGemmaBackbone, expert: ActionExpert
) -> None:
    losses(backbone, expert)["fast"].backward()
    assert trained(expert) == set()
    assert trained(backbone) == {name for name, _ in backbone.named_parameters()}


def test_both_learn_in_one_step_of_one_optimiser(backbone: PaliGemmaBackbone, expert: ActionExpert) -> None:
    optimizer = torch.optim.Adam([*backbone.parameters(), *expert.parameters()], 5e-3)
    history = []
    for _ in range(12):
        now = losses(backbone, expert)
        optimizer.zero_grad()
        torch.stack(list(now.values())).sum().backward()
        optimizer.step()
        history.append({name: loss.item() for name, loss in now.items()})
    assert history[-1]["fast"] < 0.7 * history[0]["fast"]
    assert history[-1]["action"] < 0.7 * history[0]["action"]


def test_a_backbone_in_half_precision_trains_an_expert_in_full(model: Path, expert: ActionExpert) -> None:
    losses(load(model, "bfloat16"), expert)["action"].backward()
    assert trained(expert) == {name for name, _ in expert.named_parameters()}


def save(folder: Path, backbone: PaliGemmaBackbone | None, expert: ActionExpert, source: Path) -> Manifest:
    unit = Normalizer.identity(7)
    config = load(source).config
    contract = dataclasses.replace(
        RobotContract.load(), image_width=config.image_width, image_height=config.image_height
    )
    manifest = Manifest("stack3", contract, config, EXPERT, unit, unit)
    return save_checkpoint(folder, manifest, backbone, expert, lambda _: "")


def test_a_checkpoint_holds_a_trained_paligemma_as_hugging_face_would(
    tmp_path: Path, model: Path, backbone: PaliGemmaBackbone, expert: ActionExpert
) -> None:
    with torch.no_grad():
        for weight in backbone.parameters():
            weight.mul_(1.1)
    saved = save(tmp_path, backbone, expert, model)
    assert sorted(path.name for path in (tmp_path / "backbone").iterdir() if path.suffix == ".safetensors") == [
        "model.safetensors"
    ]
    images = make_batch(backbone).images[0]
    seen = backbone.look(images[None], backbone.encode(INSTRUCTION)[None])
    prefix = Perceiver.load(tmp_path).perceive(images.numpy(), INSTRUCTION)
    torch.testing.assert_close(prefix.keys, seen.keys[:, 0])
    policy = StreamingPolicy.load(tmp_path)
    policy.set_prefix(prefix, 0)
    assert np.isfinite(policy.step(3, np.zeros(7, dtype=np.float32))).all()
    assert policy.model_id == saved.model_id == load_manifest(tmp_path).model_id


def test_a_checkpoint_can_name_a_paligemma_that_lies_elsewhere(
    tmp_path: Path, model: Path, expert: ActionExpert
) -> None:
    save(tmp_path / "checkpoint", None, expert, model)
    assert not (tmp_path / "checkpoint" / "backbone").exists()
    assert Perceiver.load(tmp_path / "checkpoint").model_id


def test_another_paligemma_than_the_experts_is_refused(
    tmp_path: Path, model: Path, backbone: PaliGemmaBackbone, expert: ActionExpert
) -> None:
    save(tmp_path / "checkpoint", backbone, expert, model)
    with torch.no_grad():
        next(backbone.parameters()).add_(1.0)
    backbone.save(tmp_path / "checkpoint" / "backbone")
    with pytest.raises(CheckpointError, match=r"backbone: SHA-256 is \w{12}…, config.json says \w{12}…"):
        Perceiver.load(tmp_path / "checkpoint")


def test_a_paligemma_that_is_gone_is_named(
    tmp_path: Path, model: Path, backbone: PaliGemmaBackbone, expert: ActionExpert
) -> None:
    save(tmp_path / "checkpoint", backbone, expert, model)
    (tmp_path / "checkpoint" / "backbone" / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model.safetensors is missing"):
        Perceiver.load(tmp_path / "checkpoint")
