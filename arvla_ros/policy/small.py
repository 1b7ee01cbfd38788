"""A small vision-and-instruction backbone: from one image and one instruction to keys and values for the expert.

A convolutional stem with coordinate channels makes image tokens; beside the words of the instruction and one readout
token they pass a small transformer encoder. After every encoder layer a learned projection gives the prefix of that
layer.

Knowledge insulation (AR-VLA section V-A): the projections read *detached* features, so no gradient of the action loss
reaches the stem or the encoder. These learn from privileged positions instead: after every layer, not only the last,
the readout token must tell where the named object and all others are, so what the expert reads holds them too.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from arvla_ros.policy.instructions import PADDING, InstructionTokenizer
from arvla_ros.policy.prefix import Seen


@dataclass(frozen=True)
class SmallConfig:
    """Shape and vocabulary of a ``SmallBackbone``.

    Attributes:
        instructions: every instruction that it knows; their words are the vocabulary.
        layers: encoder layers, as many as the expert has.
        width: model dimension.
        mlp_width: hidden dimension of the feed-forward part.
        heads: attention heads of the encoder.
        patch: pixels from one patch that the stem's first convolution reads to the next, even.
        stem_widths: channels after each convolution of the stem; each but the first halves the grid of patches.
        image_height: pixels, a multiple of ``reduction``.
        image_width: pixels, likewise.
        kv_heads: key/value heads of the expert that reads the prefix.
        head_dim: head dimension of that expert.
        objects: objects whose privileged positions train the backbone.

    Raises:
        ValueError: a size is not positive or does not divide, or there is no instruction.
    """

    instructions: tuple[str, ...]
    layers: int = 3
    width: int = 96
    mlp_width: int = 192
    heads: int = 4
    patch: int = 4
    stem_widths: tuple[int, ...] = (32, 64, 96)
    image_height: int = 96
    image_width: int = 128
    kv_heads: int = 4
    head_dim: int = 32
    objects: int = 3

    def __post_init__(self) -> None:
        for name in ("layers", "width", "mlp_width", "heads", "image_height", "image_width", "kv_heads", "head_dim"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        if self.patch < 2 or self.patch % 2:
            raise ValueError(f"patch must be even, got {self.patch}")
        if not self.instructions:
            raise ValueError("instructions must not be empty")
        if self.image_height % self.reduction or self.image_width % self.reduction:
            raise ValueError(f"image {self.image_width}x{self.image_height} is not a multiple of {self.reduction}")

    @property
    def reduction(self) -> int:
        """Pixels along the edge of an image token."""
        return self.patch << len(self.stem_widths) - 1

    @property
    def image_tokens(self) -> int:
        """Tokens of the image."""
        return (self.image_height // self.reduction) * (self.image_width // self.reduction)

    @property
    def prefix_tokens(self) -> int:
        """Tokens of a prefix: the readout, the words of the longest instruction, the image's."""
        return 1 + InstructionTokenizer(self.instructions).length + self.image_tokens

    @property
    def cameras(self) -> int:
        """Images of one look."""
        return 1


@dataclass(frozen=True)
class SmallOutput:
    """What a batch of images and instructions becomes.

    Attributes:
        keys: ``[L, B, Hkv, N, D]``, not rotated; they carry gradient to the projections only.
        values: ``[L, B, Hkv, N, D]``, likewise.
        token_mask: ``[B, N]`` bool, False where the instruction is padded.
        told: ``[L, B, 1 + objects, 2]`` where the readout says, after every layer, that the named object and all
            objects are; carries gradient to stem and encoder.
        located: ``[B, objects, 2]`` where the stem's image tokens say that all objects are; likewise.
    """

    keys: Tensor
    values: Tensor
    token_mask: Tensor
    told: Tensor
    located: Tensor


class Stem(nn.Module):
    """Convolutions that halve the image one after the other, with the pixels' coordinates as two more channels."""

    coordinates: Tensor

    def __init__(self, config: SmallConfig) -> None:
        super().__init__()
        y, x = torch.linspace(-1, 1, config.image_height), torch.linspace(-1, 1, config.image_width)
        self.register_buffer("coordinates", torch.stack(torch.meshgrid(y, x, indexing="ij")), persistent=False)
        patch = config.patch
        # Patches overlap by half, so that a thing is seen alike wherever on the grid it lies.
        stages: list[nn.Module] = [nn.Conv2d(5, config.stem_widths[0], 2 * patch, stride=patch, padding=patch // 2)]
        for channels, width in itertools.pairwise(config.stem_widths):
            stages += [nn.ReLU(inplace=True), nn.Conv2d(channels, width, 3, stride=2, padding=1)]
        for stage in stages:
            if isinstance(stage, nn.Conv2d):
                nn.init.kaiming_normal_(stage.weight, nonlinearity="relu")
                nn.init.zeros_(cast(Tensor, stage.bias))
        self.stages = nn.Sequential(*stages)
        self.out = nn.Linear(config.stem_widths[-1], config.width)

    def forward(self, image: Tensor) -> Tensor:
        """Turn ``image [B, H, W, 3]`` (uint8) into tokens ``[B, h * w, width]``."""
        pixels = image.permute(0, 3, 1, 2).to(self.coordinates.dtype) / 127.5 - 1.0
        pixels = torch.cat((pixels, self.coordinates.expand(image.shape[0], -1, -1, -1)), 1)
        # This layout is several times as fast on a CPU as the default one.
        features: Tensor = self.stages(pixels.contiguous(memory_format=torch.channels_last))
        tokens: Tensor = self.out(features.flatten(2).transpose(1, 2).relu())
        return tokens


class Locator(nn.Module):
    """Tells where each object is from image tokens: every token points somewhere, the right ones are to be believed."""

    def __init__(self, width: int, objects: int) -> None:
        super().__init__()
        self.belief = nn.Linear(width, objects)
        self.point = nn.Linear(width, 2 * objects)

    def forward(self, tokens: Tensor) -> Tensor:
        """Turn ``tokens [B, N, width]`` into positions ``[B, objects, 2]``."""
        points = self.point(tokens).unflatten(-1, (-1, 2))
        positions: Tensor = (self.belief(tokens).softmax(1)[..., None] * points).sum(1)
        return positions


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward part, normalisation first."""

    def __init__(self, config: SmallConfig) -> None:
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

    def __init__(self, config: SmallConfig) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = InstructionTokenizer(config.instructions)
        self.stem = Stem(config)
        self.place = nn.Parameter(0.1 * torch.randn(config.image_tokens, config.width))
        self.word = nn.Embedding(len(self.tokenizer.words) + 1, config.width, padding_idx=PADDING)
        self.word_place = nn.Parameter(0.1 * torch.randn(self.tokenizer.length, config.width))
        self.readout = nn.Parameter(0.1 * torch.randn(config.width))
        self.locator = Locator(config.width, config.objects)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))
        self.tell = nn.ModuleList(_head(config.width, 2 * (1 + config.objects)) for _ in range(config.layers))
        projected = 2 * config.kv_heads * config.head_dim
        self.projections = nn.ModuleList(_head(config.width, projected) for _ in range(config.layers))

    def encode(self, instruction: str) -> Tensor:
        """Return an instruction's word ids ``[length]``, int64.

        Raises:
            InstructionError: the backbone does not know it.
        """
        return self.tokenizer.encode(instruction)

    def look(self, images: Tensor, words: Tensor) -> Seen:
        """Return the prefixes of ``images [B, 1, H, W, 3]`` (uint8) under ``words [B, length]`` (ids)."""
        output = self(images[:, 0], words)
        return Seen(output.keys, output.values, output.token_mask)

    def forward(self, image: Tensor, words: Tensor) -> SmallOutput:
        """Look at ``image [B, H, W, 3]`` (uint8) under the instructions ``words [B, length]`` (ids)."""
        image_tokens = self.stem(image) + self.place
        x, token_mask = self._tokens(image_tokens, words)
        keys, values, told = [], [], []
        for layer, tell, projection in zip(self.layers, self.tell, self.projections, strict=True):
            x = layer(x, token_mask)
            told.append(tell(x[:, 0]).unflatten(-1, (-1, 2)))
            projected = projection(x.detach()).unflatten(-1, (2, self.config.kv_heads, -1))
            key, value = projected.permute(2, 0, 3, 1, 4).unbind(0)
            keys.append(key)
            values.append(value)
        return SmallOutput(
            torch.stack(keys), torch.stack(values), token_mask, torch.stack(told), self.locator(image_tokens)
        )

    def insulated_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that the action loss must not move: all but the projections."""
        projected = set(self.projections.parameters())
        return [parameter for parameter in self.parameters() if parameter not in projected]

    def _tokens(self, image_tokens: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        embedded = self.word(words)
        spoken = words != PADDING
        # The readout starts out knowing what is asked for, so that already the first layer can look for it.
        readout = self.readout + embedded.sum(1) / spoken.sum(1, keepdim=True)
        seen = spoken.new_ones(image_tokens.shape[:2])
        x = torch.cat((readout[:, None], embedded + self.word_place, image_tokens), 1)
        return x, torch.cat((seen[:, :1], spoken, seen), 1)


def _head(width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, outputs))
