"""The action-expert node: a fixed-rate timer that re-anchors the newest prefix and streams commands.

It never waits: not for perception, not for a service, not for a slow subscriber.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from arvla_ros.control.control_loop import ControlLoop, Mode, StepResult
from arvla_ros.control.step_clock import ClockJumpError, StepClock
from arvla_ros.msg import ActionStep, ArmCommand, VLPrefix
from arvla_ros.nodes import diagnostics, prefix_message
from arvla_ros.nodes.checkpoints import load, resolve, torch_device
from arvla_ros.nodes.parameters import (
    Live,
    apply_while_running,
    declare_count,
    declare_flag,
    declare_number,
    declare_text,
)
from arvla_ros.nodes.qos import NEWEST, TELEMETRY
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.stamps import now_ns, to_msg, to_ns
from arvla_ros.policy.checkpoint import load_expert
from arvla_ros.policy.prefix import Prefix
from arvla_ros.policy.streaming import StreamingPolicy
from arvla_ros.robots.contract import ContractError

SOURCE = "action_expert"
# A joint state older than this many control periods is not the state of this tick.
OLDEST_STATE_PERIODS = 5


class ActionExpertNode(Node):  # type: ignore[misc]
    """Runs the AR action expert; see ``control.control_loop`` for what happens at a tick."""

    def __init__(self) -> None:
        super().__init__("action_expert")
        self._policy = self._load_policy()
        self._contract = self._policy.contract
        rate_hz = declare_number(self, "control_rate_hz", 0.0, "control rate, Hz; 0: the checkpoint's", 0.0, 1000.0)
        rate_hz = rate_hz or self._contract.control_rate_hz
        self._loop: ControlLoop[Prefix] = ControlLoop(self._policy, self._contract, StepClock(rate_hz))
        self._declare_live_parameters()
        self._state: npt.NDArray[np.float32] | None = None
        self._state_ns = 0
        self._counts: Counter[str] = Counter()
        self._last_reason = ""
        self._steps = self.create_publisher(ActionStep, "~/step", TELEMETRY)
        self._commands = self.create_publisher(ArmCommand, "/arm/command", NEWEST)
        robot_name = declare_text(self, "robot_name", self._contract.robot, "namespace of the Interbotix driver")
        self.create_subscription(JointState, f"/{robot_name}/joint_states", self._on_joint_states, 10)
        self.create_subscription(VLPrefix, "/vl_prefix", self._on_prefix, NEWEST)
        self.create_service(Trigger, "~/reset", self._on_reset)
        self._running = declare_flag(self, "autostart", True, "start stepping at once; otherwise at ~/reset")
        self._loop.reset(now_ns(self))
        self.create_timer(1.0 / rate_hz, self._on_tick)
        diagnostics.publish_diagnostics(self, self._report)
        self.get_logger().info(f"streaming at {rate_hz:g} Hz")
