"""The PaliGemma backbone against Hugging Face's own forward, on tiny random models of both generations."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from paligemma_models import GENERATIONS, INSTRUCTION, VOCABULARY, batch, load, write_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from transformers import PaliGemmaForConditionalGeneration, PreTrainedTokenizerFast

from arvla_ros.policy.capture import Captured
from arvla_ros.policy.expert import ActionExpert, ExpertConfig, PrefixBatch
from arvla_ros.policy.images import ImageError
from arvla_ros.policy.instructions import InstructionError
from arvla_ros.policy.paligemma import PaliGemmaBackbone
from arvla_ros.policy.paligemma_config import PaliGemmaConfig
from arvla_ros.policy.paligemma_files import describe
from arvla_ros.policy.prefix import Seen
from arvla_ros.policy.pretrained import INDEX, TOKENIZER, WEIGHTS, PretrainedError, find_pretrained, model_id
from arvla_ros.policy.rotary import rotate, rotation

TRANSFORMERS = int(version("transformers").partition(".")[0])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {generation: write_model(tmp_path_factory.mktemp(generation), generation) for generation in GENERATIONS}


@pytest.fixture(params=GENERATIONS)
def folder(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Path:
    return folders[request.param]


@pytest.fixture
def copied(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A PaliGemma that a test may damage."""
    return Path(shutil.copytree(folders["gemma"], tmp_path / "model"))


def hugging_face(folder: Path) -> Any:
    # Eager: with another attention, transformers leaves Gemma 2's soft cap out.
    return PaliGemmaForConditionalGeneration.from_pretrained(folder, attn_implementation="eager").eval()


def full_forward(model: Any, backbone: PaliGemmaBackbone, images: Tensor, words: Tensor) -> Any:
    """Run Hugging Face's own forward over the prefix; the images are square, so they need no fitting."""
    placeholders = words.new_full((len(words), backbone.config.cameras * backbone.config.image_tokens), VOCABULARY)
    ids = torch.cat((placeholders, words), 1)
    with torch.no_grad():
        return model(
            input_ids=ids,
            pixel_values=images.flatten(0, 1).permute(0, 3, 1, 2) / 127.5 - 1,
            attention_mask=(ids != backbone.padding).long(),
            token_type_ids=torch.zeros_like(ids),
            output_hidden_states=True,
        )


def heads(projected: Tensor, head_dim: int = 8) -> Tensor:
    return projected.view(*projected.shape[:2], -1, head_dim).transpose(1, 2)


@pytest.mark.parametrize("cameras", [1, 2])
def test_keys_and_values_are_the_projections_of_hugging_faces_own_forward(folder: Path, cameras: int) -> None:
    backbone = load(folder, cameras=cameras, image_height=28, image_width=28)
    images, words = batch(backbone)
    seen = backbone.look(images, words)
    model = hugging_face(folder)
    hidden = full_forward(model, backbone, images, words).hidden_states
    layers = model.model.language_model.layers
    present = seen.token_mask[0]
    assert present.sum() == 4 * cameras + len(INSTRUCTION) + 2
    assert seen.keys.shape == (3, 2, backbone.config.kv_heads, backbone.config.prefix_tokens, 8)
    for index, layer in enumerate(layers):
        # The first of them is scaled inside the decoder in transformers 4; the norm before the projection undoes it.
        normed = layer.input_layernorm(hidden[index])
        key, value = heads(layer.self_attn.k_proj(normed)), heads(layer.self_attn.v_proj(normed))
        torch.testing.assert_close(seen.keys[index][:, :, present], key[:, :, present], atol=2e-5, rtol=1e-4)
        torch.testing.assert_close(seen.values[index][:, :, present], value[:, :, present], atol=2e-5, rtol=1e-4)


def test_with_the_models_own_rotation_its_attention_is_reproduced(folder: Path) -> None:
    backbone = load(folder, cameras=2, image_height=28, image_width=28)
    images, words = batch(backbone)
    seen = backbone.look(images, words)
    model = hugging_face(folder)
    layers = model.model.language_model.layers
    attended: list[Tensor] = []
    for layer in layers:
        layer.self_attn.register_forward_hook(lambda _, __, output: attended.append(output[0]))
    hidden = full_forward(model, backbone, images, words).hidden_states
    present = seen.token_mask[0]
    text = model.config.text_config
    turn = rotation(torch.arange(1, present.sum() + 1), 8, 10_000.0)
    for index, layer in enumerate(layers):
        query = rotate(heads(layer.self_attn.q_proj(layer.input_layernorm(hidden[index])))[:, :, present], turn)
        groups = text.num_attention_heads // text.num_key_value_heads
        key = rotate(seen.keys[index][:, :, present], turn).repeat_interleave(groups, 1)
        scores = query @ key.mT * getattr(text, "query_pre_attn_scalar", 8) ** -0.5
        if text.model_type == "gemma2":
            assert scores.abs().max() > text.attn_logit_softcapping
            scores = text.attn_logit_softcapping * torch.tanh(scores / text.attn_logit_softcapping)
        values = seen.values[index][:, :, present].repeat_interleave(groups, 1)
        read = layer.self_attn.o_proj((scores.softmax(-1) @ values).transpose(1, 2).flatten(2))
        torch.testing.assert_close(read, attended[index][:, present], atol=2e-5, rtol=1e-4)


def test_a_narrow_sliding_window_does_not_part_the_prefix(tmp_path: Path, folders: dict[str, Path]) -> None:
    narrow, wide = (load(folder) for folder in (write_model(tmp_path, "gemma2", sliding_window=4), folders["gemma2"]))
    images, words = batch(wide)
    assert torch.equal(narrow.look(images, words).values, wide.look(images, words).values)
    model = hugging_face(tmp_path)
    square = load(tmp_path, image_height=28, image_width=28)
    images, words = batch(square)
    seen = square.look(images, words)
    hidden = full_forward(model, square, images, words).hidden_states
    layer = model.model.language_model.layers[2]
    expected = heads(layer.self_attn.v_proj(layer.input_layernorm(hidden[2])))
    present = seen.token_mask[0]
    torch.testing.assert_close(seen.values[2][:, :, present], expected[:, :, present], atol=2e-5, rtol=1e-4)


def test_logits_of_a_causal_suffix_are_hugging_faces(folder: Path) -> None:
    backbone = load(folder, image_height=28, image_width=28, instruction_tokens=len(INSTRUCTION) + 2)
    images, words = batch(backbone)
    suffix = torch.randint(4, VOCABULARY, (2, 5), generator=torch.Generator().manual_seed(2))
    seen, logits = backbone(images, words, suffix, torch.ones_like(suffix, dtype=torch.bool))
    ids = torch.cat((words.new_full((2, 4), VOCABULARY), words, suffix), 1)
    kinds = torch.zeros_like(ids)
    kinds[:, -5:] = 1
    with torch.no_grad():
        expected = hugging_face(folder)(
            input_ids=ids,
            pixel_values=images[:, 0].permute(0, 3, 1, 2) / 127.5 - 1,
            attention_mask=torch.ones_like(ids),
            token_type_ids=kinds,
            labels=ids,
        ).logits[:, -5:]
    if folder.name.startswith("gemma2") and TRANSFORMERS < 5:
        expected = 3.0 * torch.tanh(expected / 3.0)  # version 4 leaves Gemma 2's cap of the logits out
    torch.testing.assert_close(logits, expected, atol=5e-5, rtol=1e-4)
    torch.testing.assert_close(seen.keys, backbone.look(images, words).keys, atol=2e-5, rtol=1e-4)


def test_padding_of_instruction_and_suffix_does_not_change_what_the_other_tokens_give(folder: Path) -> None:
    short, long = load(folder, instruction_tokens=20), load(folder, instruction_tokens=33)
    images, words = batch(short)
    reference, padded = short.look(images, words), long.look(images, long.encode(INSTRUCTION).expand(2, -1))
    assert padded.token_mask.sum() == reference.token_mask.sum() == reference.token_mask.numel()
    torch.testing.assert_close(padded.keys[..., : reference.keys.shape[3], :], reference.keys, atol=2e-5, rtol=1e-4)
    tokens = torch.tensor([[5, 6, 7], [8, 9, 10]])
    mask = torch.ones_like(tokens, dtype=torch.bool)
    expected = short.fast_loss(images, words, tokens, mask)[1]
    found = long.fast_loss(
        images,
        long.encode(INSTRUCTION).expand(2, -1),
        functional.pad(tokens, (0, 4), value=99),
        functional.pad(mask, (0, 4)),
    )[1]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@settings(max_examples=8, deadline=None)
@given(size=st.integers(1, 4), text=st.text("abc _xyz", min_size=1, max_size=12).filter(lambda text: text.strip(" _")))
def test_a_batch_gives_what_its_members_give_alone(folders: dict[str, Path], size: int, text: str) -> None:
    backbone = load(folders["gemma2"], cameras=2)
    images, words = batch(backbone, size, text)
    words = torch.cat((words[:-1], backbone.encode(INSTRUCTION)[None]))
    together = backbone.look(images, words)
    for index in range(size):
        alone = backbone.look(images[index : index + 1], words[index : index + 1])
        torch.testing.assert_close(together.keys[:, index], alone.keys[:, 0], atol=2e-5, rtol=1e-4)
        torch.testing.assert_close(together.values[:, index], alone.values[:, 0], atol=2e-5, rtol=1e-4)
        assert torch.equal(together.token_mask[index], alone.token_mask[0])


def test_bfloat16_is_within_a_twentieth_of_float32(folder: Path) -> None:
    exact, rounded = load(folder), load(folder, "bfloat16")
    expected, found = exact.look(*batch(exact)), rounded.look(*batch(rounded))
    assert found.keys.dtype == torch.bfloat16
    for one, other in zip(expected[:2], found[:2], strict=True):
        present = expected.token_mask[0]
        difference = (one - other.float())[..., present, :].norm() / one[..., present, :].norm()
        assert 0 < difference < 0.05


def test_both_images_and_the_words_matter_and_the_order_of_cameras_too(folder: Path) -> None:
    backbone = load(folder, cameras=2)
    images, words = batch(backbone)
    reference = backbone.look(images, words).values[-1]
    others = [(images.flip(1), words), (images, batch(backbone, instruction="Reach the red mug!")[1])]
    others += [(torch.cat((255 - images[:, :1], images[:, 1:]), 1), words)]
    others += [(torch.cat((images[:, :1], 255 - images[:, 1:]), 1), words)]
    for other in others:
        assert (backbone.look(*other).values[-1] - reference).abs().max() > 1e-3


def test_a_look_asks_no_tensor_for_its_value(folder: Path) -> None:
    """What a CUDA graph could not capture raises here: a fake tensor has no value to be asked for."""
    backbone = load(folder, cameras=2)
    images, words = batch(backbone)
    expected = backbone.look(images, words)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        seen = backbone.look(mode.from_tensor(images), mode.from_tensor(words))
    assert seen.keys.shape == expected.keys.shape


@pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def test_a_captured_look_equals_an_eager_one(folder: Path, device: str) -> None:
    config = describe(str(folder), cameras=2, image_height=24, image_width=32)
    backbone = PaliGemmaBackbone.load(config, device)
    images, words = (part.to(device) for part in batch(backbone))
    static = torch.zeros_like(images)
    seen = {}
    look = Captured(lambda: seen.update(now=backbone.look(static, words)), torch.device(device))
    static.copy_(images)
    look()
    torch.testing.assert_close(seen["now"], backbone.look(images, words))


def action_loss(seen: Seen) -> Tensor:
    config = ExpertConfig(layers=3, width=16, mlp_width=24, query_heads=2, kv_heads=1, head_dim=8)
    expert = ActionExpert(config)
    batch_size, tokens = seen.token_mask.shape
    visible = seen.token_mask[:, None].expand(-1, 2, -1)
    prefix = PrefixBatch(seen.keys, seen.values, torch.zeros(batch_size, tokens, dtype=torch.int64), visible)
    steps = torch.arange(2).expand(batch_size, -1)
    loss: Tensor = expert(torch.randn(batch_size, 2, 7), steps, steps[:, :, None] >= steps[:, None], prefix).sum()
    loss.backward()
    assert all(parameter.grad is not None for parameter in expert.layers.parameters())
    return loss


def test_no_gradient_of_the_action_loss_reaches_the_backbone(folders: dict[str, Path]) -> None:
    backbone = load(folders["gemma"]).requires_grad_(True)
    images, words = batch(backbone)
    tokens = torch.tensor([[1, 2], [3, 4]])
    seen, _ = backbone.fast_loss(images, words, tokens, torch.ones_like(tokens, dtype=torch.bool))
    action_loss(seen)
    assert all(parameter.grad is None for parameter in backbone.parameters())


def test_the_fast_loss_trains_the_backbone_to_tell_the_tokens(folder: Path) -> None:
    backbone = load(folder, instruction_tokens=20).requires_grad_(True)
    images, words = batch(backbone, 1)
    tokens, mask = torch.tensor([[1, 2, 3]]), torch.tensor([[True, True, False]])
    optimizer = torch.optim.Adam(backbone.parameters(), 1e-2)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        loss = backbone.fast_loss(images, words, tokens, mask)[1]
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    assert losses[-1] < losses[0] / 2
    assert [name for name, parameter in backbone.named_parameters() if parameter.grad is None] == []


def test_fast_tokens_count_down_from_the_end_of_the_tokenizers_vocabulary(folders: dict[str, Path]) -> None:
    backbone = load(folders["gemma"])
    assert backbone.fast_ids(torch.tensor([0, 1, 100])).tolist() == [127, 126, 27]


def test_an_instruction_is_framed_as_hugging_faces_processor_does(folders: dict[str, Path]) -> None:
    backbone = load(folders["gemma"])
    expected = PreTrainedTokenizerFast(tokenizer_file=str(folders["gemma"] / TOKENIZER)).encode(
        f"<bos>{INSTRUCTION}\n", add_special_tokens=False
    )
    words = backbone.encode(INSTRUCTION)
    assert words.dtype == torch.int64
    assert words.tolist() == expected + [backbone.padding] * (24 - len(expected))


@pytest.mark.parametrize("spelled", ["  Reach the red cup!\n", "Reach_the  red\ncup!"])
def test_spaces_line_breaks_and_underscores_are_all_one_space(folders: dict[str, Path], spelled: str) -> None:
    backbone = load(folders["gemma"])
    assert torch.equal(backbone.encode(spelled), backbone.encode(INSTRUCTION))


def test_a_spelled_out_special_token_is_text(folders: dict[str, Path]) -> None:
    backbone = load(folders["gemma"])
    assert (backbone.encode("<pad>") != backbone.padding).sum() == len("<pad>") + 2


def test_an_instruction_that_is_empty_or_too_long_is_refused_with_its_tokens(folders: dict[str, Path]) -> None:
    backbone = load(folders["gemma"])
    with pytest.raises(InstructionError, match=r"instruction ' _\\n' is empty: 0 of 24 tokens"):
        backbone.encode(" _\n")
    assert len(backbone.encode("x" * 22)) == 24
    with pytest.raises(InstructionError, match=r"has 25 tokens, start and end included, of 24; shorten"):
        backbone.encode("x" * 23)


def test_images_of_another_size_number_or_dtype_are_refused(folders: dict[str, Path]) -> None:
    backbone = load(folders["gemma"])
    images, words = batch(backbone)
    expected = r"images must be uint8 \[batch, 1, 24, 32, 3\] in RGB, got "
    with pytest.raises(ImageError, match=expected + r"float32 \[2, 1, 24, 32, 3\]"):
        backbone.look(images.float(), words)
    with pytest.raises(ImageError, match=expected + r"uint8 \[2, 1, 32, 24, 3\]"):
        backbone.look(images.transpose(2, 3), words)
    with pytest.raises(ImageError, match=expected + r"uint8 \[2, 24, 32, 3\]"):
        backbone.look(images[:, 0], words)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_was_trained_saved_and_loaded_sees_the_same(folder: Path, tmp_path: Path, dtype: str) -> None:
    backbone = load(folder, dtype)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.mul_(1.1)
    backbone.save(tmp_path / "tuned")
    again = load(tmp_path / "tuned", dtype)
    assert again.config == dataclasses.replace(backbone.config, source=str(tmp_path / "tuned"))
    for saved, loaded in zip(backbone.look(*batch(backbone)), again.look(*batch(again)), strict=True):
        assert torch.equal(saved, loaded)
    assert model_id(tmp_path / "tuned") != model_id(folder)


def test_shards_are_loaded_like_one_file_and_each_of_them_counts_in_model_id(folder: Path, tmp_path: Path) -> None:
    PaliGemmaForConditionalGeneration.from_pretrained(folder).save_pretrained(tmp_path, max_shard_size="20KB")
    shutil.copy(folder / TOKENIZER, tmp_path)
    shards = sorted(tmp_path.glob("*.safetensors"))
    assert len(shards) > 2
    whole, sharded = load(folder), load(tmp_path)
    assert torch.equal(whole.look(*batch(whole)).values, sharded.look(*batch(sharded)).values)
    identities = {model_id(tmp_path)}
    for count, shard in enumerate(shards, start=2):
        weights = load_file(shard)
        next(iter(weights.values())).view(-1)[0] += 1e-3
        save_file(weights, shard, {"format": "pt"})
        identities.add(model_id(tmp_path))
        assert len(identities) == count
    shards[1].unlink()
    with pytest.raises(PretrainedError, match=rf"{shards[1].name} is missing"):
        load(tmp_path)
    (tmp_path / INDEX).write_text("{}")
    with pytest.raises(PretrainedError, match=rf"{INDEX}: not an index of shards \(KeyError\('weight_map'\)\)"):
        load(tmp_path)


def test_a_relative_source_starts_at_the_checkpoint(folders: dict[str, Path]) -> None:
    folder = folders["gemma"]
    config = describe(folder.name, folder.parent)
    assert config == PaliGemmaConfig(folder.name, layers=3, kv_heads=1, head_dim=8, image_tokens=4)
    assert config.prefix_tokens == 4 + 48
    assert (
        PaliGemmaBackbone.load(config, dtype="float16", relative_to=folder.parent).embedding_scale.dtype.itemsize == 2
    )


def test_what_is_neither_a_folder_nor_a_hub_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PretrainedError, match=r"/nowhere: no such folder; give one, or a hub id"):
        find_pretrained("nowhere", tmp_path)


def in_cache(hub: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay a model out as the hub's cache does, and go offline."""
    repository = hub / "models--someone--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("a" * 40)
    shutil.copytree(folder, repository / "snapshots" / ("a" * 40))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_a_hub_id_is_found_in_the_cache_without_a_network(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_cache(tmp_path, folders["gemma"], monkeypatch)
    assert describe("someone/tiny").layers == 3


def test_a_hub_id_that_is_not_wholly_cached_is_refused_offline(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_cache(tmp_path, folders["gemma"], monkeypatch)
    next(tmp_path.rglob(WEIGHTS)).unlink()
    for source in ("someone/tiny", "someone/other"):
        with pytest.raises(PretrainedError, match=rf"model {source}: no folder {source}, not in the hub's cache, and"):
            describe(source)


def edit_config(folder: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    config = json.loads((folder / "config.json").read_text())
    edit(config)
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda config: config.update(model_type="llava"), "model_type is 'llava', not 'paligemma'"),
        (lambda config: config.pop("text_config"), "config.json has no text_config"),
        (lambda config: config.update(vision_config=None), "config.json has no vision_config"),
        (lambda config: config["text_config"].update(model_type="llama"), "'llama', expected one of gemma, gemma2"),
        (lambda config: config["text_config"].update(model_type="nosuch"), r"config.json cannot be used \(.*nosuch"),
        (lambda config: config["text_config"].update(num_hidden_layers=4), r"weights lack '.*layers\.3\..*missing\)"),
        (
            lambda config: config["text_config"].update(intermediate_size=40),
            r"weight '.*layers\.0\.mlp\.down_proj\.weight' is (\[32, 48\]|of another shape), .* says \[32, 40\]",
        ),
        (
            lambda config: config.update(quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True}),
            "weights cannot be loaded",
        ),
    ],
)
def test_a_config_of_another_model_is_refused(
    copied: Path, edit: Callable[[dict[str, Any]], Any], complaint: str
) -> None:
    edit_config(copied, edit)
    with pytest.raises(PretrainedError, match=complaint):
        load(copied)


@pytest.mark.parametrize(
    ("name", "contents", "complaint"),
    [
        ("config.json", "{", r"config\.json: not JSON \(Expecting"),
        ("config.json", "[]", "config.json: not a JSON object but list"),
        ("config.json", None, "config.json is missing"),
        (WEIGHTS, None, "model.safetensors is missing"),
        (WEIGHTS, "short", "model.safetensors: not a whole safetensors file"),
        (TOKENIZER, None, "tokenizer.json cannot be read"),
        (TOKENIZER, "{}", "tokenizer.json cannot be read"),
    ],
)
def test_a_missing_or_foreign_file_is_named(copied: Path, name: str, contents: str | None, complaint: str) -> None:
    (copied / name).unlink()
    if contents is not None:
        (copied / name).write_text(contents)
    with pytest.raises(PretrainedError, match=complaint):
        load(copied)


def test_truncated_weights_are_refused(copied: Path) -> None:
    file = copied / WEIGHTS
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(PretrainedError, match=rf"{WEIGHTS}: not a whole safetensors file \(.*; fetch the model again"):
        load(copied)


def test_weights_that_are_not_finite_are_named_and_so_is_a_dtype_too_narrow_for_them(copied: Path) -> None:
    weights = load_file(copied / WEIGHTS)
    name = next(name for name in weights if name.endswith("layers.1.mlp.up_proj.weight"))
    weights[name][0, 0] = 1e5
    save_file(weights, copied / WEIGHTS, {"format": "pt"})
    load(copied, "bfloat16")
    with pytest.raises(PretrainedError, match=r"layers\.1\.mlp\.up_proj\.weight' is not finite in torch\.float16"):
        load(copied, "float16")
    weights[name][0, 0] = torch.nan
    save_file(weights, copied / WEIGHTS, {"format": "pt"})
    with pytest.raises(PretrainedError, match=r"layers\.1\.mlp\.up_proj\.weight' is not finite in torch\.bfloat16"):
        load(copied, "bfloat16")


def test_an_unknown_dtype_is_refused(folders: dict[str, Path]) -> None:
    with pytest.raises(PretrainedError, match="dtype 'int8' is none of float32, float16, bfloat16"):
        load(folders["gemma"], "int8")


def test_a_tokenizer_of_another_family_is_refused(copied: Path) -> None:
    Tokenizer(models.BPE({"<pad>": 0, "a": 1}, [])).save(str(copied / TOKENIZER))
    with pytest.raises(PretrainedError, match="its tokenizer has no <bos>"):
        load(copied)


def test_a_model_of_another_shape_than_the_checkpoints_is_refused(folders: dict[str, Path]) -> None:
    config = dataclasses.replace(describe(str(folders["gemma2"])), kv_heads=1)
    with pytest.raises(PretrainedError, match="kv_heads is 2, config says 1"):
        PaliGemmaBackbone.load(config)


def test_numbers_of_a_config_must_be_positive() -> None:
    with pytest.raises(ValueError, match="cameras must be positive, got 0"):
        PaliGemmaConfig("google/paligemma-3b-pt-224", cameras=0)
    with pytest.raises(ValueError, match="source must be a folder or a hub id, got ''"):
        PaliGemmaConfig("")
