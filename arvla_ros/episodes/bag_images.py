"""Images of bags as RGB arrays, without ROS: what the nodes take through cv_bridge. Data may be rclpy's or numpy's."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from arvla_ros.episodes.layout import DatasetError

# Encodings of sensor_msgs/image_encodings.hpp: bytes a pixel, and which of them are red, green and blue.
_CHANNELS = {
    "rgb8": (3, (0, 1, 2)),
    "bgr8": (3, (2, 1, 0)),
    "rgba8": (4, (0, 1, 2)),
    "bgra8": (4, (2, 1, 0)),
    "mono8": (1, (0, 0, 0)),
}


def to_rgb(message: Any) -> npt.NDArray[np.uint8]:
    """Return a sensor_msgs Image or CompressedImage as ``[H, W, 3]`` uint8.

    Raises:
        DatasetError: the encoding is none of these, or the data are cut off.
    """
    if hasattr(message, "format"):
        try:
            return np.asarray(Image.open(io.BytesIO(bytes(message.data))).convert("RGB"))
        except (UnidentifiedImageError, OSError) as error:
            raise DatasetError(f"compressed image of format {message.format!r} cannot be decoded: {error}") from error
    if message.encoding not in _CHANNELS:
        raise DatasetError(f"image encoding {message.encoding!r} is none of {', '.join(_CHANNELS)}")
    channels, order = _CHANNELS[message.encoding]
    height, width, step = int(message.height), int(message.width), int(message.step)
    if step < width * channels or len(message.data) < height * step:
        raise DatasetError(
            f"image of {width}x{height} {message.encoding} has rows of {step} bytes, {len(message.data)} bytes in all"
        )
    rows = np.frombuffer(message.data, np.uint8)[: height * step].reshape(height, step)[:, : width * channels]
    rgb: npt.NDArray[np.uint8] = rows.reshape(height, width, channels)[:, :, list(order)]
    return rgb
