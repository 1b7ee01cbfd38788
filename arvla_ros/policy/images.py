"""Camera images to what a vision tower takes, by tensor operations on the device that holds them.

The image keeps its aspect and is padded in black, as π0-family policies were trained (openpi ``resize_with_pad``):
an arm seen by a 4:3 camera would otherwise be stretched by a third, and an angle on the image be another in the world.
The other way, PaliGemma's own processor, squeezes every image to a square; where
the image is square both do the same.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


class ImageError(ValueError):
    """Images that a backbone cannot take; one line with what was expected and found."""


def check_images(images: Tensor, cameras: int, height: int, width: int) -> None:
    """Check that images are uint8 ``[B, cameras, height, width, 3]``; looks at no value, so it costs no wait.

    Raises:
        ImageError: another shape or dtype.
    """
    if images.dtype != torch.uint8 or images.ndim != 5 or list(images.shape[1:]) != [cameras, height, width, 3]:
        raise ImageError(
            f"images must be uint8 [batch, {cameras}, {height}, {width}, 3] in RGB, "
            f"got {str(images.dtype).removeprefix('torch.')} {list(images.shape)}"
        )


def letterbox(images: Tensor, size: int) -> Tensor:
    """Fit images into a square, aspect preserved, bilinear with antialiasing, centred on black, in [-1, 1].

    Args:
        images: ``[n, H, W, 3]`` uint8, RGB.
        size: pixels along the edge of the square.

    Returns:
        ``[n, 3, size, size]`` float32; -1 is black, 1 is full.
    """
    pixels = images.permute(0, 3, 1, 2).float()
    height, width = pixels.shape[2:]
    shrink = max(height, width) / size
    # A thousandth guards against 223.999…, an image of an extreme shape keeps a line of pixels.
    fitted = [max(1, int(edge / shrink + 1e-3)) for edge in (height, width)]
    if fitted != [height, width]:
        pixels = functional.interpolate(pixels, fitted, mode="bilinear", align_corners=False, antialias=True)
    top, left = (size - fitted[0]) // 2, (size - fitted[1]) // 2
    borders = (left, size - fitted[1] - left, top, size - fitted[0] - top)
    return functional.pad(pixels / 127.5 - 1, borders, value=-1.0)
