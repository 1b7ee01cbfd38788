"""The view node: shows in rerun what the running stack publishes. It listens, and publishes nothing."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import Log
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image, JointState
from std_msgs.msg import Bool, String

from arvla_ros.evaluation.rerun_viewer import ViewError
from arvla_ros.evaluation.viewing import RunView
from arvla_ros.msg import ActionStep, GuardState, TaskStatus
from arvla_ros.nodes.parameters import declare_text, declare_texts
from arvla_ros.nodes.qos import LATCHED, TELEMETRY
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.stamps import now_ns
from arvla_ros.robots.contract import RobotContract


class ViewNode(Node):
    """Hands what it hears to ``evaluation.viewing``."""

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        super().__init__("view", cli_args=list(arguments))
        robot_name = declare_text(self, "robot_name", "wx250s", "namespace of the Interbotix driver")
        save = declare_text(self, "save", "", "file to write, .rrd; empty: open a window")
        cameras = [camera.topic for camera in RobotContract.load().cameras]
        cameras = declare_texts(self, "camera_topics", cameras, "image topics; .../compressed are CompressedImage")
        try:
            self._view = RunView("live", Path(save) if save else None)
        except (ViewError, OSError) as error:
            raise NodeError(f"parameter save={save!r}: {error}") from error
        for topic in cameras:
            kind = CompressedImage if topic.endswith("/compressed") else Image
            self._listen(kind, topic, qos_profile_sensor_data)
        self._listen(JointState, f"/{robot_name}/joint_states", qos_profile_sensor_data)
        self._listen(GuardState, "/guard/state", TELEMETRY)
        self._listen(ActionStep, "/action_expert/step", TELEMETRY)
        self._listen(TaskStatus, "/sim_widowx/task", TELEMETRY)
        self._listen(String, "/instruction", LATCHED)
        self._listen(Bool, "/estop", LATCHED)
        self._listen(Log, "/rosout", QoSProfile(depth=100))

    def _listen(self, kind: Any, topic: str, qos: QoSProfile) -> None:
        package = kind.__module__.split(".")[0]
        name = f"{package}/msg/{kind.__name__}"
        self.create_subscription(kind, topic, functools.partial(self._on_message, topic, name), qos)

    def _on_message(self, topic: str, kind: str, message: Any) -> None:
        self._view.add(topic, kind, now_ns(self), message)

    def destroy_node(self) -> None:
        """Write what is waiting, and end."""
        self._view.close()
        super().destroy_node()


def main(arguments: Sequence[str] = ()) -> int:
    """Show what is running until Ctrl-C."""
    return run(functools.partial(ViewNode, arguments))
