"""What a run of the whole stack leaves behind, recorded over real DDS."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor

from arvla_ros.msg import ActionStep
from arvla_ros.nodes.qos import TELEMETRY
from arvla_ros.nodes.run_recorder import RunRecorder
from arvla_ros.robots.contract import RobotContract


def test_a_step_without_joint_states_is_kept_and_leaves_a_gap(ros_environment: dict[str, str], tmp_path: Path) -> None:
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=int(ros_environment["ROS_DOMAIN_ID"]))
    node = rclpy.create_node("recorder", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    recorder = RunRecorder(node, RobotContract.load())
    steps = node.create_publisher(ActionStep, "/action_expert/step", TELEMETRY)
    end = time.monotonic() + 30
    while steps.get_subscription_count() == 0 and time.monotonic() < end:
        executor.spin_once(timeout_sec=0.1)
    steps.publish(ActionStep(step=1, state=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.07]))
    steps.publish(ActionStep(step=2))
    while len(recorder.log.steps) < 2 and time.monotonic() < end:
        executor.spin_once(timeout_sec=0.1)
    recorder.log.save(tmp_path)
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)

    measured = np.array([step.joints for step in recorder.log.steps])
    np.testing.assert_allclose(measured[0], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], atol=1e-6)
    assert np.isnan(measured[1]).all()
