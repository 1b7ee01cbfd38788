"""The kinds of backbone that a checkpoint can have, and what all of them have in common.

A kind's module is imported when it is asked for: who runs the small backbone does not wait for transformers.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

from torch import Tensor, nn

from arvla_ros.policy.prefix import Seen


class BackboneConfig(Protocol):
    """What every backbone's configuration, a frozen data class of plain values, tells of its prefixes."""

    @property
    def layers(self) -> int:
        """Layers, as many as the expert has."""

    @property
    def kv_heads(self) -> int:
        """Key/value heads of a prefix."""

    @property
    def head_dim(self) -> int:
        """Dimension of a head."""

    @property
    def prefix_tokens(self) -> int:
        """Tokens of a prefix, padding included."""

    @property
    def cameras(self) -> int:
        """Images of one look."""

    @property
    def image_height(self) -> int:
        """Pixels of each."""

    @property
    def image_width(self) -> int:
        """Pixels of each."""


class Backbone(Protocol):
    """A module that makes prefixes."""

    @property
    def config(self) -> BackboneConfig:
        """Its shape."""

    def encode(self, instruction: str) -> Tensor:
        """Return the ids ``[W]`` (int64) of an instruction, padded.

        Raises:
            InstructionError: it cannot be followed; the message says why.
        """

    def look(self, images: Tensor, words: Tensor) -> Seen:
        """Look at a batch: a function of tensors alone, of fixed shapes, that a CUDA graph can capture.

        Args:
            images: ``[B, cameras, H, W, 3]`` uint8, RGB.
            words: ``[B, W]`` int64, as ``encode`` returns them.
        """


class Kind(NamedTuple):
    """Where a kind of backbone lives: the modules of its configuration and of itself."""

    config_module: str
    config: str
    module: str
    backbone: str

    @property
    def config_class(self) -> type[Any]:
        """The data class of its configuration."""
        return cast(
            "type[Any]", getattr(importlib.import_module(f"arvla_ros.policy.{self.config_module}"), self.config)
        )

    @property
    def backbone_class(self) -> type[Any]:
        """The module's class."""
        return cast("type[Any]", getattr(importlib.import_module(f"arvla_ros.policy.{self.module}"), self.backbone))


KINDS = {
    "small": Kind("small", "SmallConfig", "small", "SmallBackbone"),
    "specialist": Kind("specialist", "SpecialistConfig", "specialist", "SpecialistBackbone"),
    "paligemma": Kind("paligemma_config", "PaliGemmaConfig", "paligemma", "PaliGemmaBackbone"),
}
"""By the name that ``backbone.kind`` has in a checkpoint's ``config.json``."""


def kind_of(config: BackboneConfig) -> str:
    """Return the name of the kind whose configuration this is."""
    module, name = type(config).__module__.rpartition(".")[-1], type(config).__name__
    return next(key for key, kind in KINDS.items() if (kind.config_module, kind.config) == (module, name))


def is_pretrained(config: BackboneConfig) -> bool:
    """Tell whether the weights are a model in Hugging Face format, which ``config.source`` names."""
    return hasattr(config, "source")


def build(config: BackboneConfig) -> nn.Module:
    """Return a backbone with fresh weights; a pretrained one is loaded instead."""
    return cast("nn.Module", KINDS[kind_of(config)].backbone_class(config))


def load_pretrained(config: BackboneConfig, device: Any, dtype: str, relative_to: Path) -> nn.Module:
    """Return a backbone whose weights ``config.source`` names, a relative folder being one below ``relative_to``.

    Raises:
        PretrainedError: the model cannot be had or used.
    """
    return cast("nn.Module", KINDS[kind_of(config)].backbone_class.load(config, device, dtype, relative_to))
