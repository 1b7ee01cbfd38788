"""Tiny random PaliGemmas of both generations, written as Hugging Face writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, models, normalizers
from torch import Tensor, nn
from transformers import PaliGemmaConfig as HuggingFaceConfig
from transformers import PaliGemmaForConditionalGeneration

from arvla_ros.policy.paligemma import PaliGemmaBackbone
from arvla_ros.policy.paligemma_files import describe
from arvla_ros.policy.pretrained import TOKENIZER

VOCABULARY, SPARE_ROWS = 256, 8
INSTRUCTION = "Reach the red cup!"
TEXT: dict[str, dict[str, Any]] = {
    "gemma": {"num_key_value_heads": 1},
    "gemma2": {
        "num_key_value_heads": 2,
        "sliding_window": 64,
        "query_pre_attn_scalar": 12,
        "attn_logit_softcapping": 2.0,
        "final_logit_softcapping": 3.0,
    },
}
GENERATIONS = tuple(TEXT)


def tiny_tokenizer() -> Tokenizer:
    """Return a tokenizer of single characters with Gemma's special tokens and its sign for a space."""
    marks = ["<pad>", "<eos>", "<bos>", "<unk>"]
    characters = ["▁", "\n", *(chr(code) for code in range(33, 127))]
    vocabulary = {token: index for index, token in enumerate(marks + characters)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in marks])
    return tokenizer


def write_model(folder: Path, generation: str, **text: Any) -> Path:
    """Write a tiny random PaliGemma with ``save_pretrained``, with weights large enough that every part matters."""
    torch.manual_seed(0)
    width, layers, heads, head_dim = 32, 3, 4, 8
    config = HuggingFaceConfig(
        vision_config={
            "model_type": "siglip_vision_model",
            "hidden_size": 24,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 14,
            "vision_use_head": False,
        },
        text_config={
            "model_type": generation,
            "hidden_size": width,
            "intermediate_size": 48,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "head_dim": head_dim,
            "vocab_size": VOCABULARY + SPARE_ROWS,
            **TEXT[generation],
            **text,
        },
        image_token_index=VOCABULARY,
        projection_dim=width,
        hidden_size=width,
    )
    model = PaliGemmaForConditionalGeneration(config)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    tiny_tokenizer().save(str(folder / TOKENIZER))
    return folder


def load(folder: Path, dtype: str = "float32", **looks_at: int) -> PaliGemmaBackbone:
    looks_at = {"image_height": 24, "image_width": 32, "instruction_tokens": 24, **looks_at}
    return PaliGemmaBackbone.load(describe(str(folder), **looks_at), dtype=dtype)


def batch(backbone: PaliGemmaBackbone, size: int = 2, instruction: str = INSTRUCTION) -> tuple[Tensor, Tensor]:
    config = backbone.config
    shape = (size, config.cameras, config.image_height, config.image_width, 3)
    images = torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return images, backbone.encode(instruction).expand(size, -1)
