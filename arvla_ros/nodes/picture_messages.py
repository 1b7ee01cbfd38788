"""Camera messages against what the checkpoint was trained on: refused with the exact difference, or turned into RGB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt
from cv_bridge import CvBridge
from sensor_msgs.msg import CompressedImage, Image

from arvla_ros.robots.contract import Camera

BYTES_PER_PIXEL = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "yuv422": 2, "uyvy": 2, "yuv422_yuy2": 2, "yuyv": 2}
"""The encodings with colour, and a known order of it, that cv_bridge makes RGB of."""

_ENDS = {b"\xff\xd8": b"\xff\xd9", b"\x89PNG": b"IEND"}
"""How JPEG and PNG begin and end; OpenCV fills up with grey what was cut off, instead of an error."""
_LONGEST_END = 64

Picture = npt.NDArray[np.uint8]


class PictureError(ValueError):
    """A picture that cannot be looked at; one line with what was expected and found."""


class PictureReader(Protocol):
    """Reads one kind of camera message."""

    message_type: type

    def check(self, message: Image | CompressedImage) -> None:
        """Raise ``PictureError`` if the message cannot be used; looks at no pixel, so it costs nothing."""

    def rgb(self, message: Image | CompressedImage) -> Picture:
        """Return the picture ``[H, W, 3]`` of a message that was checked.

        Raises:
            PictureError: it cannot be read after all.
        """


class RawPictures:
    """Reads sensor_msgs/Image of one camera."""

    message_type = Image

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._bridge = CvBridge()

    def check(self, message: Image) -> None:
        """Check encoding, size and the number of bytes."""
        if message.encoding not in BYTES_PER_PIXEL:
            raise PictureError(
                f"its encoding is {message.encoding[:20]!r}, this node takes {', '.join(BYTES_PER_PIXEL)}; "
                "set the camera driver's pixel format"
            )
        _check_size(self._camera, message.width, message.height)
        row = message.width * BYTES_PER_PIXEL[message.encoding]
        if message.step < row or len(message.data) != message.height * message.step:
            raise PictureError(
                f"it has {len(message.data)} bytes in rows of {message.step}, {message.width}x{message.height} "
                f"{message.encoding} needs {message.height} rows of at least {row}"
            )

    def rgb(self, message: Image) -> Picture:
        """Return the picture ``[H, W, 3]``."""
        return _converted(lambda: self._bridge.imgmsg_to_cv2(message, "rgb8"))


class CompressedPictures:
    """Reads sensor_msgs/CompressedImage, JPEG or PNG, of one camera."""

    message_type = CompressedImage

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._bridge = CvBridge()

    def check(self, message: CompressedImage) -> None:
        """Check that there are bytes from beginning to end, and that the picture is said to have colour."""
        if not message.data:
            raise PictureError(f"it is empty ({message.format[:40]!r})")
        head, tail = bytes(message.data[:4]), bytes(message.data[-_LONGEST_END:])
        if any(head.startswith(begin) and end not in tail for begin, end in _ENDS.items()):
            raise PictureError(f"it is cut off after {len(message.data)} bytes")
        if message.format.startswith("mono"):
            raise PictureError(f"its format is {message.format[:40]!r}, without colour; the checkpoint sees colours")

    def rgb(self, message: CompressedImage) -> Picture:
        """Return the picture ``[H, W, 3]``, decompressed."""
        picture = _converted(lambda: self._bridge.compressed_imgmsg_to_cv2(message, "rgb8"))
        _check_size(self._camera, picture.shape[1], picture.shape[0])
        return picture


def reader_of(topic: str, camera: Camera) -> PictureReader:
    """Return what reads the messages of a topic: compressed ones where its name ends in ``/compressed``."""
    return CompressedPictures(camera) if topic.endswith("/compressed") else RawPictures(camera)


def _check_size(camera: Camera, width: int, height: int) -> None:
    if (width, height) != (camera.width, camera.height):
        raise PictureError(
            f"it is {width}x{height}, the checkpoint's camera {camera.name!r} is {camera.width}x{camera.height}; "
            "set the camera driver's image size"
        )


def _converted(convert: Callable[[], Picture]) -> Picture:
    try:
        picture = np.asarray(convert())
    except Exception as error:
        # cv_bridge lets OpenCV's errors through, which have no base that is known here.
        raise PictureError(f"it cannot be read: {error}") from error
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise PictureError(f"it is {picture.dtype} {list(picture.shape)}, not 8-bit RGB")
    return picture
