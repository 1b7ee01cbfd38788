"""Perception as its own process over real DDS, through two cameras, each with every fault a camera can have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from perception_rig import INSTRUCTION, OTHER_INSTRUCTION, Camera, Rig, View, rig_of, save, stamp_ns
from rclpy.qos import ReliabilityPolicy

from arvla_ros.msg import VLPrefix
from arvla_ros.nodes.perception import JUST_STARTED_S

pytestmark = pytest.mark.timeout(300)

SIDE = View("side", "/side/image_raw")
WRIST = View("wrist", "/wrist/image_raw/compressed", 128, 64)
S = 1_000_000_000


@pytest.fixture(scope="module")
def shared(module_ros_environment, tmp_path_factory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("perception")
    with rig_of(module_ros_environment, folder) as rig:
        rig.camera(SIDE, ReliabilityPolicy.RELIABLE)
        rig.camera(WRIST)
        rig.start(checkpoint=save(folder / "two", SIDE, WRIST), refresh_rate_hz=0.0, max_camera_skew_s=0.2)
        rig.instruct(INSTRUCTION)
        yield rig
        assert rig.processes[0].poll() is None, rig.log(0).read_text()
        assert "Traceback" not in rig.log(0).read_text()


@pytest.fixture
def rig(shared: Rig) -> Rig:
    for camera in shared.cameras:
        camera.distort = None
        camera.period_s = 0.05
    shared.instruct(INSTRUCTION)
    shared.wait_for_prefix()
    shared.status = None
    return shared


def test_a_prefix_is_stamped_with_the_oldest_image_that_went_in(rig):
    side, wrist = rig.cameras
    stamps: dict[int, str] = {}

    def note(message: Any) -> Any:
        stamps[stamp_ns(message)] = message.header.frame_id
        return message

    side.distort = note
    wrist.distort = lambda message: note(earlier(message, 0.1))
    prefix = rig.wait_for_prefix()
    rig.wait_for(lambda: stamp_ns(rig.prefixes[-1]) > stamp_ns(prefix), "one more prefix")
    assert stamps[stamp_ns(rig.prefixes[-1])] == rig.prefixes[-1].header.frame_id == "wrist"


def test_a_prefix_tells_when_it_was_ready(rig):
    prefix = rig.wait_for_prefix()
    assert prefix.instruction == INSTRUCTION
    assert 0 < prefix.compute_time <= prefix.ready_age


def test_images_that_were_captured_too_far_apart_are_not_combined(rig):
    rig.cameras[1].distort = lambda message: earlier(message, 0.5)
    rig.wait_for(lambda: int(rig.figures.get("images_apart", 0)) > 0, "images_apart in the diagnostics")
    assert re.search(r"images are 0\.[45]\d+ s apart, more than max_camera_skew_s 0\.2", rig.output), rig.output
    silence_follows(rig)


def earlier(message: Any, seconds: float) -> Any:
    stamp = stamp_ns(message) - int(seconds * S)
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, S)
    return message


def silence_follows(rig: Rig) -> None:
    """What is under way may still come; then no more."""
    count = -1
    while count != len(rig.prefixes):
        count = len(rig.prefixes)
        for _ in range(50):
            rig.spin()


class Frozen:
    """The same picture under new stamps."""

    def __init__(self) -> None:
        self._first: Any = None

    def __call__(self, message: Any) -> Any:
        self._first = self._first or message
        self._first.header.stamp = message.header.stamp
        return self._first


def unstamped(message: Any) -> Any:
    message.header.stamp.sec = message.header.stamp.nanosec = 0
    return message


def of_another_size(message: Any) -> Any:
    message.width, message.height, message.step = 32, 16, 96
    message.data = message.data[: 96 * 16]
    return message


def truncated(message: Any) -> Any:
    message.data = message.data[:1000]
    return message


def without_colour(message: Any) -> Any:
    message.encoding = "mono8"
    return message


def too_many_rows(message: Any) -> Any:
    message.height = 2**32 - 1
    return message


def of_other_bytes(message: Any) -> Any:
    message.data = b"no picture at all"
    return message


def empty(message: Any) -> Any:
    message.data = []
    return message


@pytest.mark.parametrize(
    ("camera", "distort", "status"),
    [
        (0, lambda message: None, "camera 'side' on /side/image_raw: silent for"),
        (1, lambda message: None, "camera 'wrist' on /wrist/image_raw/compressed: silent for"),
        (0, Frozen(), "frozen: the same pixels under new stamps for"),
        (1, Frozen(), "frozen: the same pixels under new stamps for"),
        (0, unstamped, "its stamps, which it used to set, are zero"),
        (1, lambda message: earlier(message, -3600), "in the future; are the clocks of camera and this machine in"),
        (0, of_another_size, "it is 32x16, the checkpoint's camera 'side' is 64x32; set the camera driver's image si"),
        (0, truncated, "it has 1000 bytes in rows of 192, 64x32 rgb8 needs 32 rows of at least 192"),
        (0, too_many_rows, "it is 64x4294967295, the checkpoint's camera 'side' is 64x32"),
        (0, without_colour, "its encoding is 'mono8', this node takes rgb8, bgr8, rgba8"),
        (1, truncated, "camera 'wrist' on /wrist/image_raw/compressed: it is cut off after 1000 bytes"),
        (1, of_other_bytes, "camera 'wrist' on /wrist/image_raw/compressed: it cannot be read: "),
        (1, empty, "camera 'wrist' on /wrist/image_raw/compressed: it is empty ('jpg')"),
    ],
)
def test_a_camera_that_is_not_to_be_believed_is_reported_and_nothing_is_made_of_it(rig, camera, distort, status):
    rig.cameras[camera].distort = distort
    rig.wait_for_status(status)
    assert rig.status.level == DiagnosticStatus.ERROR
    silence_follows(rig)


def test_images_of_long_ago_are_not_looked_at(rig):
    rig.cameras[0].distort = lambda message: earlier(message, 3600)
    rig.wait_for(lambda: int(rig.figures.get("images_too_old", 0)) > 0, "images_too_old in the diagnostics")
    silence_follows(rig)
    assert "image is 3600." in rig.output


@pytest.mark.parametrize("encoding", ["bgr8", "rgba8", "bgra8", "yuv422_yuy2"])
def test_other_encodings_with_colour_are_taken(rig, encoding):
    rig.cameras[0].distort = lambda message: rig.cameras[0].message(encoding)
    rig.wait_for_prefix()
    rig.wait_for_prefix()


def test_diagnostics_show_rate_and_ages_and_the_cameras_clocks(rig):
    rig.cameras[1].distort = lambda message: earlier(message, 0.1)
    rig.wait_for(lambda: "achieved_rate_hz" in rig.figures, "a rate in the diagnostics")
    for name in ("image_age_p50_p99_ms", "compute_p50_p99_ms", "ready_age_p50_p99_ms"):
        median, high = (float(number) for number in rig.figures[name].split(", "))
        assert 0 <= median <= high
    assert int(rig.figures["prefixes"]) > 0

    def delay() -> float:
        return float(rig.figures["wrist.stamp_to_arrival_min_p50_ms"].split(", ")[1])

    rig.wait_for(lambda: delay() > 100, "a camera whose images arrive 0.1 s after their stamps")


def test_an_instruction_is_followed_at_the_next_image_even_when_looks_are_rare(rig):
    assert all(answer.successful for answer in rig.set(refresh_rate_hz=0.01))
    rig.instruct(OTHER_INSTRUCTION)
    rig.wait_for(lambda: rig.prefixes[-1].instruction == OTHER_INSTRUCTION, "a prefix under the new instruction")
    assert all(answer.successful for answer in rig.set(instruction=INSTRUCTION))
    rig.wait_for(lambda: rig.prefixes[-1].instruction == INSTRUCTION, "a prefix under the new instruction")
    assert all(answer.successful for answer in rig.set(refresh_rate_hz=0.0))


def test_somebody_else_who_publishes_prefixes_is_reported(rig):
    rig.wait_for(lambda: rig.statuses > JUST_STARTED_S + 1, "a node that has not only just started")
    other = rig.node.create_publisher(VLPrefix, "/vl_prefix", 1)
    rig.wait_for_status("more than one publishes /vl_prefix: ")
    assert {"/perception", "/rig"} == set(re.findall(r"/(?:perception|rig)\b", rig.status.message))
    assert rig.status.level == DiagnosticStatus.ERROR
    rig.node.destroy_publisher(other)
    rig.wait_for(lambda: rig.status.level == DiagnosticStatus.OK, "a status that is OK again")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("instruction", "juggle the cups", "unknown 'juggle'"),
        ("refresh_rate_hz", -1.0, ""),
        ("frozen_after_s", float("nan"), "nan"),
        ("max_camera_skew_s", 1e9, ""),
        ("camera_topics", ["/a", "/b"], "read"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_and_looking_goes_on(rig, name, value, reason):
    (answer,) = rig.set(**{name: value})
    assert not answer.successful
    assert reason in answer.reason
    rig.wait_for_prefix()


def test_what_the_prefix_is_made_of_depends_on_both_cameras(rig):
    def shows(camera: Camera, brightness: int) -> Callable[[Any], Any]:
        def distort(message: Any) -> Any:
            data = np.frombuffer(bytes(message.data), dtype=np.uint8)
            message.data = (data // 64 + brightness).astype(np.uint8).tobytes()
            return message

        return distort

    side = rig.cameras[0]
    side.distort = shows(side, 0)
    rig.wait_for_prefix()
    dark = bytes(rig.wait_for_prefix().values)
    side.distort = shows(side, 200)
    rig.wait_for_prefix()
    assert bytes(rig.wait_for_prefix().values) != dark
