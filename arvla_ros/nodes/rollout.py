"""Carries out simulated episodes with the whole stack: home, new layout, instruction, arm the guard, watch, score."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path

import rclpy
from cv_bridge import CvBridge
from PIL import Image as PilImage
from rclpy.client import Client
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.task import Future
from sensor_msgs.msg import Image
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from arvla_ros.evaluation.run_log import Episode, Frame, PrefixRecord, RunLog, StepRecord
from arvla_ros.msg import ActionStep, GuardState, TaskStatus, VLPrefix
from arvla_ros.nodes.parameters import declare_count, declare_number, declare_text
from arvla_ros.nodes.qos import LATCHED, NEWEST, TELEMETRY
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.stamps import now_ns, to_ns
from arvla_ros.robots.contract import RobotContract

JPEG_QUALITY = 90


class RolloutNode(Node):  # type: ignore[misc]
    """Episodes run in a thread of their own, so that they read as they happen; callbacks only keep what comes in."""

    def __init__(self) -> None:
        super().__init__("rollout")
        self._episodes = declare_count(self, "episodes", 0, "episodes to carry out; 0: without end", 0, 10**6)
        self._time_limit_s = declare_number(self, "time_limit_s", 8.0, "an episode ends after this, s", 1.0, 600.0)
        self._start_timeout_s = declare_number(self, "start_timeout_s", 60.0, "wait for the other nodes, s", 1.0, 600.0)
        self._report = declare_text(self, "report", "", "folder for the log of the run; empty: none")
        self._contract = RobotContract.load("wx250s")
        self._log = RunLog(self._contract.control_rate_hz, list(self._contract.arm_joints))
        self._bridge = CvBridge()
        self._step: ActionStep | None = None
        self._guard: GuardState | None = None
        self._task: TaskStatus | None = None
        self._prefix_instruction = ""
        self._changed = threading.Condition()
        self._instructions = self.create_publisher(String, "/instruction", LATCHED)
        self._home = self.create_client(Trigger, "/guard/home")
        self._enable = self.create_client(SetBool, "/guard/enable")
        self._reset_expert = self.create_client(Trigger, "/action_expert/reset")
        self._reset_world = self.create_client(Trigger, "/sim_widowx/reset")
        self._subscribe()
        self.done = Future()
        self._thread = threading.Thread(target=self._carry_out, name="episodes", daemon=True)
        self._thread.start()

    def _subscribe(self) -> None:
        self.create_subscription(ActionStep, "/action_expert/step", self._on_step, TELEMETRY)
        self.create_subscription(GuardState, "/guard/state", self._on_guard, TELEMETRY)
        self.create_subscription(TaskStatus, "/sim_widowx/task", self._on_task, LATCHED)
        self.create_subscription(VLPrefix, "/vl_prefix", self._on_prefix, NEWEST)
        if self._report:
            camera = self._contract.cameras[0].topic
            self.create_subscription(Image, camera, self._on_image, qos_profile_sensor_data)
