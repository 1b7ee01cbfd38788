"""Keeps what a run of the whole stack publishes, for the report of the rollouts."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from cv_bridge import CvBridge
from PIL import Image as PilImage
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from arvla_ros.evaluation.run_log import Frame, PrefixRecord, RunLog, StepRecord
from arvla_ros.msg import ActionStep, GuardState, VLPrefix
from arvla_ros.nodes.qos import NEWEST, TELEMETRY
from arvla_ros.nodes.stamps import now_ns, to_ns
from arvla_ros.robots.contract import RobotContract

JPEG_QUALITY = 90


class RunRecorder:
    """Fills a RunLog from the topics of a running stack."""

    def __init__(self, node: Node, contract: RobotContract) -> None:
        """Subscribe through ``node``."""
        self.log = RunLog(contract.control_rate_hz, list(contract.arm_joints))
        self._node = node
        self._bridge = CvBridge()
        self._unknown = [math.nan] * len(contract.arm_joints)
        self._sent: Sequence[float] = []
        node.create_subscription(ActionStep, "/action_expert/step", self._on_step, TELEMETRY)
        node.create_subscription(GuardState, "/guard/state", self._on_guard, TELEMETRY)
        node.create_subscription(VLPrefix, "/vl_prefix", self._on_prefix, NEWEST)
        node.create_subscription(Image, contract.cameras[0].topic, self._on_image, qos_profile_sensor_data)

    def _on_step(self, message: ActionStep) -> None:
        # Without joint states the expert does not know either, and holds.
        record = StepRecord(
            time_ns=to_ns(message.header.stamp),
            step=message.step,
            anchor_step=message.anchor_step,
            staleness_steps=message.staleness_steps,
            staleness_s=message.staleness,
            inference_s=message.inference_time,
            mode=message.mode,
            missed_ticks=message.missed_ticks,
            joints=list(message.state)[:-1] or self._unknown,
            sent=list(self._sent) or self._unknown,
        )
        self.log.steps.append(record)

    def _on_guard(self, message: GuardState) -> None:
        self._sent = message.sent

    def _on_prefix(self, message: VLPrefix) -> None:
        record = PrefixRecord(to_ns(message.header.stamp), now_ns(self._node), message.compute_time)
        self.log.prefixes.append(record)

    def _on_image(self, message: Image) -> None:
        jpeg = io.BytesIO()
        PilImage.fromarray(self._bridge.imgmsg_to_cv2(message, "rgb8")).save(jpeg, "jpeg", quality=JPEG_QUALITY)
        self.log.frames.append(Frame(to_ns(message.header.stamp), jpeg.getvalue()))
