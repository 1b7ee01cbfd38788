"""`ros2 lifecycle` against a managed node in another process."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from launch_helpers import read_until, ros2

NODE = """
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn


class Camera(LifecycleNode):
    def on_activate(self, state):
        return TransitionCallbackReturn.FAILURE


rclpy.init()
node = Camera("camera", namespace="robot")
hidden = LifecycleNode("_hidden")
plain = rclpy.create_node("plain")
print("ready", flush=True)
executor = SingleThreadedExecutor()
for each in (node, hidden, plain):
    executor.add_node(each)
executor.spin()
"""


@pytest.fixture(autouse=True)
def camera(ros_domain: int) -> Iterator[None]:
    """A managed node `/robot/camera` that cannot be activated, a hidden one, and one that is not managed."""
    process = subprocess.Popen([sys.executable, "-u", "-c", NODE], stdout=subprocess.PIPE, text=True)
    read_until(process, "ready")
    yield
    process.kill()
    process.communicate()


def lines(*arguments: str) -> list[str]:
    """Run `ros2 lifecycle` and return what it prints."""
    result = ros2("lifecycle", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_managed_nodes_are_listed() -> None:
    assert lines("nodes") == ["/robot/camera"]
    assert lines("nodes", "--all") == ["/_hidden", "/robot/camera"]
    assert lines("nodes", "--count-nodes") == ["1"]


def test_a_node_is_taken_through_its_life() -> None:
    assert lines("get", "/robot/camera") == ["unconfigured [1]"]
    assert lines("set", "/robot/camera", "configure") == ["Transitioning successful"]
    assert lines("get", "robot/camera") == ["inactive [2]"]
    assert lines("set", "/robot/camera", "6") == ["Transitioning successful"]
    assert lines("get") == ["/robot/camera: finalized [4]"]


def test_transitions_are_listed() -> None:
    assert lines("list", "/robot/camera") == [
        *("- configure [1]", "\tStart: unconfigured", "\tGoal: configuring"),
        *("- shutdown [5]", "\tStart: unconfigured", "\tGoal: shuttingdown"),
    ]
    everywhere = lines("list", "--all", "/robot/camera")
    assert len(everywhere) == 3 * 25
    index = everywhere.index("- transition_failure [31]")
    assert everywhere[index : index + 3] == ["- transition_failure [31]", "\tStart: activating", "\tGoal: inactive"]


def test_a_transition_that_fails_is_told() -> None:
    lines("set", "/robot/camera", "configure")
    result = ros2("lifecycle", "set", "/robot/camera", "activate")
    assert "Transitioning failed" in result.stderr


def test_a_transition_that_the_state_does_not_allow_is_refused() -> None:
    result = ros2("lifecycle", "set", "/robot/camera", "activate")
    assert result.returncode == 1
    assert "available ones are:\n- configure [1]\n- shutdown [5]" in result.stderr


def test_a_node_that_is_not_managed_is_not_found() -> None:
    result = ros2("lifecycle", "get", "/plain")
    assert result.returncode == 1
    assert "Node not found" in result.stderr
