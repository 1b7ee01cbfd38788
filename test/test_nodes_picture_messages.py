"""From camera messages to RGB: the right colours, and for everything else one error that says what differs."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from cv_bridge import CvBridge
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage, Image

from arvla_ros.nodes.picture_messages import BYTES_PER_PIXEL, PictureError, reader_of
from arvla_ros.robots.contract import Camera

CAMERA = Camera("side", "/side/image_raw", 6, 4)
RAW, COMPRESSED = reader_of("/side/image_raw", CAMERA), reader_of("/side/image_raw/compressed", CAMERA)
# A red picture in each encoding.
RED = {
    "rgb8": (200, 30, 60),
    "bgr8": (60, 30, 200),
    "rgba8": (200, 30, 60, 255),
    "bgra8": (60, 30, 200, 255),
}
numbers = st.one_of(st.integers(0, 2**32 - 1), st.sampled_from([0, 4, 6, 12, 18, 24]))


def picture(encoding: str, height: int = 4, width: int = 6) -> Image:
    pixels = np.tile(np.array(RED[encoding], dtype=np.uint8), (height, width, 1))
    return CvBridge().cv2_to_imgmsg(pixels, encoding)


def read(message: Image | CompressedImage) -> np.ndarray:
    reader = RAW if isinstance(message, Image) else COMPRESSED
    reader.check(message)
    return reader.rgb(message)


@pytest.mark.parametrize("encoding", RED)
def test_red_is_red_in_every_encoding(encoding):
    rgb = read(picture(encoding))
    assert rgb.shape == (4, 6, 3)
    assert (rgb == RED["rgb8"]).all()


@pytest.mark.parametrize(("encoding", "brightness_first"), [("yuv422", False), ("yuv422_yuy2", True)])
def test_yuv_is_read_in_its_order(encoding, brightness_first):
    bright, neutral = np.full((4, 6), 235, dtype=np.uint8), np.full((4, 6), 128, dtype=np.uint8)
    pair = (bright, neutral) if brightness_first else (neutral, bright)
    message = CvBridge().cv2_to_imgmsg(np.stack(pair, axis=-1), "8UC2")
    message.encoding = encoding
    assert (read(message) >= 254).all()


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_compressed_pictures_keep_their_colours(kind):
    pixels = np.tile(np.array(RED["bgr8"], dtype=np.uint8), (4, 6, 1))
    rgb = read(CvBridge().cv2_to_compressed_imgmsg(pixels, kind))
    assert np.abs(rgb.astype(int) - RED["rgb8"]).max() <= 4


def test_rows_may_be_padded():
    message = picture("rgb8")
    rows = np.frombuffer(bytes(message.data), dtype=np.uint8).reshape(4, 18)
    message.step, message.data = 20, np.pad(rows, ((0, 0), (0, 2))).tobytes()
    assert (read(message) == RED["rgb8"]).all()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"encoding": "mono8"}, "its encoding is 'mono8', this node takes rgb8, bgr8, rgba8, bgra8, yuv422"),
        ({"encoding": "bayer_rggb8"}, "its encoding is 'bayer_rggb8'"),
        ({"encoding": ""}, "its encoding is ''"),
        ({"width": 12}, "it is 12x4, the checkpoint's camera 'side' is 6x4; set the camera driver's image size"),
        ({"height": 0}, "it is 6x0, the checkpoint's camera 'side' is 6x4"),
        ({"step": 17}, "it has 72 bytes in rows of 17, 6x4 rgb8 needs 4 rows of at least 18"),
        ({"encoding": "rgba8"}, "it has 72 bytes in rows of 18, 6x4 rgba8 needs 4 rows of at least 24"),
        ({"data": b""}, "it has 0 bytes in rows of 18"),
        ({"data": b"\0" * 100}, "it has 100 bytes in rows of 18"),
    ],
)
def test_a_raw_image_that_differs_is_refused_with_the_difference(changes, error):
    message = picture("rgb8")
    for name, value in changes.items():
        setattr(message, name, value)
    with pytest.raises(PictureError, match=error):
        read(message)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"data": b""}, r"it is empty \('jpg'\)"),
        ({"format": "mono8; jpeg compressed "}, "its format is 'mono8; jpeg compressed ', without colour"),
        ({"data": b"\xff\xd8" + b"\1" * 98}, "it is cut off after 100 bytes"),
        ({"data": b"\x89PNG" + b"\1" * 98}, "it is cut off after 102 bytes"),
        ({"data": b"neither of them"}, "it cannot be read: "),
    ],
)
def test_a_compressed_image_that_is_none_is_refused_with_the_reason(changes, error):
    message = CvBridge().cv2_to_compressed_imgmsg(np.zeros((4, 6, 3), dtype=np.uint8))
    for name, value in changes.items():
        setattr(message, name, value)
    with pytest.raises(PictureError, match=error):
        read(message)


def test_a_compressed_image_of_another_size_is_refused_with_the_difference():
    with pytest.raises(PictureError, match="it is 12x8, the checkpoint's camera 'side' is 6x4"):
        read(CvBridge().cv2_to_compressed_imgmsg(np.zeros((8, 12, 3), dtype=np.uint8)))


@given(st.sampled_from([*BYTES_PER_PIXEL, "smell8"]), numbers, numbers, numbers, st.binary(max_size=100))
def test_whatever_a_raw_message_holds_it_is_read_at_the_right_size_or_refused(encoding, width, height, step, data):
    message = Image(encoding=encoding, width=width, height=height, step=step)
    message.data = data
    with contextlib.suppress(PictureError):
        assert read(message).shape == (4, 6, 3)


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(1, 255))
def test_whatever_a_compressed_message_holds_it_is_read_at_the_right_size_or_refused(data, place, change):
    whole = CvBridge().cv2_to_compressed_imgmsg(np.zeros((4, 6, 3), dtype=np.uint8), "png")
    damaged = bytearray(bytes(whole.data))
    damaged[place % len(damaged)] ^= change
    for content in (data, bytes(damaged)):
        message = CompressedImage(format="png")
        message.data = content
        with contextlib.suppress(PictureError):
            assert read(message).shape == (4, 6, 3)
