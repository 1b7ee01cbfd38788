"""The policies that are benchmarked: shapes only, weights are random."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn

from arvla_ros.paths import share_directory
from arvla_ros.policy.backbones import KINDS, build, kind_of
from arvla_ros.policy.checkpoint import load_manifest
from arvla_ros.policy.expert import ActionExpert, ExpertConfig

INSTRUCTION = "insert"
"""Some instruction for a backbone that has no vocabulary of its own."""

_MARKS = ("<pad>", "<eos>", "<bos>", "<unk>")


@dataclass(frozen=True)
class PolicySize:
    """One policy, without weights.

    Attributes:
        expert: shape of the action expert.
        prefix_tokens: tokens of a prefix, padding included.
        instruction: one that the backbone knows.
        backbone: kind of the backbone.
        build_backbone: returns it with random weights, on torch's default device and in its default dtype.
        dtypes: in which it is measured, by type of device.
    """

    expert: ExpertConfig
    prefix_tokens: int
    instruction: str
    backbone: str
    build_backbone: Callable[[], nn.Module]
    dtypes: Mapping[str, tuple[str, ...]]

    def expert_parameters(self) -> int:
        """Return the number of the expert's parameters."""
        return _parameters(lambda: ActionExpert(self.expert))

    def backbone_parameters(self) -> int:
        """Return the number of the backbone's parameters."""
        return _parameters(self.build_backbone)


def reach() -> PolicySize:
    """Return the shapes of the shipped checkpoint.

    Raises:
        CheckpointError: it is not there.
    """
    manifest = load_manifest(share_directory() / "checkpoints" / "reach")
    return PolicySize(
        manifest.expert,
        manifest.backbone.prefix_tokens,
        manifest.instructions[0],
        kind_of(manifest.backbone),
        lambda: build(manifest.backbone),
        {"cpu": ("float32",), "cuda": ("float32",)},
    )


def specialist() -> PolicySize:
    """Return the paper's specialist (AR-VLA, appendix V-B): one 640x480 camera, 300 image tokens, 14 joints."""
    config = KINDS["specialist"].config_class(instructions=(INSTRUCTION,))
    expert = ExpertConfig(
        layers=4,
        width=512,
        mlp_width=3200,
        query_heads=8,
        kv_heads=8,
        head_dim=64,
        activation="relu",
        state_size=14,
        action_size=14,
        history_length=30,
        horizon=20,
    )
    dtypes = ("float32", "bfloat16")
    return PolicySize(
        expert,
        config.prefix_tokens,
        INSTRUCTION,
        "specialist",
        lambda: build(config),
        {"cpu": dtypes, "cuda": dtypes},
    )


def generalist() -> PolicySize:
    """Return the paper's generalist (AR-VLA, appendix V-B): a Gemma-300M expert on PaliGemma-3B, one 224x224 image."""
    config = KINDS["paligemma"].config_class(source="random weights")
    expert = ExpertConfig(
        layers=18,
        width=1024,
        mlp_width=4096,
        query_heads=8,
        kv_heads=1,
        head_dim=256,
        activation="gelu_tanh_gated",
        state_size=8,
        action_size=8,
        history_length=20,
        horizon=8,
        rope_base=10_000.0,
    )
    return PolicySize(
        expert,
        config.prefix_tokens,
        INSTRUCTION,
        "paligemma",
        lambda: _random_paligemma(config),
        {"cpu": ("bfloat16", "float32"), "cuda": ("bfloat16",)},
    )


SIZES: dict[str, Callable[[], PolicySize]] = {"reach": reach, "specialist": specialist, "generalist": generalist}
"""By name, from small to large."""


def _parameters(construct: Callable[[], nn.Module]) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in construct().parameters())


def _random_paligemma(config: Any) -> nn.Module:
    """Return a PaliGemma-3B of random weights, with a tokenizer of single characters."""
    # Only who measures the generalist waits for transformers.
    import transformers
    from tokenizers import AddedToken, Tokenizer, models

    text = {
        "model_type": "gemma",
        "hidden_size": 2048,
        "intermediate_size": 16384,
        "num_hidden_layers": 18,
        "num_attention_heads": 8,
        "num_key_value_heads": 1,
        "head_dim": 256,
        "vocab_size": 257216,
    }
    vision = {
        "model_type": "siglip_vision_model",
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_hidden_layers": 27,
        "num_attention_heads": 16,
        "image_size": 224,
        "patch_size": 14,
        "vision_use_head": False,
    }
    shape = transformers.PaliGemmaConfig(
        vision_config=vision, text_config=text, image_token_index=257152, projection_dim=2048
    )
    model = transformers.PaliGemmaForConditionalGeneration(shape)
    characters = ("▁", "\n", *(chr(code) for code in range(33, 127)))
    vocabulary = {token: index for index, token in enumerate((*_MARKS, *characters))}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in _MARKS])
    return cast("nn.Module", KINDS["paligemma"].backbone_class(config, model, tokenizer))
