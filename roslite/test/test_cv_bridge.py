"""Images between messages and arrays."""

import array

import numpy as np
import pytest
from cv_bridge import CvBridge, CvBridgeError
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

BRIDGE = CvBridge()
COLORS = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
SMOOTH = np.stack(np.broadcast_arrays(*np.ogrid[0:48, 0:64], np.full((1, 1), 99)), axis=-1).astype(np.uint8)


@given(
    st.sampled_from(["uint8", "int8", "uint16", "int16", "int32", "float32", "float64"]),
    st.integers(1, 4),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_arrays_come_back_as_they_were(dtype: str, channels: int, height: int, width: int) -> None:
    shape = (height, width, channels) if channels > 1 else (height, width)
    pixels = np.random.default_rng(1).integers(0, 100, shape).astype(dtype)
    back = BRIDGE.imgmsg_to_cv2(BRIDGE.cv2_to_imgmsg(pixels))
    assert back.dtype == pixels.dtype
    assert np.array_equal(back, pixels)


def test_message_says_what_it_holds() -> None:
    message = BRIDGE.cv2_to_imgmsg(COLORS, encoding="rgb8", header=Header(frame_id="camera"))
    assert (message.height, message.width, message.step) == (48, 64, 192)
    assert (message.encoding, message.header.frame_id) == ("rgb8", "camera")
    assert message.data == array.array("B", COLORS.tobytes())
    assert BRIDGE.cv2_to_imgmsg(COLORS).encoding == "8UC3"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("passthrough", COLORS),
        ("rgb8", COLORS),
        ("bgr8", COLORS[..., ::-1]),
        ("rgba8", np.dstack([COLORS, np.full((48, 64), 255, dtype=np.uint8)])),
        ("bgra8", np.dstack([COLORS[..., ::-1], np.full((48, 64), 255, dtype=np.uint8)])),
    ],
)
def test_channels_change_places(wanted: str, expected: np.ndarray) -> None:
    assert np.array_equal(BRIDGE.imgmsg_to_cv2(BRIDGE.cv2_to_imgmsg(COLORS, "rgb8"), wanted), expected)


def test_grey_is_weighted_as_the_eye_does() -> None:
    grey = BRIDGE.imgmsg_to_cv2(BRIDGE.cv2_to_imgmsg(COLORS, "rgb8"), "mono8")
    assert np.abs(grey - COLORS @ [0.299, 0.587, 0.114]).max() <= 0.51
    assert np.array_equal(BRIDGE.imgmsg_to_cv2(BRIDGE.cv2_to_imgmsg(grey, "mono8"), "bgr8"), np.dstack([grey] * 3))


def test_no_copy_is_made_without_need() -> None:
    message = BRIDGE.cv2_to_imgmsg(COLORS, "rgb8")
    BRIDGE.imgmsg_to_cv2(message)[0, 0] = [1, 2, 3]
    assert message.data[:3] == array.array("B", [1, 2, 3])


def test_rows_may_be_padded() -> None:
    padded = np.zeros((48, 200), dtype=np.uint8)
    padded[:, :192] = COLORS.reshape(48, 192)
    message = Image(height=48, width=64, encoding="rgb8", step=200, data=padded.tobytes())
    assert np.array_equal(BRIDGE.imgmsg_to_cv2(message), COLORS)


def test_big_endian_depth_images_are_read() -> None:
    depth = np.arange(12, dtype=np.uint16).reshape(3, 4) * 1000
    data = depth.astype(">u2").tobytes()
    message = Image(height=3, width=4, encoding="16UC1", step=8, is_bigendian=1, data=data)
    assert np.array_equal(BRIDGE.imgmsg_to_cv2(message), depth)


@pytest.mark.parametrize(
    ("message", "wanted", "complaint"),
    [
        (Image(height=2, width=2, encoding="rgb8", step=6, data=bytes(11)), "passthrough", "11 bytes for 2 rows of 6"),
        (Image(height=2, width=2, encoding="rgb8", step=5, data=bytes(12)), "passthrough", "a row has 5 bytes"),
        (Image(height=2, width=2, encoding="ultraviolet", step=6), "passthrough", "Unrecognized image encoding"),
        (Image(height=1, width=1, encoding="32FC1", step=4, data=bytes(4)), "rgb8", "not a color format"),
    ],
)
def test_senseless_messages_are_refused(message: Image, wanted: str, complaint: str) -> None:
    with pytest.raises(CvBridgeError, match=complaint):
        BRIDGE.imgmsg_to_cv2(message, wanted)


def test_encoding_must_fit_the_array() -> None:
    with pytest.raises(CvBridgeError, match="incompatible type"):
        BRIDGE.cv2_to_imgmsg(COLORS, "mono8")
    with pytest.raises(TypeError, match="not a numpy array"):
        BRIDGE.cv2_to_imgmsg([[1]], "mono8")


@pytest.mark.parametrize(("file_format", "tolerance"), [("png", 0), ("jpg", 6)])
def test_compressed_images_come_back(file_format: str, tolerance: int) -> None:
    message = BRIDGE.cv2_to_compressed_imgmsg(SMOOTH, file_format)
    assert message.format == file_format
    back = BRIDGE.compressed_imgmsg_to_cv2(message)
    assert np.abs(back.astype(int) - SMOOTH).max() <= tolerance
    assert np.array_equal(BRIDGE.compressed_imgmsg_to_cv2(message, "rgb8"), back[..., ::-1])


def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(CvBridgeError, match="cannot be read"):
        BRIDGE.compressed_imgmsg_to_cv2(CompressedImage(format="jpeg", data=b"not a picture"))


@pytest.mark.parametrize(("encoding", "place"), [("yuv422", 1), ("yuv422_yuy2", 0)])
def test_pixels_that_share_their_color_are_converted(encoding: str, place: int) -> None:
    pixels = np.full((2, 2, 2), 128, dtype=np.uint8)
    pixels[..., place] = [[16, 235], [16, 235]]
    message = Image(height=2, width=2, encoding=encoding, step=4, data=pixels.tobytes())
    assert BRIDGE.imgmsg_to_cv2(message, "mono8").tolist() == [[16, 235], [16, 235]]
    assert BRIDGE.imgmsg_to_cv2(message, "rgb8").tolist() == [[[0] * 3, [255] * 3]] * 2
    pixels[:, 1, 1 - place] = 240  # of each pair, the second colour is the one of red
    message = Image(height=2, width=2, encoding=encoding, step=4, data=pixels.tobytes())
    assert BRIDGE.imgmsg_to_cv2(message, "bgr8")[0, 0].tolist() == [0, 0, 179]


def test_types_have_opencvs_numbers() -> None:
    assert BRIDGE.encoding_to_cvtype2("bgr8") == BRIDGE.encoding_to_cvtype2("8UC3")
    assert BRIDGE.encoding_to_cvtype2("8UC1") == 0
    for encoding in ("8SC2", "mono16", "32FC1", "64FC4"):
        number = BRIDGE.encoding_to_cvtype2(encoding)
        assert BRIDGE.cvtype2_to_dtype_with_channels(number) == BRIDGE.encoding_to_dtype_with_channels(encoding)
    assert BRIDGE.dtype_with_channels_to_cvtype2(np.dtype("float32"), 2) == "32FC2"


def test_a_color_becomes_no_depth() -> None:
    with pytest.raises(CvBridgeError, match=r"\[bgr8\] is a color format but \[16UC1\] is not"):
        BRIDGE.imgmsg_to_cv2(BRIDGE.cv2_to_imgmsg(COLORS, "bgr8"), "16UC1")
