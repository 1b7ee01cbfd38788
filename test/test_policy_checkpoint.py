"""Checkpoints: there and back, and every way in which a folder can be unusable."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from arvla_ros.policy.checkpoint import (
    CheckpointError,
    Manifest,
    load_backbone,
    load_expert,
    load_manifest,
    save_checkpoint,
)
from arvla_ros.policy.expert import ActionExpert, ExpertConfig
from arvla_ros.policy.heads import BinnedHead
from arvla_ros.policy.normalization import Normalizer
from arvla_ros.policy.prefix import PrefixError
from arvla_ros.policy.small import SmallBackbone, SmallConfig
from arvla_ros.policy.streaming import Perceiver, StreamingPolicy
from arvla_ros.robots.contract import RobotContract

IMAGE = np.arange(96 * 128 * 3, dtype=np.uint8).reshape(96, 128, 3)
STATE = np.array([0.1, -0.4, 0.3, 0.0, 1.5, 0.0, 0.07], dtype=np.float32)


def save(folder: Path, seed: int = 0) -> Manifest:
    torch.manual_seed(seed)
    expert = ActionExpert(ExpertConfig(layers=2, width=16, mlp_width=24, query_heads=2, kv_heads=1, head_dim=8))
    config = SmallConfig(
        ("reach the cup",), layers=2, width=16, mlp_width=24, heads=2, stem_widths=(8, 8, 8), kv_heads=1, head_dim=8
    )
    statistics = Normalizer.mean_std(torch.randn(20, 7))
    manifest = Manifest(
        task="reach",
        contract=RobotContract.load(),
        backbone=config,
        expert=expert.config,
        state=statistics,
        action=statistics,
        position=Normalizer.mean_std(torch.randn(20, 2)),
        training={"seed": seed},
    )
    return save_checkpoint(folder, manifest, SmallBackbone(config), expert, card)


def card(manifest: Manifest) -> str:
    return f"# {manifest.task} {manifest.model_id}\n"


def act(folder: Path) -> np.ndarray:
    policy, perceiver = StreamingPolicy.load(folder), Perceiver.load(folder)
    policy.set_prefix(perceiver.perceive(IMAGE[None], "reach the cup"), 0)
    return np.stack([policy.step(step, STATE) for step in range(3)])


def edit_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def edit_weights(file: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    weights = load_file(file)
    change(weights)
    save_file(weights, file)


def test_what_is_loaded_acts_as_what_was_saved(tmp_path: Path) -> None:
    manifest = save(tmp_path / "a")
    loaded = load_manifest(tmp_path / "a")
    assert (loaded.task, loaded.contract, loaded.backbone, loaded.expert, loaded.model_id, loaded.training) == (
        manifest.task,
        manifest.contract,
        manifest.backbone,
        manifest.expert,
        manifest.model_id,
        manifest.training,
    )
    again = save_checkpoint(tmp_path / "b", loaded, load_backbone(tmp_path / "a"), load_expert(tmp_path / "a"), card)
    assert again.model_id == manifest.model_id
    assert np.array_equal(act(tmp_path / "a"), act(tmp_path / "b"))


def test_a_folder_holds_json_safetensors_and_a_card_only(tmp_path: Path) -> None:
    save(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        "config.json",
        "backbone.safetensors",
        "expert.safetensors",
        "README.md",
    }


def test_the_model_id_changes_with_any_backbone_weight(tmp_path: Path) -> None:
    manifest = save(tmp_path)
    backbone = load_backbone(tmp_path)
    for parameter in (backbone.readout, next(iter(backbone.projections.parameters()))):
        with torch.no_grad():
            parameter.view(-1)[0] += 1e-3
        changed = save_checkpoint(tmp_path / "changed", manifest, backbone, load_expert(tmp_path), card)
        assert changed.model_id != manifest.model_id


def test_each_half_loads_without_the_other(tmp_path: Path) -> None:
    save(tmp_path)
    (tmp_path / "expert.safetensors").rename(tmp_path / "elsewhere")
    Perceiver.load(tmp_path)
    (tmp_path / "elsewhere").rename(tmp_path / "expert.safetensors")
    (tmp_path / "backbone.safetensors").unlink()
    StreamingPolicy.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), r"config\.json is missing; copy the checkpoint again"),
        (lambda folder: (folder / "config.json").write_text("{"), r"config\.json: not JSON"),
        (lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe{"), r"config\.json: not JSON"),
        (lambda folder: (folder / "config.json").write_text("[]"), "format is 'list', not 'arvla_ros checkpoint 1'"),
        (lambda folder: edit_config(folder, lambda c: c.update(format="lerobot")), "format is 'lerobot', not"),
        (lambda folder: edit_config(folder, lambda c: c.pop("contract")), "field 'contract' is missing"),
        (lambda folder: edit_config(folder, lambda c: c.update(contract={})), "field 'robot' is missing"),
        (lambda folder: edit_config(folder, lambda c: c["expert"].pop("width")), "expert: missing or unknown width"),
        (lambda folder: edit_config(folder, lambda c: c["backbone"].update(x=1)), "backbone: missing or unknown x"),
        (
            lambda folder: edit_config(folder, lambda c: c["backbone"].update(kind="x")),
            "backbone: kind is 'x', none of small, specialist, paligemma",
        ),
        (lambda folder: edit_config(folder, lambda c: c["expert"].update(kv_heads=3)), "is not a multiple of kv_heads"),
        (lambda folder: edit_config(folder, lambda c: c["expert"].update(width="16")), "expert: width is '16'"),
        (lambda folder: edit_config(folder, lambda c: c["expert"].update(layers=True)), "expert: layers is True"),
        (
            lambda folder: edit_config(folder, lambda c: c["backbone"].update(instructions=[1])),
            r"backbone: instructions is \(1,\)",
        ),
        (
            lambda folder: edit_config(folder, lambda c: c["backbone"].update(layers=3)),
            r"backbone makes \[layers, kv heads, head dim\] \[3, 1, 8\], expert reads \[2, 1, 8\]",
        ),
        (
            lambda folder: edit_config(folder, lambda c: c["contract"]["arm_joints"].pop()),
            "expert's state size is 7, expected 6",
        ),
        (
            lambda folder: edit_config(folder, lambda c: c["normalization"]["state"].update(scale=[0.0] * 7)),
            "scale must be positive",
        ),
        (
            lambda folder: edit_config(
                folder, lambda c: c["normalization"]["action"].update(offset=[float("nan")] * 7)
            ),
            "offset is not finite",
        ),
    ],
)
def test_a_config_that_cannot_be_used_is_refused(
    tmp_path: Path, change: Callable[[Path], object], message: str
) -> None:
    save(tmp_path)
    change(tmp_path)
    assert_refused(load_manifest, tmp_path, message)


@pytest.mark.parametrize(("load", "name"), [(load_backbone, "backbone"), (load_expert, "expert")])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file.unlink(), "is missing; copy the checkpoint again"),
        (lambda file: file.write_bytes(file.read_bytes()[:-64]), "not a whole safetensors file"),
        (lambda file: file.write_bytes(b""), "not a whole safetensors file"),
        (lambda file: edit_weights(file, lambda w: w.update(extra=torch.zeros(1))), "has unknown tensor 'extra'"),
        (lambda file: edit_weights(file, lambda w: w.pop(sorted(w)[0])), "lacks tensor '"),
        (lambda file: edit_weights(file, transpose_first), "is .*, config.json says "),
        (lambda file: edit_weights(file, first_to_integers), "is torch.int32, not a floating type"),
        (lambda file: edit_weights(file, first_to_nan), "is not finite; the training diverged"),
        (lambda file: edit_weights(file, shift_first), "are of different checkpoints"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(
    tmp_path: Path, load: Callable[[Path], object], name: str, change: Callable[[Path], object], message: str
) -> None:
    save(tmp_path)
    change(tmp_path / f"{name}.safetensors")
    assert_refused(load, tmp_path, rf"{name}\.safetensors.*{message}")


def transpose_first(weights: dict[str, torch.Tensor]) -> None:
    name = next(name for name in sorted(weights) if weights[name].ndim == 2)
    weights[name] = weights[name][None].contiguous()


def first_to_integers(weights: dict[str, torch.Tensor]) -> None:
    weights[sorted(weights)[0]] = weights[sorted(weights)[0]].to(torch.int32)


def first_to_nan(weights: dict[str, torch.Tensor]) -> None:
    weights[sorted(weights)[0]].view(-1)[0] = float("nan")


def shift_first(weights: dict[str, torch.Tensor]) -> None:
    weights[sorted(weights)[0]] += 1.0


def test_an_expert_of_another_checkpoint_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "a", seed=0)
    save(tmp_path / "b", seed=1)
    (tmp_path / "b" / "expert.safetensors").replace(tmp_path / "a" / "expert.safetensors")
    assert_refused(load_expert, tmp_path / "a", r"expert\.safetensors: trained with backbone \w{12}…, config")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert_refused(load_manifest, tmp_path / "nowhere", "nowhere: no such folder; give the folder that holds config")


def assert_refused(load: Callable[[Path], object], folder: Path, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as refusal:
        load(folder)
    assert str(folder) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_policy_speaks_raw_units_and_remembers_until_reset(tmp_path: Path) -> None:
    manifest = save(tmp_path)
    policy = StreamingPolicy.load(tmp_path)
    first = policy.step(0, STATE)
    assert first.shape == (7,)
    assert first.dtype == np.float32
    expert, state = load_expert(tmp_path), manifest.state.normalize(torch.from_numpy(STATE))
    alone = expert(state[None, None], torch.zeros(1, 1, dtype=torch.int64), torch.ones(1, 1, 1, dtype=torch.bool))
    np.testing.assert_allclose(first, manifest.action.denormalize(alone)[0, 0].numpy(), atol=1e-6)
    second = policy.step(1, 2 * STATE)
    policy.reset()
    assert np.array_equal(policy.step(0, STATE), first)
    assert np.array_equal(policy.step(1, 2 * STATE), second)


def test_the_history_can_be_changed_while_running_within_the_capacity(tmp_path: Path) -> None:
    save(tmp_path)
    policy = StreamingPolicy.load(tmp_path)
    assert (policy.history_length, policy.longest_history) == (16, 64)
    policy.history_length = 30
    assert policy.history_length == 30
    with pytest.raises(ValueError, match=r"history_length 65 is outside 1\.\.64"):
        policy.history_length = 65


def test_a_state_of_the_wrong_length_is_refused(tmp_path: Path) -> None:
    save(tmp_path)
    with pytest.raises(ValueError, match=r"state must have shape \[7\], got \[6\]"):
        StreamingPolicy.load(tmp_path).step(0, STATE[:6])


def test_an_image_of_the_wrong_size_or_type_is_refused(tmp_path: Path) -> None:
    save(tmp_path)
    perceiver = Perceiver.load(tmp_path)
    with pytest.raises(ValueError, match=r"images must be uint8 \[1, 96, 128, 3\], got uint8 \[1, 48, 128, 3\]"):
        perceiver.perceive(IMAGE[None, :48], "reach the cup")
    with pytest.raises(ValueError, match=r"images must be uint8 \[1, 96, 128, 3\], got float32"):
        perceiver.perceive(IMAGE[None].astype(np.float32), "reach the cup")


def test_the_prefix_has_the_dtype_asked_for(tmp_path: Path) -> None:
    save(tmp_path)
    prefix = Perceiver.load(tmp_path, dtype="bfloat16").perceive(IMAGE[None], "reach the cup")
    assert prefix.dtype_name == "bfloat16"
    assert prefix.values.dtype == torch.bfloat16


@pytest.mark.parametrize("load", [Perceiver.load, StreamingPolicy.load])
def test_a_dtype_or_a_device_that_there_is_not_is_refused(tmp_path: Path, load: Callable[..., object]) -> None:
    save(tmp_path)
    with pytest.raises(ValueError, match="dtype 'int8' is none of float32, float16, bfloat16"):
        load(tmp_path, dtype="int8")
    with pytest.raises(ValueError, match=r"device 'cuda:99': .*; use cpu, or cuda where there is a GPU"):
        load(tmp_path, device="cuda:99")


def test_an_expert_of_half_the_precision_acts_almost_alike(tmp_path: Path) -> None:
    save(tmp_path)
    exact, rounded = (StreamingPolicy.load(tmp_path, dtype=dtype).step(0, STATE) for dtype in ("float32", "bfloat16"))
    assert not np.array_equal(exact, rounded)
    np.testing.assert_allclose(rounded, exact, atol=0.05)


def test_a_binned_expert_acts_by_the_centres_of_its_bins(tmp_path: Path) -> None:
    manifest = save(tmp_path)
    expert = ActionExpert(dataclasses.replace(manifest.expert, bins=3))
    centers = torch.tensor([[-1.0, 0.25, 2.0]]).repeat(7, 1)
    assert isinstance(expert.action_out, BinnedHead)
    expert.action_out.set_centers(centers)
    manifest = dataclasses.replace(manifest, expert=expert.config)
    save_checkpoint(tmp_path, manifest, load_backbone(tmp_path), expert, card)
    action = manifest.action.normalize(torch.from_numpy(StreamingPolicy.load(tmp_path).step(0, STATE)))
    assert ((action[:, None] - centers).abs().min(-1).values < 1e-5).all()


def test_the_prefix_of_another_architecture_is_refused(tmp_path: Path) -> None:
    save(tmp_path)
    prefix = Perceiver.load(tmp_path).perceive(IMAGE[None], "reach the cup")
    expert = ActionExpert(ExpertConfig(layers=3, width=16, mlp_width=24, query_heads=2, kv_heads=1, head_dim=8))
    with pytest.raises(PrefixError, match=r"\[2, 1, 8\], the action expert needs \[3, 1, 8\]"):
        StreamingPolicy(expert, load_manifest(tmp_path)).set_prefix(prefix, 0)
