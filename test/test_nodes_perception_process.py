"""Perception as a process: it stays live while the backbone looks for seconds, ends when told to, and is alone."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import pytest
from perception_rig import INSTRUCTION, PATIENCE_S, Rig, View, rig_of, save

from arvla_ros.msg import VLPrefix

pytestmark = pytest.mark.timeout(300)

SIDE = View("side", "/side/image_raw")
# ResNet-18 on one core takes more than a second over a picture of this size.
LARGE = View("large", "/large/image_raw/compressed", 1024, 768)


@pytest.fixture
def rig(ros_environment, tmp_path) -> Iterator[Rig]:
    with rig_of(ros_environment, tmp_path) as rig:
        yield rig


def test_a_look_of_seconds_holds_up_neither_parameters_nor_ctrl_c(rig, tmp_path):
    camera = rig.camera(LARGE)
    camera.period_s = 0.5
    folder = save(tmp_path / "slow", LARGE, width=LARGE.width, height=LARGE.height)
    process = rig.start(checkpoint=folder, refresh_rate_hz=0.0, max_image_age_s=10.0, instruction=f"'{INSTRUCTION}'")
    first = rig.wait_for_prefix()
    # The next look has begun: at rate 0 there is one after the other.
    answers = 0
    count = len(rig.prefixes)
    while len(rig.prefixes) == count:
        assert all(answer.successful for answer in rig.set(max_image_age_s=10.0 + answers % 7))
        answers += 1
    assert answers > 3, f"{answers} answers during a look of {first.compute_time:.1f} s"
    rig.status = None
    rig.wait_for(lambda: rig.status, "diagnostics")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0, rig.output
    assert "Traceback" not in rig.output


def test_a_second_perception_refuses_to_start_and_the_first_goes_on(rig, tmp_path):
    rig.camera(SIDE)
    folder = save(tmp_path / "one", SIDE)
    first = rig.start(checkpoint=folder, instruction=f"'{INSTRUCTION}'")
    rig.wait_for_prefix()
    second = rig.start(checkpoint=folder, instruction=f"'{INSTRUCTION}'")
    rig.wait_for(lambda: second.poll() is not None, "the end of the second")
    assert second.returncode == 1, rig.output
    assert "/perception publishes /vl_prefix already, and there can be one only: end it first" in rig.output
    assert "Traceback" not in rig.output
    rig.wait_for_prefix()
    assert first.poll() is None


def test_one_that_has_only_just_begun_gives_way_to_another_publisher(rig, tmp_path):
    rig.camera(SIDE)
    process = rig.start(checkpoint=save(tmp_path / "one", SIDE), instruction=f"'{INSTRUCTION}'")
    rig.wait_for(lambda: rig.node.count_publishers("/vl_prefix"), "the publisher of prefixes")
    rig.node.create_publisher(VLPrefix, "/vl_prefix", 1)
    rig.wait_for(lambda: process.poll() is not None, "the end of perception")
    assert process.returncode == 1, rig.output
    assert "more than one publishes /vl_prefix: " in rig.output
    assert "Traceback" not in rig.output


def test_killed_and_started_again_it_waits_until_its_predecessor_is_forgotten(rig, tmp_path):
    rig.camera(SIDE)
    folder = save(tmp_path / "one", SIDE)
    rig.start(checkpoint=folder, instruction=f"'{INSTRUCTION}'")
    rig.wait_for_prefix()
    rig.processes[0].kill()
    rig.processes[0].wait(PATIENCE_S)
    rig.start(checkpoint=folder, instruction=f"'{INSTRUCTION}'")
    rig.wait_for_prefix()
    assert rig.processes[1].poll() is None


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"camera_topics": "[/a]"}, r"camera_topics=\['/a'\]: the checkpoint takes 2 \(side, wrist\)"),
        ({"camera_topics": "[/a, /a]"}, r"camera_topics=\['/a', '/a'\]: each camera needs a topic of its own"),
        ({"camera_timeout_s": 0.5}, r"camera_timeout_s=0\.5 on /wrist/image_raw; is the camera running\?"),
        (
            {"camera_timeout_s": 3.0, "camera_topics": "[/wide, /side/image_raw]"},
            r"camera 'side' on /wide: it is 96x32, the checkpoint's camera 'side' is 64x32; set the camera driver's",
        ),
        (
            {"camera_timeout_s": 3.0, "camera_topics": "[/side/image_raw, /tall/compressed]"},
            r"camera 'wrist' on /tall/compressed: it is 64x96, the checkpoint's camera 'wrist' is 64x32; set the",
        ),
    ],
)
def test_what_cannot_work_ends_it_with_one_clear_line(rig, tmp_path, parameters, error):
    rig.camera(SIDE)
    rig.camera(View("wide", "/wide", width=96))
    rig.camera(View("tall", "/tall/compressed", height=96))
    process = rig.start(checkpoint=save(tmp_path / "two", SIDE, View("wrist", "/wrist/image_raw")), **parameters)
    rig.wait_for(lambda: process.poll() is not None, "the end of perception")
    assert process.returncode == 1, rig.output
    assert re.search(error, rig.output), rig.output
    assert "Traceback" not in rig.output
