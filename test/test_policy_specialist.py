"""The specialist's backbone: its prefix, what trains it, and ResNet-18 weights from Hugging Face."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import ResNetConfig, ResNetForImageClassification, ResNetModel

from arvla_ros.policy.checkpoint import Manifest, load_backbone, load_manifest, save_checkpoint
from arvla_ros.policy.expert import ActionExpert, ExpertConfig, PrefixBatch, banded
from arvla_ros.policy.images import ImageError
from arvla_ros.policy.instructions import InstructionError
from arvla_ros.policy.normalization import Normalizer
from arvla_ros.policy.pretrained import PretrainedError
from arvla_ros.policy.resnet import Resnet18, load_resnet18
from arvla_ros.policy.specialist import SpecialistBackbone, SpecialistConfig, sinusoidal_places
from arvla_ros.policy.tensor_files import TensorFileError
from arvla_ros.robots.contract import RobotContract

INSTRUCTIONS = ("insert the peg", "transfer the red cube")
RESNET18 = ResNetConfig(embedding_size=64, hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], layer_type="basic")


def make_backbone(cameras: int = 2, dropout: float = 0.1) -> SpecialistBackbone:
    torch.manual_seed(0)
    return SpecialistBackbone(
        SpecialistConfig(
            INSTRUCTIONS,
            layers=3,
            width=16,
            mlp_width=24,
            heads=2,
            cameras=cameras,
            image_height=64,
            image_width=96,
            dropout=dropout,
        )
    )


def make_images(batch: int = 3, cameras: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (batch, cameras, 64, 96, 3), dtype=torch.uint8, generator=generator)


def words_of(backbone: SpecialistBackbone, batch: int = 3, instruction: str = INSTRUCTIONS[0]) -> Tensor:
    return backbone.encode(instruction).expand(batch, -1)


def save_resnet(folder: Path, change: Callable[[ResNetModel], object] = lambda model: None) -> ResNetModel:
    """Write what the hub has for ResNet-18, a classifier, with statistics that were trained; return its network."""
    torch.manual_seed(1)
    classifier = ResNetForImageClassification(RESNET18).eval()
    with torch.no_grad():
        for name, tensor in classifier.named_buffers():
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5) if "var" in name else tensor.normal_(0, 0.1)
        for name, tensor in classifier.named_parameters():
            if "normalization" in name:
                tensor.add_(0.1 * torch.randn_like(tensor))
        change(classifier.resnet)
    classifier.save_pretrained(folder)
    return classifier.resnet


def edit_config(folder: Path, **changes: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


@pytest.fixture(scope="module")
def resnet_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("resnet-18")
    save_resnet(folder)
    return folder


def test_the_papers_shape_gives_300_image_tokens_of_8_heads_by_64() -> None:
    config = SpecialistConfig(("insert the peg",))
    assert (config.image_tokens, config.prefix_tokens) == (300, 303)
    assert (config.layers, config.kv_heads, config.head_dim) == (4, 8, 64)


def test_a_prefix_has_keys_and_values_of_every_layer_for_words_and_every_camera() -> None:
    backbone = make_backbone().eval()
    seen = backbone.look(make_images(), words_of(backbone))
    tokens = 4 + 2 * 2 * 3
    assert backbone.config.prefix_tokens == tokens
    assert seen.keys.shape == seen.values.shape == (3, 3, 2, tokens, 8)
    assert seen.token_mask.tolist() == [[True] * 3 + [False] + [True] * 12] * 3


def test_padding_of_a_short_instruction_does_not_change_what_is_seen() -> None:
    backbone = make_backbone().eval()
    reference = backbone.look(make_images(), words_of(backbone))
    with torch.no_grad():
        backbone.word_place[3] += 5.0
    padded = backbone.look(make_images(), words_of(backbone))
    mask = reference.token_mask[0]
    torch.testing.assert_close(padded.values[..., mask, :], reference.values[..., mask, :])
    torch.testing.assert_close(padded.keys[..., mask, :], reference.keys[..., mask, :])


def test_looks_of_a_batch_do_not_see_each_other() -> None:
    backbone = make_backbone().eval()
    images, words = make_images(), torch.stack([backbone.encode(INSTRUCTIONS[index]) for index in (0, 1, 0)])
    together = backbone.look(images, words)
    for index in range(3):
        alone = backbone.look(images[index : index + 1], words[index : index + 1])
        torch.testing.assert_close(together.keys[:, index], alone.keys[:, 0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(together.values[:, index], alone.values[:, 0], atol=1e-4, rtol=1e-4)


def test_the_prefix_depends_on_every_camera_and_the_instruction() -> None:
    backbone = make_backbone().eval()
    images = make_images(1)
    reference = backbone.look(images, words_of(backbone, 1)).values
    for camera in range(2):
        changed = images.clone()
        changed[:, camera] = 255 - changed[:, camera]
        assert (backbone.look(changed, words_of(backbone, 1)).values - reference).abs().max() > 1e-2
    other = backbone.look(images, words_of(backbone, 1, INSTRUCTIONS[1])).values
    assert (other - reference).abs().max() > 1e-2


def test_cameras_are_told_apart_though_they_show_the_same() -> None:
    backbone = make_backbone().eval()
    images = make_images(1)[:, :1].expand(-1, 2, -1, -1, -1)
    keys = backbone.look(images, words_of(backbone, 1)).keys[:, 0, :, 4:]
    assert (keys[:, :, :6] - keys[:, :, 6:]).abs().max() > 1e-2


def test_a_token_is_made_of_its_own_place_in_the_image() -> None:
    backbone = make_backbone(cameras=1).eval()
    features = backbone.image_in(backbone.resnet(make_images(1, 1)[0]))
    layer = backbone.key_values[0]
    seen = backbone.look(make_images(1, 1), words_of(backbone, 1))
    value = torch.nn.functional.linear(features[0, :, 1, 2], layer.value.weight, layer.value.bias)
    torch.testing.assert_close(seen.values[0, 0, :, 4 + 1 * 3 + 2].flatten(), value)


def test_places_tell_row_and_column_by_waves_that_span_the_image() -> None:
    places = sinusoidal_places(4, 6, 32).view(4, 6, 2, 8, 2)  # row, column, axis, frequency, (sine, cosine)
    torch.testing.assert_close(places[:, 0, 0], places[:, 5, 0])
    torch.testing.assert_close(places[0, :, 1], places[3, :, 1])
    quarter = torch.pi / 2 * torch.tensor([1.0, 2.0, 3.0, 4.0])
    torch.testing.assert_close(places[:, 0, 0, 0], torch.stack((quarter.sin(), quarter.cos()), -1))
    assert torch.cdist(places.view(24, -1), places.view(24, -1)).fill_diagonal_(1.0).min() > 0.1


def test_an_action_loss_trains_all_of_it_and_moves_no_batch_norm() -> None:
    backbone = make_backbone().train()
    expert = ActionExpert(ExpertConfig(layers=3, width=16, mlp_width=24, query_heads=2, kv_heads=2, head_dim=8))
    buffers = {name: tensor.clone() for name, tensor in backbone.named_buffers()}
    seen = backbone(make_images(), torch.stack([backbone.encode(INSTRUCTIONS[index]) for index in (0, 1, 1)]))
    steps = torch.arange(5).expand(3, -1)
    prefix = PrefixBatch(seen.keys, seen.values, torch.zeros(3, 16).long(), seen.token_mask[:, None].expand(-1, 5, -1))
    expert(torch.randn(3, 5, 7), steps, banded(steps, 4), prefix).square().mean().backward()
    untrained = [name for name, weight in backbone.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert untrained == []
    assert "resnet.embedder.embedder.convolution.weight" in dict(backbone.named_parameters())
    assert not any("normalization" in name for name, _ in backbone.named_parameters())
    assert all(torch.equal(tensor, buffers[name]) for name, tensor in backbone.named_buffers())


def test_dropout_acts_in_training_alone() -> None:
    backbone = make_backbone(dropout=0.5)
    images, words = make_images(1), words_of(backbone, 1)
    once, twice = (backbone.train()(images, words).values for _ in range(2))
    torch.testing.assert_close(once[0], twice[0])  # the first layer's values come before any is left out
    assert (once[1:] - twice[1:]).abs().max() > 1e-2
    assert torch.equal(backbone.eval()(images, words).values, backbone(images, words).values)


def test_it_runs_in_bfloat16_near_float32() -> None:
    backbone = make_backbone().eval()
    images, words = make_images(1), words_of(backbone, 1)
    reference = backbone.look(images, words).values
    half = backbone.to(torch.bfloat16).look(images, words).values
    assert half.dtype == torch.bfloat16
    assert (half.float() - reference).norm() < 0.03 * reference.norm()


def test_all_its_state_is_of_floating_type_and_loads_again() -> None:
    backbone = make_backbone().eval()
    state = backbone.state_dict()
    assert all(tensor.is_floating_point() for tensor in state.values())
    torch.manual_seed(5)
    again = SpecialistBackbone(backbone.config).eval()
    again.load_state_dict(state)
    images, words = make_images(1), words_of(backbone, 1)
    assert torch.equal(again.look(images, words).keys, backbone.look(images, words).keys)


def test_a_checkpoint_of_its_kind_is_there_and_back(tmp_path: Path) -> None:
    config = SpecialistConfig(
        INSTRUCTIONS, layers=2, width=16, mlp_width=24, heads=2, image_height=96, image_width=128, dropout=0.0
    )
    backbone = SpecialistBackbone(config).eval()
    expert = ActionExpert(ExpertConfig(layers=2, width=16, mlp_width=24, query_heads=2, kv_heads=2, head_dim=8))
    statistics = Normalizer.mean_std(torch.randn(20, 7))
    manifest = Manifest("insert", RobotContract.load(), config, expert.config, statistics, statistics)
    save_checkpoint(tmp_path, manifest, backbone, expert, lambda manifest: manifest.task)
    assert load_manifest(tmp_path).backbone == config
    loaded = load_backbone(tmp_path)
    images = torch.randint(256, (1, 1, 96, 128, 3), dtype=torch.uint8)
    words = loaded.encode(INSTRUCTIONS[1])[None]
    for found, expected in zip(loaded.look(images, words), backbone.look(images, words), strict=True):
        assert torch.equal(found, expected)


def test_an_unknown_instruction_is_refused() -> None:
    with pytest.raises(InstructionError, match="'insert the cube' is none that this checkpoint knows: insert the peg"):
        make_backbone().encode("insert the cube")


@pytest.mark.parametrize(
    ("images", "found"),
    [
        (torch.zeros(1, 2, 64, 64, 3, dtype=torch.uint8), r"uint8 \[1, 2, 64, 64, 3\]"),
        (torch.zeros(1, 1, 64, 96, 3, dtype=torch.uint8), r"uint8 \[1, 1, 64, 96, 3\]"),
        (torch.zeros(1, 2, 64, 96, 3), r"float32 \[1, 2, 64, 96, 3\]"),
    ],
)
def test_images_of_another_size_or_type_are_refused(images: Tensor, found: str) -> None:
    backbone = make_backbone()
    with pytest.raises(ImageError, match=rf"must be uint8 \[batch, 2, 64, 96, 3\] in RGB, got {found}"):
        backbone.look(images, words_of(backbone, 1))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layers": 0}, "layers must be positive, got 0"),
        ({"cameras": -1}, "cameras must be positive, got -1"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"heads": 5}, "width 512 does not divide into 5 heads of even dimension"),
        ({"width": 14, "heads": 7}, "width must be a multiple of 4 .*, got 14"),
        ({"instructions": ()}, "instructions must not be empty"),
        ({"image_width": 650}, "image 650x480 is not a multiple of 32"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SpecialistConfig(**{"instructions": INSTRUCTIONS, **wrong})


def test_features_are_those_of_hugging_faces_own_forward(tmp_path: Path) -> None:
    model = save_resnet(tmp_path).eval()
    resnet = Resnet18()
    pretrained = load_resnet18(tmp_path)
    resnet.load_state_dict(pretrained.weights)
    images = make_images()[:, 0]
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    pixels = ((images / 255 - mean) / std).permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = model(pixels).last_hidden_state
        for found in (resnet.train()(images), resnet.eval()(images)):
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert expected.std() > 0.1


def test_the_report_says_what_was_taken_and_what_was_not(resnet_folder: Path) -> None:
    report = str(load_resnet18(resnet_folder))
    assert report.startswith(f"ResNet-18 from {resnet_folder}: 100 tensors taken; not used: classifier.1.bias, ")
    assert "resnet.embedder.embedder.normalization.num_batches_tracked" in report


def test_a_network_without_classifier_loads_alike(tmp_path: Path, resnet_folder: Path) -> None:
    ResNetModel.from_pretrained(resnet_folder).save_pretrained(tmp_path)
    alone, classifier = load_resnet18(tmp_path).weights, load_resnet18(resnet_folder).weights
    assert all(torch.equal(alone[name], classifier[name]) for name in classifier)


def test_what_is_cached_of_the_hub_is_used_without_a_connection(
    tmp_path: Path, resnet_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, cached = 40 * "0", tmp_path / "models--microsoft--resnet-18"
    for folder in ("snapshots", "refs"):
        (cached / folder).mkdir(parents=True)
    (cached / "snapshots" / commit).symlink_to(resnet_folder)
    (cached / "refs" / "main").write_text(commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert len(load_resnet18("microsoft/resnet-18").weights) == 100


def test_a_source_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(PretrainedError, match=r"none: no such folder; give one, or a hub id"):
        load_resnet18(tmp_path / "none")


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    RESNET18.save_pretrained(tmp_path)
    with pytest.raises(TensorFileError, match=r"expected model.safetensors .*, found no .safetensors file"):
        load_resnet18(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depths": [3, 4, 6, 3]}, r"depths is \[3, 4, 6, 3\], a ResNet-18 has \[2, 2, 2, 2\]"),
        ({"layer_type": "bottleneck"}, "layer_type is 'bottleneck', a ResNet-18 has 'basic'"),
        ({"model_type": "vit"}, "model_type is 'vit', a ResNet-18 has 'resnet'"),
    ],
)
def test_another_network_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    RESNET18.save_pretrained(tmp_path)
    edit_config(tmp_path, **changes)
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(PretrainedError, match=message):
        load_resnet18(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights, name: weights.pop(name), r"lacks tensor 'resnet.embedder.*', expected \[64, 3, 7, 7\]"),
        (
            lambda weights, name: weights.update({name: torch.zeros(64, 1, 7, 7)}),
            r"'resnet.embedder.*' is \[64, 1, 7, 7\], expected \[64, 3, 7, 7\]",
        ),
        (
            lambda weights, name: weights.update({name: torch.full((64, 3, 7, 7), torch.nan)}),
            r"'resnet.embedder.*' is not finite",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    tmp_path: Path, resnet_folder: Path, change: Callable[[dict[str, Tensor], str], object], message: str
) -> None:
    weights = load_file(resnet_folder / "model.safetensors")
    change(weights, "resnet.embedder.embedder.convolution.weight")
    save_file(weights, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_bytes((resnet_folder / "config.json").read_bytes())
    with pytest.raises(TensorFileError, match=message):
        load_resnet18(tmp_path)
