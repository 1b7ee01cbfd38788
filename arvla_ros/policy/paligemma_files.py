"""The files of a PaliGemma in Hugging Face format: config, weights and tokenizer, each checked before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoConfig, PaliGemmaForConditionalGeneration

from arvla_ros.policy.gemma import FINISH
from arvla_ros.policy.paligemma_config import PaliGemmaConfig
from arvla_ros.policy.pretrained import TOKENIZER, PretrainedError, check_weights, find_pretrained, read_config

MODEL_TYPE = "paligemma"


def describe(source: str, relative_to: Path | None = None, **looks_at: int) -> PaliGemmaConfig:
    """Return the config of a model, its shape read from its ``config.json``; no weights are read.

    Args:
        source: folder or hub id.
        relative_to: the folder from which a relative ``source`` starts.
        looks_at: ``cameras``, ``image_height``, ``image_width``, ``instruction_tokens``.

    Raises:
        PretrainedError: no such model, or another than a PaliGemma.
        ValueError: a number is not positive.
    """
    return PaliGemmaConfig(source, **looks_at, **shape(_read_model_config(find_pretrained(source, relative_to))))


def _read_model_config(folder: Path) -> Any:
    """Return transformers' config of a PaliGemma, its defaults filled in."""
    fields = read_config(folder)
    if fields.get("model_type") != MODEL_TYPE:
        raise PretrainedError(
            f"pretrained model {folder}: model_type is {fields.get('model_type')!r}, not {MODEL_TYPE!r}"
        )
    for name in ("text_config", "vision_config"):
        if not isinstance(fields.get(name), dict):
            raise PretrainedError(f"pretrained model {folder}: config.json has no {name}; fetch the model again")
    try:
        config = AutoConfig.from_pretrained(folder)
    except Exception as error:  # transformers raises what it likes for a config it cannot use
        raise PretrainedError(f"pretrained model {folder}: config.json cannot be used ({error})") from error
    if config.text_config.model_type not in FINISH:
        raise PretrainedError(
            f"pretrained model {folder}: text_config's model_type is {config.text_config.model_type!r}, "
            f"expected one of {', '.join(FINISH)}"
        )
    return config


def shape(config: Any) -> dict[str, int]:
    """Return those fields of a ``PaliGemmaConfig`` that are the model's."""
    text, vision = config.text_config, config.vision_config
    return {
        "layers": text.num_hidden_layers,
        "kv_heads": text.num_key_value_heads,
        "head_dim": text.head_dim,
        "image_tokens": (vision.image_size // vision.patch_size) ** 2,
    }


def load_model(folder: Path, dtype: torch.dtype) -> PaliGemmaForConditionalGeneration:
    """Return a model with its weights in ``dtype`` on the CPU.

    Raises:
        PretrainedError: no PaliGemma, or weights that are missing, damaged, of another shape or not finite.
    """
    config = _read_model_config(folder)
    check_weights(folder)
    try:
        model, report = PaliGemmaForConditionalGeneration.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            ignore_mismatched_sizes=True,  # reported below, by name
            output_loading_info=True,
        )
    except (ImportError, RuntimeError, ValueError, OSError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise PretrainedError(f"pretrained model {folder}: weights cannot be loaded ({reason})") from error
    _check_report(folder, model, report)
    for name, weight in model.named_parameters():
        # An extreme is infinite or NaN as soon as one weight is; fifty times as fast as to look at each.
        if not torch.isfinite(torch.stack(torch.aminmax(weight))).all():
            raise PretrainedError(
                f"pretrained model {folder}: {name!r} is not finite in {dtype}; fetch it again or take a wider dtype"
            )
    return model


def _check_report(folder: Path, model: nn.Module, report: dict[str, Any]) -> None:
    """Refuse what transformers would have filled with random numbers."""
    if mismatched := sorted(report["mismatched_keys"]):
        # transformers 5 tells name, found and expected shape, 4 the name alone.
        first = mismatched[0]
        name, found = (first, "of another shape") if isinstance(first, str) else (first[0], list(first[1]))
        raise PretrainedError(
            f"pretrained model {folder}: weight {name!r} is {found}, "
            f"config.json says {list(model.get_parameter(name).shape)}; fetch the model again"
        )
    if missing := sorted(report["missing_keys"]):
        raise PretrainedError(
            f"pretrained model {folder}: weights lack {missing[0]!r} ({len(missing)} missing); fetch the model again"
        )


def load_tokenizer(folder: Path) -> Tokenizer:
    """Return the tokenizer of a model.

    Raises:
        PretrainedError: its file is missing or damaged.
    """
    try:
        return Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:  # tokenizers raises bare Exception
        raise PretrainedError(
            f"pretrained model {folder}: {TOKENIZER} cannot be read ({error}); fetch the model again"
        ) from error
