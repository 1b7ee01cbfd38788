"""Images in which two neighbouring pixels share their colour: YUV 4:2:2, by ITU-R BT.601 in studio range."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ORDERS = {"yuv422": (1, 0), "uyvy": (1, 0), "yuv422_yuy2": (0, 1), "yuyv": (0, 1)}
"""By encoding: where in a pixel's two bytes the brightness is, and where the colour."""

_SHIFT = 20
_Y, _RED_V, _GREEN_U, _GREEN_V, _BLUE_U = 1220542, 1673527, -409993, -852492, 2116026
"""The conversion's factors 1.164, 1.596, -0.391, -0.813 and 2.018, times 2**20."""


def is_yuv(encoding: str) -> bool:
    """Whether this is an encoding of such images."""
    return encoding in _ORDERS


def brightness(image: NDArray[Any], encoding: str) -> NDArray[Any]:
    """Return the brightness [height, width] of an image [height, width, 2]."""
    return np.ascontiguousarray(image[..., _ORDERS[encoding][0]])


def to_rgb(image: NDArray[Any], encoding: str) -> NDArray[Any]:
    """Return the red, green and blue [height, width, 3] of an image [height, width, 2] of even width."""
    at_y, at_color = _ORDERS[encoding]
    y = np.maximum(image[..., at_y].astype(np.int32) - 16, 0) * _Y + (1 << (_SHIFT - 1))
    color = image[..., at_color].astype(np.int32) - 128
    u, v = np.repeat(color[:, 0::2], 2, axis=1), np.repeat(color[:, 1::2], 2, axis=1)
    rgb = np.stack([y + _RED_V * v, y + _GREEN_U * u + _GREEN_V * v, y + _BLUE_U * u], axis=-1) >> _SHIFT
    clipped: NDArray[Any] = np.clip(rgb, 0, 255).astype(np.uint8)
    return clipped
