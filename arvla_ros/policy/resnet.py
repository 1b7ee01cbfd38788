"""ResNet-18 up to its last feature map, as ACT uses it: batch normalisation frozen, everything else trained.

The network is Hugging Face's ``ResNetModel`` and so are its weights' names, so ``microsoft/resnet-18``, or any folder
that ``save_pretrained`` wrote, can be its start.

Sources: He et al., arXiv 1512.03385; frozen normalisation as in Zhao et al. (ACT), arXiv 2304.13705.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import ResNetConfig, ResNetModel

from arvla_ros.policy.pretrained import PretrainedError, find_pretrained, read_config
from arvla_ros.policy.tensor_files import TensorFiles

REDUCTION = 32
"""Pixels along the edge of one place of the feature map."""
CHANNELS = 512
"""Channels of the feature map."""

_SHAPE: dict[str, Any] = {
    "num_channels": 3,
    "embedding_size": 64,
    "hidden_sizes": [64, 128, 256, CHANNELS],
    "depths": [2, 2, 2, 2],
    "layer_type": "basic",
    "hidden_act": "relu",
    "downsample_in_first_stage": False,
}
# Of the images that all public weights were trained on (ImageNet), of pixels from 0 to 255, red first.
_PIXEL_MEAN = (123.675, 116.28, 103.53)
_PIXEL_STD = (58.395, 57.12, 57.375)


class FrozenBatchNorm(nn.Module):
    """Batch normalisation by given statistics: no batch moves them, and neither gain nor bias is trained.

    Images of one robot in one room, a few at a time, are no sample to take statistics from. It starts as a copy of
    ``norm``.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, getattr(norm, name).detach().clone())
        self.eps = norm.eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x [B, C, H, W]`` channel by channel."""
        return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


class Resnet18(nn.Module):
    """From images to the feature map of 1/32 of their size; random weights until ``load_resnet18``."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self) -> None:
        super().__init__()
        model = ResNetModel(ResNetConfig(**_SHAPE))
        _freeze_batch_norms(model)
        self.embedder, self.encoder = model.embedder, model.encoder
        self.register_buffer("pixel_mean", torch.tensor(_PIXEL_MEAN), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(_PIXEL_STD), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Turn ``images [B, H, W, 3]`` (uint8, RGB) into features ``[B, 512, H / 32, W / 32]``."""
        pixels = (images.to(self.pixel_mean.dtype) - self.pixel_mean) / self.pixel_std
        # Channels stay last in memory, which convolutions like best; only their axis moves.
        features: Tensor = self.encoder(self.embedder(pixels.permute(0, 3, 1, 2))).last_hidden_state
        return features


@dataclass(frozen=True)
class PretrainedResnet:
    """Weights of a ResNet-18 for ``Resnet18.load_state_dict``.

    Attributes:
        source: the folder or hub id that they are from.
        weights: by the names of ``Resnet18``, float32.
        unused: names of the tensors there that have no place here: the classifier, counters of batches.
    """

    source: str
    weights: dict[str, Tensor]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        return f"ResNet-18 from {self.source}: {len(self.weights)} tensors taken; not used: {', '.join(self.unused)}"


def load_resnet18(source: str | Path) -> PretrainedResnet:
    """Read the weights of a ResNet-18 in Hugging Face's format: ``config.json`` and ``model.safetensors``.

    Args:
        source: a folder, or a hub id such as ``microsoft/resnet-18``; of the latter, what is cached is used without a
            connection, and only what is not is downloaded.

    Raises:
        PretrainedError: there is nothing at ``source``, or it is another network.
        TensorFileError: a tensor is missing, damaged, of another shape or not finite.
    """
    folder = find_pretrained(str(source))
    # A config.json leaves out what is as by default.
    config = {**ResNetConfig().to_dict(), "model_type": None, **read_config(folder)}
    for name, expected in {"model_type": "resnet", **_SHAPE}.items():
        if config[name] != expected:
            raise PretrainedError(
                f"pretrained model {source}: {name} is {config[name]!r}, a ResNet-18 has {expected!r}; "
                "give one such as microsoft/resnet-18"
            )
    files = TensorFiles(folder)
    # A classifier keeps its network under a name of its own.
    prefix = "resnet." if any(name.startswith("resnet.") for name in files.shapes) else ""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in Resnet18().state_dict().items()}
    for name, shape in shapes.items():
        files.check_shape(prefix + name, shape)
    weights = {name: files.read(prefix + name) for name in shapes}
    unused = sorted(set(files.shapes).difference(prefix + name for name in shapes))
    return PretrainedResnet(str(source), weights, tuple(unused))


def _freeze_batch_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, FrozenBatchNorm(child))
        else:
            _freeze_batch_norms(child)
