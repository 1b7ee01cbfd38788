"""What nodes can do since Iron: tell full names, hear of parameters that were set, and of when messages were sent."""

import time
from typing import Any

import rclpy
from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter
from ros_helpers import spin_until
from std_msgs.msg import String


def test_nodes_are_told_by_their_full_names(node: Node) -> None:
    camera = rclpy.create_node("camera", namespace="/robot")
    spin_until(node, lambda: "/robot/camera" in node.get_fully_qualified_node_names())
    camera.destroy_node()


def test_a_callback_sees_what_was_set_but_not_what_was_refused(node: Node) -> None:
    node.declare_parameter("rate", 2.5)
    seen: list[float] = []
    node.add_on_set_parameters_callback(
        lambda parameters: SetParametersResult(successful=all(parameter.value != 13.0 for parameter in parameters))
    )
    node.add_post_set_parameters_callback(lambda parameters: seen.extend(parameter.value for parameter in parameters))
    node.set_parameters([Parameter("rate", value=13.0)])
    node.set_parameters([Parameter("rate", value=12.0)])
    assert seen == [12.0]


def test_callback_with_two_arguments_gets_the_time_of_sending(node: Node) -> None:
    received: list[Any] = []
    node.create_subscription(String, "topic", lambda message, info: received.append(info), 10)
    publisher = node.create_publisher(String, "topic", 10)
    spin_until(node, publisher.get_subscription_count)
    before = time.time_ns()
    publisher.publish(String())
    spin_until(node, lambda: received)
    assert before <= received[0]["source_timestamp"] <= received[0]["received_timestamp"] <= time.time_ns()
