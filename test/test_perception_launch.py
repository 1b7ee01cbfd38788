"""Perception on a host of its own: its launch file, and the DDS settings that are shipped for it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from perception_rig import INSTRUCTION, PATIENCE_S, Rig, View, rig_of, save

from arvla_ros.paths import share_directory

pytestmark = pytest.mark.timeout(300)

LAUNCH = ["ros2", "launch", "arvla_ros", "perception.launch.py"]


@pytest.fixture
def rig(ros_environment, tmp_path) -> Iterator[Rig]:
    with rig_of(ros_environment, tmp_path) as rig:
        yield rig


def test_every_argument_is_explained(ros_environment):
    shown = subprocess.run([*LAUNCH, "--show-args"], env=ros_environment, capture_output=True, text=True, timeout=100)
    assert shown.returncode == 0, shown.stderr
    explained = dict(re.findall(r"'(\w+)':\n\s+(\S.*)\n", shown.stdout))
    assert set(explained) >= {"checkpoint", "device", "dtype", "instruction", "refresh_rate_hz", "cameras", "log_level"}


def test_it_launches_perception_with_the_arguments_given(rig, ros_environment, tmp_path):
    rig.camera(View("side", "/elsewhere/image_raw"))
    folder = save(tmp_path / "one", View("side", "/side/image_raw"))
    arguments = {
        "checkpoint": folder,
        "cameras": "/elsewhere/image_raw",
        "dtype": "bfloat16",
        "refresh_rate_hz": "5",
        "instruction": INSTRUCTION,
    }
    with (tmp_path / "perception_0.log").open("w") as output:
        launch = subprocess.Popen(
            [*LAUNCH, *(f"{name}:={value}" for name, value in arguments.items())],
            env=ros_environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    rig.processes.append(launch)
    assert rig.wait_for_prefix().dtype == "bfloat16"
    rig.wait_for(lambda: rig.figures.get("refresh_rate_hz") == "5.0", "the refresh rate in the diagnostics")
    os.killpg(launch.pid, signal.SIGINT)
    assert launch.wait(PATIENCE_S) == 0, rig.output
    assert "Traceback" not in rig.output


def test_cyclone_dds_takes_the_settings_that_are_shipped(ros_environment):
    settings = {"CYCLONEDDS_URI": f"file://{share_directory() / 'config' / 'cyclonedds.xml'}"}
    code = "import rclpy; rclpy.init(); rclpy.create_node('settings').destroy_node(); rclpy.shutdown()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**ros_environment, **settings}, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
