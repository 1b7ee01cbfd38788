"""A small vision-and-instruction backbone: from one image and one instruction to keys and values for the expert.

A convolutional stem with coordinate channels makes image tokens; beside the words of the instruction and one readout
token they pass a small transformer encoder. After every encoder layer a learned projection gives the prefix of that
layer.

Knowledge insulation (AR-VLA section V-A): the projections read *detached* features, so no gradient of the action loss
reaches the stem or the encoder. These learn from privileged positions instead: after every layer, not only the last,
the readout token must tell where the named object and all others are, so what the expert reads holds them too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from arvla_ros.policy.instructions import PADDING, InstructionTokenizer


@dataclass(frozen=True)
class BackboneConfig:
    """Shape and vocabulary of a ``SmallBackbone``.

    Attributes:
        instructions: every instruction that it knows; their words are the vocabulary.
        layers: encoder layers, as many as the expert has.
        width: model dimension.
        mlp_width: hidden dimension of the feed-forward part.
        heads: attention heads of the encoder.
        stem_widths: channels after each convolution of the stem; each halves the image.
        image_height: pixels, a multiple of ``2 ** len(stem_widths)``.
        image_width: pixels, likewise.
        kv_heads: key/value heads of the expert that reads the prefix.
        head_dim: head dimension of that expert.
        positions: numbers that the readout tells after every layer (privileged positions, normalised).

    Raises:
        ValueError: a size is not positive or does not divide, or there is no instruction.
    """

    instructions: tuple[str, ...]
    layers: int = 3
    width: int = 128
    mlp_width: int = 256
    heads: int = 4
    stem_widths: tuple[int, ...] = (24, 48, 96, 128)
    image_height: int = 96
    image_width: int = 128
    kv_heads: int = 4
    head_dim: int = 32
    positions: int = 9

    def __post_init__(self) -> None:
        for name in ("layers", "width", "mlp_width", "heads", "image_height", "image_width", "kv_heads", "head_dim"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if not self.instructions:
            raise ValueError("instructions must not be empty")
        reduction = 2 ** len(self.stem_widths)
        if self.image_height % reduction or self.image_width % reduction:
            raise ValueError(f"image {self.image_width}x{self.image_height} is not a multiple of {reduction}")


@dataclass(frozen=True)
class BackboneOutput:
    """What a batch of images and instructions becomes.

    Attributes:
        keys: ``[L, B, Hkv, N, D]``, not rotated; they carry gradient to the projections only.
        values: ``[L, B, Hkv, N, D]``, likewise.
        token_mask: ``[B, N]`` bool, False where the instruction is padded.
        positions: ``[L, B, P]`` what the readout tells after every layer; carries gradient to stem and encoder.
    """

    keys: Tensor
    values: Tensor
    token_mask: Tensor
    positions: Tensor


class Stem(nn.Module):
    """Convolutions that halve the image one after the other, with the pixels' coordinates as two more channels."""

    coordinates: Tensor

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        y, x = torch.linspace(-1, 1, config.image_height), torch.linspace(-1, 1, config.image_width)
        self.register_buffer("coordinates", torch.stack(torch.meshgrid(y, x, indexing="ij")), persistent=False)
        stages: list[nn.Module] = []
        channels = 5
        for index, width in enumerate(config.stem_widths):
            kernel = 5 if index == 0 else 3
            stages += [nn.Conv2d(channels, width, kernel, stride=2, padding=kernel // 2), nn.ReLU(inplace=True)]
            channels = width
        self.stages = nn.Sequential(*stages[:-1])
        self.out = nn.Linear(channels, config.width)

    def forward(self, image: Tensor) -> Tensor:
        """Turn ``image [B, H, W, 3]`` (uint8) into tokens ``[B, h * w, width]``."""
        pixels = image.permute(0, 3, 1, 2).to(self.coordinates.dtype) / 127.5 - 1.0
        pixels = torch.cat((pixels, self.coordinates.expand(image.shape[0], -1, -1, -1)), 1)
        features: Tensor = self.stages(pixels)
        tokens: Tensor = self.out(features.flatten(2).transpose(1, 2).relu())
        return tokens


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward part, normalisation first."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.attention_norm = nn.LayerNorm(config.width)
        self.query_key_value = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.mlp_norm = nn.LayerNorm(config.width)
        self.up = nn.Linear(config.width, config.mlp_width)
        self.down = nn.Linear(config.mlp_width, config.width)

    def forward(self, x: Tensor, token_mask: Tensor) -> Tensor:
        """Map tokens ``x [B, N, width]`` to the same shape; those outside ``token_mask [B, N]`` are not read."""
        projected = self.query_key_value(self.attention_norm(x))
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in projected.chunk(3, -1))
        read = functional.scaled_dot_product_attention(query, key, value, attn_mask=token_mask[:, None, None])
        x = x + self.out(read.transpose(1, 2).flatten(-2))
        mixed: Tensor = x + self.down(functional.gelu(self.up(self.mlp_norm(x))))
        return mixed


class SmallBackbone(nn.Module):
    """See the module; tokens are the readout, the words, then the image row by row."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = InstructionTokenizer(config.instructions)
        reduction = 2 ** len(config.stem_widths)
        places = (config.image_height // reduction) * (config.image_width // reduction)
        self.stem = Stem(config)
        self.place = nn.Parameter(0.1 * torch.randn(places, config.width))
        self.word = nn.Embedding(len(self.tokenizer.words) + 1, config.width, padding_idx=PADDING)
        self.word_place = nn.Parameter(0.1 * torch.randn(self.tokenizer.length, config.width))
        self.readout = nn.Parameter(0.1 * torch.randn(config.width))
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))
        self.position_out = nn.ModuleList(_head(config.width, config.positions) for _ in range(config.layers))
        projected = 2 * config.kv_heads * config.head_dim
        self.projections = nn.ModuleList(_head(config.width, projected) for _ in range(config.layers))

    def forward(self, image: Tensor, words: Tensor) -> BackboneOutput:
        """Look at ``image [B, H, W, 3]`` (uint8) under the instructions ``words [B, length]`` (ids)."""
        x, token_mask = self._tokens(image, words)
        keys, values, positions = [], [], []
        for layer, position_out, projection in zip(self.layers, self.position_out, self.projections, strict=True):
            x = layer(x, token_mask)
            positions.append(position_out(x[:, 0]))
            projected = projection(x.detach()).unflatten(-1, (2, self.config.kv_heads, -1))
            key, value = projected.permute(2, 0, 3, 1, 4).unbind(0)
            keys.append(key)
            values.append(value)
        return BackboneOutput(torch.stack(keys), torch.stack(values), token_mask, torch.stack(positions))

    def insulated_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that the action loss must not move: all but the projections."""
        projected = set(self.projections.parameters())
        return [parameter for parameter in self.parameters() if parameter not in projected]

    def _tokens(self, image: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        embedded = self.word(words)
        spoken = words != PADDING
        # The readout starts out knowing what is asked for, so that already the first layer can look for it.
        readout = self.readout + embedded.sum(1) / spoken.sum(1, keepdim=True)
        x = torch.cat((readout[:, None], embedded + self.word_place, self.stem(image) + self.place), 1)
        seen = torch.ones(image.shape[0], 1 + self.place.shape[0], dtype=torch.bool, device=image.device)
        return x, torch.cat((seen[:, :1], spoken, seen[:, 1:]), 1)


def _head(width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, outputs))
