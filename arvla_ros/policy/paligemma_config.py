"""What a PaliGemma backbone is, in plain values: who only wants to know it need not import transformers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PaliGemmaConfig:
    """Where a PaliGemma is, what it looks at and the shape of what it gives; ``describe`` fills in the shape.

    Attributes:
        source: folder or hub id.
        cameras: images of one look.
        image_height: pixels of every camera's image as it comes in.
        image_width: likewise.
        instruction_tokens: tokens of the instruction with start, newline and padding.
        layers: layers of the language model.
        kv_heads: its key/value heads.
        head_dim: its head dimension.
        image_tokens: tokens of one image.

    Raises:
        ValueError: ``source`` is empty or a number is not positive.
    """

    source: str
    cameras: int = 1
    image_height: int = 224
    image_width: int = 224
    instruction_tokens: int = 48
    layers: int = 18
    kv_heads: int = 1
    head_dim: int = 256
    image_tokens: int = 256

    def __post_init__(self) -> None:
        if not self.source:
            raise ValueError("source must be a folder or a hub id, got ''")
        for name, value in vars(self).items():
            if name != "source" and not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")

    @property
    def prefix_tokens(self) -> int:
        """Tokens of the prefix, padding included."""
        return self.cameras * self.image_tokens + self.instruction_tokens
