"""QoS events that Humble does not have."""

from typing import Any

from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.node import Node
from ros_helpers import spin_until
from std_msgs.msg import Int32, String


def test_both_ends_hear_of_each_other(node: Node) -> None:
    reached: list[Any] = []
    heard: list[Any] = []
    publisher = node.create_publisher(
        String, "topic", 10, event_callbacks=PublisherEventCallbacks(matched=reached.append)
    )
    subscription = node.create_subscription(
        String, "topic", lambda _: None, 10, event_callbacks=SubscriptionEventCallbacks(matched=heard.append)
    )
    spin_until(node, lambda: reached and heard)
    assert (heard[0].total_count, heard[0].current_count, heard[0].current_count_change) == (1, 1, 1)
    node.destroy_subscription(subscription)
    spin_until(node, lambda: reached[-1].current_count == 0)
    assert (reached[-1].total_count, reached[-1].current_count_change) == (1, -1)
    assert publisher.get_subscription_count() == 0


def test_both_ends_hear_of_another_type_on_their_topic(node: Node) -> None:
    told: list[str] = []
    node.create_publisher(
        String,
        "topic",
        10,
        event_callbacks=PublisherEventCallbacks(incompatible_type=lambda info: told.append("publisher")),
    )
    node.create_subscription(
        Int32,
        "topic",
        lambda _: None,
        10,
        event_callbacks=SubscriptionEventCallbacks(incompatible_type=lambda info: told.append("subscription")),
    )
    spin_until(node, lambda: len(told) == 2)
    assert sorted(told) == ["publisher", "subscription"]
