"""What a training run is made of: every number of it, on the command line or in a YAML file."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from arvla_ros.policy.expert import ExpertConfig

T = TypeVar("T")


class TrainConfigError(ValueError):
    """A training configuration that cannot be used; the message names file and field."""


@dataclass(frozen=True)
class PhaseConfig:
    """One phase: AdamW under a learning rate that warms up and then falls along a cosine."""

    steps: int
    """Optimiser steps; 0 leaves the phase out."""
    batch_size: int = 64
    """Samples a step."""
    learning_rate: float = 2e-3
    """Peak learning rate."""
    warmup_steps: int = 100
    """Steps until the peak."""


@dataclass(frozen=True)
class BackboneShape:
    """Sizes of the backbone that the expert and the demonstrations leave open; see ``SmallConfig``."""

    width: int = 96
    """Model dimension."""
    mlp_width: int = 192
    """Hidden dimension of the feed-forward part."""
    heads: int = 4
    """Attention heads of the encoder."""
    patch: int = 4
    """Pixels from one patch that the first convolution reads to the next."""
    stem_widths: tuple[int, ...] = (32, 64, 96)
    """Channels after each convolution."""


@dataclass(frozen=True)
class TrainConfig:
    """A training run."""

    demonstrations: Path = Path("datasets/reach")
    """Folder of demonstrations, as `arvla sim record` writes it."""
    out: Path = Path("checkpoints/reach")
    """Checkpoint folder to write."""
    expert: ExpertConfig = field(default_factory=ExpertConfig)
    """Shape of the action expert."""
    backbone: BackboneShape = field(default_factory=BackboneShape)
    """Shape of the backbone."""
    scenes: int = 8000
    """Random scenes to render for the sight phase, which half of its images are drawn from; the rest are from the
    demonstrations."""
    sight: PhaseConfig = field(default_factory=lambda: PhaseConfig(steps=3000))
    """Single images, privileged positions: the backbone alone, which then stays as it is."""
    motion: PhaseConfig = field(default_factory=lambda: PhaseConfig(steps=200, learning_rate=1e-3))
    """Phase 1: whole sequences without sight, next action: the expert alone."""
    alignment: PhaseConfig = field(default_factory=lambda: PhaseConfig(steps=2500, learning_rate=1.5e-3))
    """Phase 2: history primes, the prefix is anchored at 0, a horizon of actions is supervised: the expert, and the
    projections that make its prefix."""
    mask_rate: float = 0.5
    """Phase 2: probability that a supervised token does not see an earlier one; each pair is drawn on its own."""
    longest_pause: int = 3
    """Episodes may begin with up to this many steps at rest, as on the robot before the first prefix arrives."""
    brightness: float = 0.1
    """Standard deviation of the random gain on an image and on each of its colours."""
    weight_decay: float = 0.01
    """Of AdamW."""
    clip_norm: float = 1.0
    """Gradients of the backbone and of the expert are each scaled down to this norm."""
    seed: int = 0
    """Of weights, batches and masks."""
    threads: int = 0
    """CPU threads; 0 for one a core."""
    episodes: int = 100
    """Closed-loop episodes on fresh seeds after training, for the model card; 0 for none."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.mask_rate <= 1.0:
            raise TrainConfigError(f"mask_rate {self.mask_rate} is outside 0..1")
        for name, least in (("longest_pause", 0), ("episodes", 0), ("scenes", 1)):
            if getattr(self, name) < least:
                raise TrainConfigError(f"{name} {getattr(self, name)} must be at least {least}")

    @classmethod
    def load(cls, path: str | Path) -> TrainConfig:
        """Read a YAML file whose nesting is that of the fields; what it leaves out keeps its default.

        Raises:
            TrainConfigError: the file is missing or not YAML, or a field is unknown or wrong.
        """
        file = Path(path)
        try:
            return _build(cls, yaml.safe_load(file.read_text()) or {}, "")
        except (OSError, UnicodeDecodeError) as error:
            raise TrainConfigError(f"training configuration {file}: cannot be read ({error})") from error
        except yaml.YAMLError as error:
            raise TrainConfigError(f"training configuration {file}: not YAML ({error})") from error
        except (TypeError, ValueError) as error:
            raise TrainConfigError(f"training configuration {file}: {error}") from error


def _build(cls: type[T], values: Any, where: str) -> T:
    """Build a dataclass from parsed YAML, nested ones from nested mappings."""
    if not isinstance(values, dict):
        raise TrainConfigError(f"{where or 'the file'} must be a mapping, got {values!r}")
    types = typing.get_type_hints(cls)
    unknown = sorted(set(values) - set(types))
    if unknown:
        raise TrainConfigError(f"unknown field {where}{unknown[0]}; known are {', '.join(types)}")
    arguments: dict[str, Any] = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(types[name]):
            arguments[name] = _build(typing.cast(type, types[name]), value, f"{where}{name}.")
        elif types[name] is Path:
            arguments[name] = Path(value)
        elif isinstance(value, list):
            arguments[name] = tuple(value)
        elif types[name] is float:
            arguments[name] = float(value)
        else:
            arguments[name] = value
    return cls(**arguments)
