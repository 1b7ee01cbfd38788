"""A recorded run, and one that runs, in rerun: saved to a file, which rerun's own reader takes apart again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from run_bags import IMAGE, message, write_bag
from sensor_msgs.msg import Image, JointState

from arvla_ros import cli
from arvla_ros.evaluation.rerun_viewer import ViewError
from arvla_ros.evaluation.view import ViewConfig, view
from arvla_ros.evaluation.viewing import RunView
from arvla_ros.msg import ActionStep, GuardState
from arvla_ros.robots import wx250s

JOINTS = (*wx250s.ARM_JOINTS, "gripper")


def rerun(*words: str) -> str:
    """Return what rerun's command says of a recording."""
    return subprocess.run([sys.executable, "-m", "rerun", "rrd", *words], capture_output=True, text=True).stdout


def entities(path: Path) -> set[str]:
    """Return the paths of everything in a recording."""
    return set(re.findall(r"^(/\S+): \d+$", rerun("stats", str(path)), re.MULTILINE))


def everything(path: Path) -> str:
    """Return all data of a recording as text."""
    return rerun("print", "-vvv", str(path))


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("view")
    path = folder / "deep" / "run.rrd"
    assert view(ViewConfig(write_bag(folder / "run"), save=path)) == 0
    return path


def test_pictures_joints_ages_arm_and_words_of_a_bag_are_there(saved):
    found = entities(saved)
    expected = {f"/joints/{joint}/{what}" for joint in JOINTS for what in ("requested", "sent", "measured")}
    expected |= {f"/guard/state/age_ms/{name}" for name in ("ready", "first_used", "commanded", "sent")}
    expected |= {"/action_expert/step/staleness_ms", "/action_expert/step/inference_ms", "/guard/state/refused"}
    expected |= {"/camera/image_raw", "/arm/measured", "/arm/sent", "/arm/workspace", "/instruction"}
    expected |= {"/log/guard", "/log/action_expert", "/log/instruction"}
    assert expected - found == set()
    # The action expert does not know when its command will be sent.
    assert "/action_expert/step/age_ms/sent" not in found


def test_modes_are_told_once_with_their_reason(saved):
    text = everything(saved)
    assert "HOLD no command for 0.50 s, action_expert commands" in text
    assert "LATE picture 1.7 s old" in text
    assert text.count("LATE picture 1.7 s old") == 1
    assert "cover the battery" in text


def test_a_picture_that_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path):
    shown = RunView("run", tmp_path / "run.rrd")
    broken = message("sensor_msgs/Image", height=48, width=64, step=192, encoding="rgb8", data=np.zeros(10, np.uint8))
    shown.add("/camera/image_raw", "sensor_msgs/msg/Image", 10**18, broken)
    lacking = message("sensor_msgs/JointState", name=["waist"], position=np.zeros(1))
    shown.add("/wx250s/joint_states", "sensor_msgs/msg/JointState", 10**18, lacking)
    shown.add("/vl_prefix", "arvla_ros/msg/VLPrefix", 10**18, message("arvla_ros/VLPrefix"))
    shown.add("/instruction", "std_msgs/msg/String", 10**18, message("std_msgs/String", data="stack the cups"))
    shown.close()
    assert shown.skipped == 2
    text = everything(tmp_path / "run.rrd")
    assert "not shown: image of 64x48 rgb8" in text
    assert "lacks shoulder" in text
    assert "stack the cups" in text


class Stack:
    """A node that publishes what a running stack does."""

    def __init__(self, domain: int) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("stack", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        kinds = {
            "/camera/image_raw": Image,
            "/wx250s/joint_states": JointState,
            "/guard/state": GuardState,
            "/action_expert/step": ActionStep,
        }
        self.publishers = {name: self.node.create_publisher(kind, name, 10) for name, kind in kinds.items()}
        self.node.create_timer(0.05, self.publish)

    def publish(self) -> None:
        stamp = self.node.get_clock().now().to_msg()
        height, width, _ = IMAGE.shape
        image = Image(height=height, width=width, step=3 * width, encoding="rgb8", data=IMAGE.tobytes())
        joints = JointState(name=[*wx250s.ARM_JOINTS, "left_finger"], position=[*wx250s.READY.tolist(), 0.025])
        guard = GuardState(mode=GuardState.MODE_HOLD, reason="a person said so", sent=wx250s.READY.tolist())
        guard.sent_gripper = 0.05
        step = ActionStep(mode=ActionStep.MODE_NORMAL, staleness=0.2)
        for name, each in zip(self.publishers, (image, joints, guard, step), strict=True):
            each.header.stamp = stamp
            self.publishers[name].publish(each)

    def close(self) -> None:
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


def test_what_runs_is_shown_until_ctrl_c(ros_environment, tmp_path):
    path = tmp_path / "live.rrd"
    stack = Stack(int(ros_environment["ROS_DOMAIN_ID"]))
    code = "import sys; from arvla_ros.cli import main; sys.exit(main())"
    words = ["view", "--live", "--save", str(path)]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], env=ros_environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    wanted = {"/camera/image_raw", "/joints/waist/measured", "/joints/waist/sent", "/arm/sent", "/log/guard"}
    wanted |= {"/action_expert/step/staleness_ms"}
    try:
        end = time.monotonic() + 60
        while not (path.exists() and wanted <= entities(path)):
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < end, entities(path)
            more = time.monotonic() + 1.0
            while time.monotonic() < more:
                stack.executor.spin_once(timeout_sec=0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        stack.close()
    assert "HOLD a person said so" in everything(path)


@pytest.mark.parametrize("words", [[], ["run", "--live"]])
def test_it_is_a_bag_or_live(words):
    bag = Path(words[0]) if words else None
    with pytest.raises(ViewError, match="name a bag, or say --live"):
        ViewConfig(bag, live="--live" in words)


def run(monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["arvla", "view", *words])
    return cli.main()


def test_without_rerun_the_command_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rerun", None)
    assert run(monkeypatch, str(write_bag(tmp_path / "run", seconds=0.6))) == 1
    assert "pip install 'rerun-sdk" in capsys.readouterr().err


def test_without_a_display_a_file_is_proposed(tmp_path, monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert run(monkeypatch, str(write_bag(tmp_path / "run", seconds=0.6))) == 1
    assert "--save run.rrd" in capsys.readouterr().err


def test_without_ros_live_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rclpy.node", None)
    monkeypatch.delitem(sys.modules, "arvla_ros.nodes.view", raising=False)
    assert run(monkeypatch, "--live") == 1
    assert "--live needs ROS 2" in capsys.readouterr().err


def test_a_bag_without_anything_to_show_is_refused(tmp_path, monkeypatch, capsys):
    everything_there = ("/guard/state", "/action_expert/step", "/wx250s/joint_states", "/camera/image_raw")
    bag = write_bag(tmp_path / "run", without=(*everything_there, "/instruction"))
    assert run(monkeypatch, str(bag), "--save", os.devnull) == 1
    assert "nothing to show" in capsys.readouterr().err
