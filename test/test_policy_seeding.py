"""Seeding an expert from a π0 checkpoint: the same function where the shape is the same, and a report of everything."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor
from transformers import GemmaConfig, GemmaModel

from arvla_ros import cli
from arvla_ros.policy.checkpoint import Manifest, load_backbone, load_expert, load_manifest, save_checkpoint
from arvla_ros.policy.expert import ActionExpert, ExpertConfig, banded
from arvla_ros.policy.normalization import Normalizer
from arvla_ros.policy.rotary import rotate, rotation
from arvla_ros.policy.seeding import SeedError, SeedReport, seed_expert
from arvla_ros.policy.small import SmallBackbone, SmallConfig
from arvla_ros.policy.tensor_files import TensorFileError
from arvla_ros.robots.contract import RobotContract

WIDTH, LAYERS = 32, 3
TRUNK = "paligemma_with_expert.gemma_expert.model."
Weights = dict[str, Tensor]


def make_expert(**changes: Any) -> ActionExpert:
    """Return an expert of Gemma-300M's proportions (8 query heads to 1) whose tokens and actions are hidden states."""
    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "layers": LAYERS,
        "width": WIDTH,
        "mlp_width": 48,
        "query_heads": 8,
        "kv_heads": 1,
        "head_dim": 16,
        "activation": "gelu_tanh_gated",
        "state_size": WIDTH,
        "action_size": WIDTH,
        "rope_base": 10_000.0,
    }
    return ActionExpert(ExpertConfig(**{**shape, **changes})).eval()


def make_gemma() -> GemmaModel:
    """Return Hugging Face's Gemma as openpi builds its expert, with norms that were trained."""
    torch.manual_seed(1)
    model = GemmaModel(
        GemmaConfig(
            hidden_size=WIDTH,
            intermediate_size=48,
            num_hidden_layers=LAYERS,
            num_attention_heads=8,
            num_key_value_heads=1,
            head_dim=16,
            vocab_size=8,
            hidden_activation="gelu_pytorch_tanh",
        )
    ).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(0, 0.3 if "norm" in name else 0.2)
    return model


def pi0(gemma: GemmaModel, root: str = "") -> Weights:
    """Return what openpi saves of a π0 whose expert is ``gemma``; LeRobot's names start with ``model.``."""
    weights = {TRUNK + name: tensor for name, tensor in gemma.state_dict().items() if name != "embed_tokens.weight"}
    weights["paligemma_with_expert.paligemma.model.language_model.norm.weight"] = torch.randn(5)
    for layer in range(2):
        weights[f"paligemma_with_expert.paligemma.model.language_model.layers.{layer}.mlp.up_proj.weight"] = torch.ones(
            4
        )
    weights["paligemma_with_expert.gemma_expert.lm_head.weight"] = torch.randn(8, WIDTH)
    for name, sizes in {"state_proj": (WIDTH, 6), "action_in_proj": (WIDTH, 6), "action_out_proj": (6, WIDTH)}.items():
        weights |= {f"{name}.weight": torch.randn(*sizes), f"{name}.bias": torch.randn(sizes[0])}
    return {root + name: tensor.clone().contiguous() for name, tensor in weights.items()}


def pi05(gemma: GemmaModel) -> Weights:
    """Return the same with norms conditioned on time, and no projection of the state."""
    weights = {name: tensor for name, tensor in pi0(gemma).items() if not name.startswith("state_proj")}
    for name in [name for name in weights if name.startswith(TRUNK) and name.endswith("norm.weight")]:
        del weights[name]
        module = name.removesuffix("weight")
        weights |= {
            f"{module}dense.weight": torch.zeros(3 * WIDTH, WIDTH),
            f"{module}dense.bias": torch.zeros(3 * WIDTH),
        }
    return weights


def seed_from(tmp_path: Path, expert: ActionExpert, weights: Weights) -> SeedReport:
    save_file(weights, tmp_path / "model.safetensors")
    return seed_expert(expert, tmp_path)


def trunk(expert: ActionExpert, tokens: Tensor) -> Tensor:
    """Return the hidden states after the last norm: token in and action out become the identity."""
    with torch.no_grad():
        for linear in (expert.token_in, expert.action_out):
            linear.weight.copy_(torch.eye(WIDTH))
            linear.bias.zero_()
        steps = torch.arange(tokens.shape[1]).expand(tokens.shape[0], -1)
        hidden: Tensor = expert(tokens, steps, banded(steps, tokens.shape[1]))
    return hidden


@pytest.mark.parametrize("root", ["", "model."])
def test_the_seeded_trunk_computes_what_hugging_faces_gemma_does(tmp_path: Path, root: str) -> None:
    gemma, expert = make_gemma(), make_expert()
    seed_from(tmp_path, expert, pi0(gemma, root))
    with torch.no_grad():
        seen = gemma(inputs_embeds=torch.randn(2, 12, WIDTH), output_hidden_states=True)
    # What enters layer 0: some releases scale embeddings after they are given.
    torch.testing.assert_close(trunk(expert, seen.hidden_states[0]), seen.last_hidden_state, atol=1e-5, rtol=1e-5)
    assert seen.last_hidden_state.std() > 0.1


def test_another_rope_base_computes_something_else_and_is_warned_of(tmp_path: Path) -> None:
    gemma, expert = make_gemma(), make_expert(rope_base=100.0)
    report = seed_from(tmp_path, expert, pi0(gemma))
    with torch.no_grad():
        seen = gemma(inputs_embeds=torch.randn(2, 12, WIDTH), output_hidden_states=True)
    assert (trunk(expert, seen.hidden_states[0]) - seen.last_hidden_state).abs().max() > 1e-2
    assert "rope_base is 100, theirs 10000: attention will differ" in report.warnings


@settings(max_examples=30, deadline=None)
@given(positions=st.lists(st.integers(0, 8192), min_size=1, max_size=6), heads=st.integers(1, 3))
def test_rotary_pairs_are_those_of_hugging_faces_gemma(positions: list[int], heads: int) -> None:
    from transformers.models.gemma.modeling_gemma import GemmaRotaryEmbedding, apply_rotary_pos_emb

    config = GemmaConfig(hidden_size=WIDTH, num_attention_heads=2, head_dim=16)
    places, query = torch.tensor([positions]), torch.randn(1, heads, len(positions), 16)
    cos, sin = GemmaRotaryEmbedding(config)(query, places)
    expected, _ = apply_rotary_pos_emb(query, query, cos, sin)
    found = rotate(query, rotation(places[:, None], 16, 10_000.0))
    torch.testing.assert_close(found, expected, atol=5e-3, rtol=0)  # theirs has float32 angles


def test_every_tensor_of_both_sides_is_accounted_for(tmp_path: Path) -> None:
    expert, weights = make_expert(), pi0(make_gemma())
    report = seed_from(tmp_path, expert, weights)
    assert {*report.taken, *report.left} == set(expert.state_dict())
    assert len(report.taken) + len(report.left) == len(expert.state_dict())
    used = [part for parts in report.taken.values() for part in parts]
    assert sorted([*used, *report.unused]) == sorted(weights)
    assert report.left == {
        "token_in.weight": f"state_proj.weight is [{WIDTH}, 6], ours [{WIDTH}, {WIDTH}]",
        "token_in.bias": f"state_proj.weight is [{WIDTH}, 6], ours [{WIDTH}, {WIDTH}]",
        "action_out.weight": f"action_out_proj.weight is [6, {WIDTH}], ours [{WIDTH}, {WIDTH}]",
        "action_out.bias": f"action_out_proj.weight is [6, {WIDTH}], ours [{WIDTH}, {WIDTH}]",
    }
    assert report.warnings == ("head_dim is 16, Gemma-300M's is 256: heads may be cut elsewhere",)


def test_the_report_is_a_table_with_a_line_for_all_layers_that_are_alike(tmp_path: Path) -> None:
    lines = str(seed_from(tmp_path, make_expert(), pi0(make_gemma()))).splitlines()
    assert lines[0] == f"seeded from {tmp_path}: {6 * LAYERS + 1} of {6 * LAYERS + 5} tensors"
    down = next(line for line in lines if line.startswith("  layers.*.mlp.down.weight"))
    assert down.split() == ["layers.*.mlp.down.weight", "x", "3", f"{TRUNK}layers.*.mlp.down_proj.weight"]
    unused = lines[lines.index("not used:") :]
    assert "  paligemma_with_expert.paligemma.model.language_model.layers.*.mlp.up_proj.weight  x 2" in unused
    assert lines[-1].startswith("warning: head_dim is 16")


def test_projections_of_the_same_size_are_taken(tmp_path: Path) -> None:
    expert, weights = make_expert(state_size=6, action_size=6), pi0(make_gemma())
    report = seed_from(tmp_path, expert, weights)
    assert report.left == {}
    assert torch.equal(expert.token_in.weight, weights["state_proj.weight"])
    assert torch.equal(expert.action_out.bias, weights["action_out_proj.bias"])


def test_a_head_that_chooses_among_bins_is_left(tmp_path: Path) -> None:
    expert = make_expert(state_size=6, action_size=2, bins=3)
    report = seed_from(tmp_path, expert, pi0(make_gemma()))
    assert set(report.left) == {"action_out.weight", "action_out.bias", "action_out.centers"}
    assert set(report.left.values()) == {"ours chooses among bins"}


def test_a_part_that_theirs_does_not_have_is_left(tmp_path: Path) -> None:
    expert = make_expert()
    expert.gripper_out = torch.nn.Linear(WIDTH, 1, bias=False)
    report = seed_from(tmp_path, expert, pi0(make_gemma()))
    assert report.left["gripper_out.weight"] == "nothing there corresponds to it"


def test_norms_of_pi05_are_left_and_told(tmp_path: Path) -> None:
    expert, weights = make_expert(state_size=6), pi05(make_gemma())
    with torch.no_grad():
        expert.norm.weight.fill_(0.5)
    report = seed_from(tmp_path, expert, weights)
    assert (
        report.left["norm.weight"] == f"{TRUNK}norm.dense.weight makes its gain from the time of flow matching (π0.5)"
    )
    assert report.left["token_in.weight"] == "state_proj.weight is not there"
    assert sum(name.endswith("norm.weight") for name in report.left) == 2 * LAYERS + 1
    assert expert.norm.weight.eq(0.5).all()
    assert torch.equal(expert.layers[1].out.weight, weights[f"{TRUNK}layers.1.self_attn.o_proj.weight"])
    assert any("norms were not taken" in warning for warning in report.warnings)


@pytest.mark.parametrize("theirs", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("ours", [torch.float32, torch.bfloat16])
def test_any_floating_type_is_cast_to_that_of_the_expert(
    tmp_path: Path, theirs: torch.dtype, ours: torch.dtype
) -> None:
    expert = make_expert().to(ours)
    weights = {name: tensor.to(theirs) for name, tensor in pi0(make_gemma()).items()}
    seed_from(tmp_path, expert, weights)
    assert {weight.dtype for weight in expert.parameters()} == {ours}
    assert torch.equal(expert.norm.weight, weights[f"{TRUNK}norm.weight"].to(ours))


def test_shards_behind_an_index_seed_as_one_file_does(tmp_path: Path) -> None:
    weights = pi0(make_gemma())
    whole, sharded, by_index, by_file = (make_expert() for _ in range(4))
    seed_from(tmp_path, whole, weights)
    shards = tmp_path / "shards"
    shards.mkdir()
    names = sorted(weights)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, held in parts.items():
        save_file({name: weights[name] for name in held}, shards / file)
    index = {"weight_map": {name: file for file, held in parts.items() for name in held}}
    (shards / "model.safetensors.index.json").write_text(json.dumps(index))
    seed_expert(sharded, shards)
    seed_expert(by_index, shards / "model.safetensors.index.json")
    seed_expert(by_file, tmp_path / "model.safetensors")
    for other in (sharded, by_index, by_file):
        assert all(torch.equal(one, two) for one, two in zip(whole.parameters(), other.parameters(), strict=True))


def test_a_folder_with_one_file_of_any_name_will_do(tmp_path: Path) -> None:
    save_file(pi0(make_gemma()), tmp_path / "pi0.safetensors")
    assert seed_expert(make_expert(), tmp_path).taken


def replaced(name: str, tensor: Tensor) -> Callable[[Weights], object]:
    return lambda weights: weights.update({TRUNK + name: tensor})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            replaced("layers.2.self_attn.k_proj.weight", torch.ones(32, WIDTH)),
            r"layers.2.self_attn.k_proj.weight' is \[32, 32\], expected \[16, 32\]",
        ),
        (
            replaced("layers.2.mlp.down_proj.weight", torch.ones(WIDTH, 64)),
            r"layers.2.mlp.down_proj.weight' is \[32, 64\], expected \[32, 48\]",
        ),
        (
            lambda weights: weights.pop(f"{TRUNK}layers.1.mlp.up_proj.weight"),
            r"lacks tensor '.*layers.1.mlp.up_proj.weight', expected \[48, 32\]",
        ),
        (lambda weights: weights.pop(f"{TRUNK}norm.weight"), r"lacks tensor '.*model.norm.weight', expected \[32\]"),
        (
            replaced("layers.2.mlp.down_proj.weight", torch.ones(WIDTH, 48, dtype=torch.int64)),
            r"layers.2.mlp.down_proj.weight' is torch.int64, expected a floating type",
        ),
        (
            replaced("norm.weight", torch.full((WIDTH,), torch.inf)),
            r"model.norm.weight' is not finite as torch.float32",
        ),
    ],
)
def test_a_tensor_that_does_not_fit_is_named_and_nothing_is_written(
    tmp_path: Path, change: Callable[[Weights], object], message: str
) -> None:
    expert, weights = make_expert(), pi0(make_gemma())
    before = {name: tensor.clone() for name, tensor in expert.state_dict().items()}
    change(weights)
    with pytest.raises(TensorFileError, match=message):
        seed_from(tmp_path, expert, weights)
    assert all(torch.equal(tensor, before[name]) for name, tensor in expert.state_dict().items())


def test_another_number_of_layers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="its expert has 3 layers, expected 2"):
        seed_from(tmp_path, make_expert(layers=2), pi0(make_gemma()))


def test_another_activation_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="has activation 'gelu_tanh_gated', ours 'relu'"):
        seed_from(tmp_path, make_expert(activation="relu"), pi0(make_gemma()))


def test_weights_of_another_family_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=rf"no tensor '{TRUNK}layers.0.self_attn.q_proj.weight', found 'vision.weight'"):
        seed_from(tmp_path, make_expert(), {"vision.weight": torch.ones(2)})


def test_sources_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    expert = make_expert()
    with pytest.raises(TensorFileError, match="none: no such file or folder"):
        seed_expert(expert, tmp_path / "none")
    with pytest.raises(TensorFileError, match=r"expected model.safetensors .*, found no .safetensors file"):
        seed_expert(expert, tmp_path)
    for name in ("a.safetensors", "b.safetensors"):
        save_file({"x": torch.ones(1)}, tmp_path / name)
    with pytest.raises(TensorFileError, match=r"found a.safetensors, b.safetensors; give the file itself"):
        seed_expert(expert, tmp_path)
    (tmp_path / "a.safetensors").write_bytes((tmp_path / "b.safetensors").read_bytes()[:-1])
    with pytest.raises(TensorFileError, match=r"a.safetensors: not a whole safetensors file"):
        seed_expert(expert, tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("{", "no readable weight_map"),
        ("{}", "no readable weight_map"),
        ('{"weight_map": {"x": "gone.safetensors"}}', "gone.safetensors: not a whole safetensors file"),
        ('{"weight_map": {"y": "a.safetensors"}}', "a.safetensors: lacks tensor 'y' of model.safetensors.index.json"),
    ],
)
def test_an_index_that_does_not_hold_is_refused(tmp_path: Path, index: str, message: str) -> None:
    save_file({"x": torch.ones(1)}, tmp_path / "a.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(TensorFileError, match=message):
        seed_expert(make_expert(), tmp_path)


def save_policy(folder: Path) -> ActionExpert:
    """Write a checkpoint whose expert is of the shape that ``pi0`` has."""
    expert = make_expert(state_size=7, action_size=7)
    backbone = SmallConfig(
        ("reach the cup",),
        layers=LAYERS,
        width=16,
        mlp_width=24,
        heads=2,
        stem_widths=(8, 8, 8),
        kv_heads=1,
        head_dim=16,
    )
    statistics = Normalizer.mean_std(torch.randn(20, 7))
    manifest = Manifest(
        task="reach",
        contract=RobotContract.load(),
        backbone=backbone,
        expert=expert.config,
        state=statistics,
        action=statistics,
        position=Normalizer.mean_std(torch.randn(20, 2)),
        training={"steps": 3},
    )
    save_checkpoint(folder, manifest, SmallBackbone(backbone), expert, lambda manifest: f"# {manifest.task}\n")
    return expert


def arvla_seed(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["arvla", "seed", *map(str, words)])
    return cli.main()


def test_arvla_seed_writes_a_checkpoint_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unseeded, weights = save_policy(tmp_path / "in"), pi0(make_gemma())
    save_file(weights, tmp_path / "pi0.safetensors")
    options = ("--source", tmp_path / "pi0.safetensors", "--checkpoint", tmp_path / "in", "--out", tmp_path / "out")
    assert arvla_seed(monkeypatch, *options) == 0
    assert f"seeded from {tmp_path / 'pi0.safetensors'}: 19 of 23 tensors" in capsys.readouterr().out
    expert, manifest = load_expert(tmp_path / "out"), load_manifest(tmp_path / "out")
    assert torch.equal(expert.norm.weight, weights[f"{TRUNK}norm.weight"])
    assert torch.equal(expert.token_in.weight, unseeded.token_in.weight)
    load_backbone(tmp_path / "out")
    assert manifest.training == {"expert_seeded_from": str(tmp_path / "pi0.safetensors"), "before": {"steps": 3}}
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith("# reach\n")
    assert "It is untrained for this robot." in card
    assert torch.equal(load_expert(tmp_path / "in").norm.weight, unseeded.norm.weight)


def test_arvla_seed_replaces_nothing_and_leaves_nothing_behind_on_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_policy(tmp_path / "in")
    options = ("--source", tmp_path / "none", "--checkpoint", tmp_path / "in", "--out")
    assert arvla_seed(monkeypatch, *options, tmp_path / "in") == 1
    assert "in: exists already" in capsys.readouterr().err
    assert arvla_seed(monkeypatch, *options, tmp_path / "out") == 1
    assert "none: no such file or folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
