"""The specialist's backbone: ACT's ResNet-18 and transformer encoder, turned into a maker of prefixes.

Every camera's image becomes a ResNet feature map, every place of it a token; beside the words of the instruction they
pass the encoder, and what encoder layer i attends to, its own keys and values, is the prefix that expert layer i reads
(AR-VLA sections V-A, V-B). Nothing is added for the expert's sake: one projection serves both readers. Of the last
layer nothing but keys and values is read, so the rest of it is left out.

Unlike the generalist's, this backbone is *not* insulated. The paper trains it, convolutions included, by the action
loss, which reaches it through keys and values; so ``forward`` detaches nothing. What no loss moves is batch
normalisation.

Layout of a layer as in ACT (Zhao et al., arXiv 2304.13705; after DETR, arXiv 2005.12872): normalisation last, and
places are added to what queries and keys are made of, in every layer, but not to what values are made of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from arvla_ros.policy.images import check_images
from arvla_ros.policy.instructions import PADDING, InstructionTokenizer
from arvla_ros.policy.prefix import Seen
from arvla_ros.policy.resnet import CHANNELS, REDUCTION, Resnet18


@dataclass(frozen=True)
class SpecialistConfig:
    """Shape and vocabulary of a ``SpecialistBackbone``; the defaults are the paper's (appendix V-B).

    Attributes:
        instructions: every instruction that it knows, one is enough; their words are the vocabulary.
        layers: encoder layers, as many as the expert has.
        width: model dimension.
        mlp_width: hidden dimension of the feed-forward part.
        heads: attention heads of the encoder, and key/value heads of the expert that reads the prefix.
        cameras: images of one look.
        image_height: pixels, a multiple of 32.
        image_width: pixels, a multiple of 32.
        dropout: share of activations left out in training.

    Raises:
        ValueError: a size is not positive or does not divide, or there is no instruction.
    """

    instructions: tuple[str, ...]
    layers: int = 4
    width: int = 512
    mlp_width: int = 3200
    heads: int = 8
    cameras: int = 1
    image_height: int = 480
    image_width: int = 640
    dropout: float = 0.1

    def __post_init__(self) -> None:
        for name in ("layers", "width", "mlp_width", "heads", "cameras", "image_height", "image_width"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")
        if self.width % (2 * self.heads):
            raise ValueError(f"width {self.width} does not divide into {self.heads} heads of even dimension")
        if self.width % 4:
            raise ValueError(f"width must be a multiple of 4 for places in two dimensions, got {self.width}")
        if not self.instructions:
            raise ValueError("instructions must not be empty")
        if self.image_height % REDUCTION or self.image_width % REDUCTION:
            raise ValueError(f"image {self.image_width}x{self.image_height} is not a multiple of {REDUCTION}")

    @property
    def kv_heads(self) -> int:
        """Key/value heads of the prefix."""
        return self.heads

    @property
    def head_dim(self) -> int:
        """Dimension of a head of the prefix."""
        return self.width // self.heads

    @property
    def image_tokens(self) -> int:
        """Tokens of all cameras together."""
        return self.cameras * (self.image_height // REDUCTION) * (self.image_width // REDUCTION)

    @property
    def prefix_tokens(self) -> int:
        """Tokens of a prefix, padding included: the words of the longest instruction, then the images'."""
        return InstructionTokenizer(self.instructions).length + self.image_tokens


class KeyValues(nn.Module):
    """What other tokens, and the expert, attend to in one layer."""

    def __init__(self, config: SpecialistConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.key, self.value = _linear(config.width, config.width), _linear(config.width, config.width)

    def forward(self, x: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values ``[B, H, N, D]`` of ``x [B, N, width]``; ``places [N, width]`` tell tokens apart."""
        return _heads(self.key(x + places), self.heads), _heads(self.value(x), self.heads)


class EncoderLayer(nn.Module):
    """The rest of a layer: what a token makes of the keys and values of all; normalisation last."""

    def __init__(self, config: SpecialistConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query, self.out = _linear(config.width, config.width), _linear(config.width, config.width)
        self.attention_norm = nn.LayerNorm(config.width)
        self.up, self.down = _linear(config.width, config.mlp_width), _linear(config.mlp_width, config.width)
        self.mlp_norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, places: Tensor, key: Tensor, value: Tensor, token_mask: Tensor) -> Tensor:
        """Map ``x [B, N, width]`` to the same shape; tokens outside ``token_mask [B, N]`` are not read."""
        query = _heads(self.query(x + places), self.heads)
        left_out = self.dropout.p if self.training else 0.0
        read = functional.scaled_dot_product_attention(query, key, value, token_mask[:, None, None], left_out)
        x = self.attention_norm(x + self.dropout(self.out(read.transpose(1, 2).flatten(-2))))
        mixed: Tensor = self.mlp_norm(x + self.dropout(self.down(self.dropout(self.up(x).relu()))))
        return mixed


class SpecialistBackbone(nn.Module):
    """See the module; tokens are the words, then the images camera by camera, row by row."""

    image_places: Tensor

    def __init__(self, config: SpecialistConfig) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = InstructionTokenizer(config.instructions)
        self.resnet = Resnet18()
        self.image_in = nn.Conv2d(CHANNELS, config.width, 1)
        self.word = nn.Embedding(len(self.tokenizer.words) + 1, config.width, padding_idx=PADDING)
        self.word_place = nn.Parameter(torch.randn(self.tokenizer.length, config.width))
        self.camera_place = nn.Parameter(torch.randn(config.cameras, config.width))
        rows, columns = config.image_height // REDUCTION, config.image_width // REDUCTION
        self.register_buffer("image_places", sinusoidal_places(rows, columns, config.width), persistent=False)
        self.key_values = nn.ModuleList(KeyValues(config) for _ in range(config.layers))
        # What the last layer makes of its keys and values would reach no one.
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers - 1))

    def encode(self, instruction: str) -> Tensor:
        """Return an instruction's word ids, int64 ``[words]``.

        Raises:
            InstructionError: the backbone does not know it.
        """
        return self.tokenizer.encode(instruction)

    def look(self, images: Tensor, words: Tensor) -> Seen:
        """As ``forward``, which see; the name that every backbone has for it."""
        seen: Seen = self(images, words)
        return seen

    def forward(self, images: Tensor, words: Tensor) -> Seen:
        """Look at ``images [B, cameras, H, W, 3]`` (uint8, RGB) under ``words [B, length]`` (ids).

        Keys and values carry gradient to everything that is trained, so that an action loss can train it.

        Raises:
            ImageError: the images have another size or type.
        """
        config = self.config
        check_images(images, config.cameras, config.image_height, config.image_width)
        features = self.image_in(self.resnet(images.flatten(0, 1)))  # [B * cameras, width, rows, columns]
        image_tokens = features.flatten(2).transpose(1, 2).unflatten(0, (-1, config.cameras)).flatten(1, 2)
        x = torch.cat((self.word(words), image_tokens), 1)
        spoken = words != PADDING
        token_mask = torch.cat((spoken, spoken.new_ones(image_tokens.shape[:2])), 1)
        places = self._places()
        made = [self.key_values[0](x, places)]
        for layer, key_values in zip(self.layers, self.key_values[1:], strict=True):
            x = layer(x, places, *made[-1], token_mask)
            made.append(key_values(x, places))
        keys, values = zip(*made, strict=True)
        return Seen(torch.stack(keys), torch.stack(values), token_mask)

    def _places(self) -> Tensor:
        """Return what tells the tokens apart, ``[N, width]``: the n-th word, or a place in the image of a camera."""
        of_images = (self.image_places + self.camera_place[:, None]).flatten(0, 1)
        return torch.cat((self.word_place, of_images))


def sinusoidal_places(rows: int, columns: int, width: int) -> Tensor:
    """Return sines and cosines of row and column, ``[rows * columns, width]``, row by row.

    Half of the width tells the row, half the column. Both run to 2π over the image, whatever its size, at frequencies
    from 1 down to 1/10000 (DETR, arXiv 2005.12872).
    """
    exponents = torch.arange(0, width // 2, 2, dtype=torch.float64) / (width // 2)

    def waves(count: int) -> Tensor:
        positions = torch.arange(1, count + 1, dtype=torch.float64) * (2 * math.pi / count)
        angles = positions[:, None] * torch.pow(10_000.0, -exponents)
        return torch.stack((angles.sin(), angles.cos()), -1).flatten(-2)  # [count, width / 2]

    places = torch.cat((waves(rows)[:, None].expand(-1, columns, -1), waves(columns)[None].expand(rows, -1, -1)), -1)
    return places.flatten(0, 1).float()


def _linear(inputs: int, outputs: int) -> nn.Linear:
    linear = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


def _heads(x: Tensor, heads: int) -> Tensor:
    """Turn ``x [B, N, heads * D]`` into ``[B, heads, N, D]``."""
    return x.view(*x.shape[:-1], heads, -1).transpose(1, 2)
