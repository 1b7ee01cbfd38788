"""The bridge between image messages and numpy arrays [height, width] or [height, width, channel]."""

import array
import io
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .yuv import brightness, is_yuv, to_rgb

Image = NDArray[Any]

_COLORS = {"rgb": "RGB", "bgr": "BGR", "rgba": "RGBA", "bgra": "BGRA", "mono": "Y"}
"""Order of the channels by the name of a colour encoding, without its depth."""

_GRAY_WEIGHTS = np.array([4899, 9617, 1868], dtype=np.uint32)
"""Red, green and blue in grey, times 2**14: 0.299, 0.587, 0.114 (ITU-R BT.601)."""

_DEPTHS = {"8U": "u1", "8S": "i1", "16U": "u2", "16S": "i2", "32S": "i4", "32F": "f4", "64F": "f8"}
_DEPTH_BITS = 3
"""OpenCV 4's number of a type has the place in ``_DEPTHS`` in the lowest bits, then the channels less one."""

_DEPTH_NAMES = {np.dtype(code): name for name, code in _DEPTHS.items()}


class CvBridgeError(TypeError):
    """An image cannot be converted."""


class CvBridge:
    """Converts images; holds no state."""

    def encoding_to_dtype_with_channels(self, encoding: str) -> tuple[str, int]:
        """Return numpy's name of the type of a pixel's channels, and how many there are.

        Raises:
            CvBridgeError: the encoding is unknown.
        """
        dtype, channels = _layout(encoding)
        return dtype.name, channels

    def dtype_with_channels_to_cvtype2(self, dtype: np.dtype[Any], n_channels: int) -> str:
        """Return OpenCV's name of a pixel's type, as in ``8UC3``."""
        return f"{_DEPTH_NAMES[np.dtype(dtype.name)]}C{n_channels}"

    def encoding_to_cvtype2(self, encoding: str) -> int:
        """Return OpenCV's number of the type of a pixel, as ``cv2.CV_8UC3``.

        Raises:
            CvBridgeError: the encoding is unknown.
        """
        dtype, channels = _layout(encoding)
        return list(_DEPTHS).index(_DEPTH_NAMES[dtype]) + ((channels - 1) << _DEPTH_BITS)

    def cvtype2_to_dtype_with_channels(self, cvtype: int) -> tuple[str, int]:
        """Return what :meth:`encoding_to_dtype_with_channels` does, for OpenCV's number."""
        depths = list(_DEPTHS.values())
        return np.dtype(depths[cvtype & ((1 << _DEPTH_BITS) - 1)]).name, (cvtype >> _DEPTH_BITS) + 1

    def imgmsg_to_cv2(self, img_msg: Any, desired_encoding: str = "passthrough") -> Image:
        """Return the pixels of a ``sensor_msgs/Image``.

        Args:
            img_msg: the message.
            desired_encoding: how they are wanted; ``passthrough`` for as they are, and without a copy.

        Raises:
            CvBridgeError: an encoding is unknown, the conversion is not possible, or there are too few bytes.
        """
        dtype, channels = _layout(img_msg.encoding)
        row = img_msg.width * channels * dtype.itemsize
        if img_msg.step < row:
            raise CvBridgeError(f"a row has {img_msg.step} bytes, {row} are needed for '{img_msg.encoding}'")
        flat = np.frombuffer(img_msg.data, dtype=np.uint8)
        if flat.size < img_msg.height * img_msg.step:
            raise CvBridgeError(f"there are {flat.size} bytes for {img_msg.height} rows of {img_msg.step}")
        rows = flat[: img_msg.height * img_msg.step].reshape(img_msg.height, img_msg.step)[:, :row]
        if dtype.itemsize > 1 and img_msg.step % dtype.itemsize:
            rows = np.ascontiguousarray(rows)
        image = rows.view(dtype.newbyteorder(">" if img_msg.is_bigendian else "<"))
        if channels > 1:
            image = image.reshape(img_msg.height, img_msg.width, channels)
        if dtype.itemsize > 1 and bool(img_msg.is_bigendian) != (sys.byteorder == "big"):
            image = image.astype(dtype)
        return _convert(image, img_msg.encoding, desired_encoding)

    def cv2_to_imgmsg(self, cvim: Image, encoding: str = "passthrough", header: Any = None) -> Any:
        """Return pixels as ``sensor_msgs/Image``.

        Args:
            cvim: the pixels.
            encoding: what they are; ``passthrough`` names them by their type alone, as in ``8UC3``.
            header: header of the message.

        Raises:
            TypeError: ``cvim`` is not an array.
            CvBridgeError: the encoding is unknown, or the array has another type or number of channels.
        """
        from sensor_msgs.msg import Image as ImageMessage

        if not isinstance(cvim, np.ndarray):
            raise TypeError("Your input type is not a numpy array")
        if cvim.ndim not in (2, 3):
            raise CvBridgeError(f"an image has 2 or 3 dimensions, not {cvim.ndim}")
        channels = cvim.shape[2] if cvim.ndim == 3 else 1
        native = cvim.dtype.newbyteorder("=")
        if native not in _DEPTH_NAMES:
            raise CvBridgeError(f"pixels of type {cvim.dtype} have no encoding")
        if encoding == "passthrough":
            encoding = f"{_DEPTH_NAMES[native]}C{channels}"
        elif _layout(encoding) != (native, channels):
            raise CvBridgeError(
                f"encoding specified as {encoding}, but image has incompatible type {native}C{channels}"
            )
        message = ImageMessage(height=cvim.shape[0], width=cvim.shape[1], encoding=encoding)
        if header is not None:
            message.header = header
        message.is_bigendian = int(sys.byteorder == "big")
        message.step = cvim.shape[1] * channels * native.itemsize
        message.data = _bytes_of(np.ascontiguousarray(cvim, dtype=native))
        return message

    def compressed_imgmsg_to_cv2(self, cmprs_img_msg: Any, desired_encoding: str = "passthrough") -> Image:
        """Return the pixels of a ``sensor_msgs/CompressedImage``; ``bgr8`` if it is coloured, as OpenCV has it.

        Raises:
            CvBridgeError: the bytes are no image.
        """
        from PIL import Image as Pillow
        from PIL import UnidentifiedImageError

        try:
            with Pillow.open(io.BytesIO(memoryview(cmprs_img_msg.data))) as picture:
                is_gray = picture.mode in ("L", "1", "I", "I;16")
                pixels = np.asarray(
                    picture if picture.mode in ("L", "I;16") else picture.convert("L" if is_gray else "RGB")
                )
        except (UnidentifiedImageError, OSError, ValueError) as error:
            raise CvBridgeError(f"the compressed image cannot be read: {error}") from error
        present = ("mono16" if pixels.dtype.itemsize == 2 else "mono8") if is_gray else "rgb8"
        wanted = desired_encoding
        if wanted == "passthrough":
            wanted = present if is_gray else "bgr8"
        return _convert(pixels, present, wanted)

    def cv2_to_compressed_imgmsg(self, cvim: Image, dst_format: str = "jpg") -> Any:
        """Return pixels (``bgr8`` or ``mono8``, as OpenCV has them) as ``sensor_msgs/CompressedImage``.

        Args:
            cvim: the pixels.
            dst_format: ``jpg``, ``jpeg``, ``png``, ``bmp``, ``tiff`` or ``webp``.

        Raises:
            TypeError: ``cvim`` is not an array.
            CvBridgeError: the format is unknown or cannot hold the pixels.
        """
        from PIL import Image as Pillow
        from sensor_msgs.msg import CompressedImage

        if not isinstance(cvim, np.ndarray):
            raise TypeError("Your input type is not a numpy array")
        pixels = _reorder(cvim, "BGRA"[: cvim.shape[2]], "RGBA"[: cvim.shape[2]]) if cvim.ndim == 3 else cvim
        out = io.BytesIO()
        try:
            Pillow.fromarray(np.ascontiguousarray(pixels)).save(out, {"jpg": "jpeg"}.get(dst_format, dst_format))
        except (KeyError, OSError, TypeError) as error:
            raise CvBridgeError(f"the image cannot be written as '{dst_format}': {error}") from error
        return CompressedImage(format=dst_format, data=out.getvalue())


def _layout(encoding: str) -> tuple[np.dtype[Any], int]:
    """Return the type of a channel and the number of channels."""
    color = encoding.rstrip("0123456789")
    if color in _COLORS and encoding[len(color) :] in ("8", "16"):
        return np.dtype("u1" if encoding.endswith("8") else "u2"), len(_COLORS[color])
    if encoding.startswith("bayer_") and encoding[-1:] in ("8", "6"):
        return np.dtype("u1" if encoding.endswith("8") else "u2"), 1
    if is_yuv(encoding):
        return np.dtype("u1"), 2
    depth, separator, channels = encoding.partition("C")
    if depth in _DEPTHS and (not separator or channels.isdecimal()):
        return np.dtype(_DEPTHS[depth]), int(channels or 1)
    raise CvBridgeError(f"Unrecognized image encoding [{encoding}]")


def _convert(image: Image, present: str, wanted: str) -> Image:
    if wanted in ("passthrough", present):
        return image
    have, want = present.rstrip("0123456789"), wanted.rstrip("0123456789")
    if is_yuv(present) and want in _COLORS:
        if want == "mono":
            return _change_depth(brightness(image, present), _layout(wanted)[0])
        image, have = to_rgb(image, present), "rgb"
    if have not in _COLORS or want not in _COLORS:
        if _layout(present) == _layout(wanted):
            return image
        if have in _COLORS:
            raise CvBridgeError(
                f"[{present}] is a color format but [{wanted}] is not so they must have the same OpenCV type, "
                "CV_8UC3, CV16UC1 ...."
            )
        if want not in _COLORS:
            raise CvBridgeError(f"[{present}] and [{wanted}] do not have the same type of pixels")
        raise CvBridgeError(f"[{present}] is not a color format. but [{wanted}] is. The conversion does not make sense")
    dtype, _ = _layout(wanted)
    return _change_depth(_reorder(image, _COLORS[have], _COLORS[want]), dtype)


def _change_depth(image: Image, dtype: np.dtype[Any]) -> Image:
    if image.dtype == dtype:
        return image
    if dtype.itemsize == 2:
        widened: Image = image.astype(dtype) * dtype.type(257)
        return widened
    narrowed: Image = np.rint(image / 257.0).astype(dtype)
    return narrowed


def _reorder(image: Image, have: str, want: str) -> Image:
    """Bring channels into another order; grey is weighted, missing opacity is full."""
    if have == want:
        return image
    if want == "Y":
        rgb = image[..., [have.index(channel) for channel in "RGB"]].astype(np.uint32)
        return ((rgb @ _GRAY_WEIGHTS + (1 << 13)) >> 14).astype(image.dtype)
    out = np.empty((*image.shape[:2], len(want)), dtype=image.dtype)
    for index, channel in enumerate(want):
        if channel in have:
            out[..., index] = image[..., have.index(channel)]
        else:
            out[..., index] = np.iinfo(image.dtype).max if channel == "A" else image
    return out


def _bytes_of(pixels: Image) -> "array.array[int]":
    data = array.array("B")
    data.frombytes(pixels.reshape(-1).view(np.uint8).data)
    return data
