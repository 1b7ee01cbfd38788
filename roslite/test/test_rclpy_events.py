"""What happens to publishers and subscriptions beside their messages, and quality of service set by parameters."""

from typing import Any

import pytest
import rclpy
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.duration import Duration
from rclpy.exceptions import InvalidHandle
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import LivelinessPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from rclpy.qos_event import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.qos_overriding_options import InvalidQosOverridesError, QoSOverridingOptions
from ros_helpers import spin_until
from std_msgs.msg import String


def test_both_ends_hear_of_a_missed_deadline(node: Node) -> None:
    strict = QoSProfile(depth=1, deadline=Duration(seconds=0.1))
    offered: list[Any] = []
    asked: list[Any] = []
    node.create_subscription(
        String, "topic", lambda _: None, strict, event_callbacks=SubscriptionEventCallbacks(deadline=asked.append)
    )
    publisher = node.create_publisher(
        String, "topic", strict, event_callbacks=PublisherEventCallbacks(deadline=offered.append)
    )
    spin_until(node, publisher.get_subscription_count)
    publisher.publish(String())
    spin_until(node, lambda: len(offered) >= 2 and len(asked) >= 2)
    for infos in (offered, asked):
        assert sum(info.total_count_change for info in infos) == infos[-1].total_count


def test_a_subscription_hears_of_publishers_that_come_to_life_and_fall_silent(node: Node) -> None:
    manual = QoSProfile(
        depth=1, liveliness=LivelinessPolicy.MANUAL_BY_TOPIC, liveliness_lease_duration=Duration(seconds=0.2)
    )
    changes: list[Any] = []
    lost: list[Any] = []
    node.create_subscription(
        String, "topic", lambda _: None, manual, event_callbacks=SubscriptionEventCallbacks(liveliness=changes.append)
    )
    publisher = node.create_publisher(
        String, "topic", manual, event_callbacks=PublisherEventCallbacks(liveliness=lost.append)
    )
    publisher.assert_liveliness()
    spin_until(node, lambda: any(info.alive_count == 1 for info in changes))
    spin_until(node, lambda: any(info.not_alive_count == 1 and info.not_alive_count_change == 1 for info in changes))
    spin_until(node, lambda: lost)
    assert lost[0].total_count == 1


def test_incompatible_ends_are_told_with_the_policy_and_not_warned_of(
    node: Node, capfd: pytest.CaptureFixture[str]
) -> None:
    offered: list[Any] = []
    asked: list[Any] = []
    node.create_subscription(
        String, "topic", lambda _: None, 10, event_callbacks=SubscriptionEventCallbacks(incompatible_qos=asked.append)
    )
    node.create_publisher(
        String,
        "topic",
        qos_profile_sensor_data,
        event_callbacks=PublisherEventCallbacks(incompatible_qos=offered.append),
    )
    spin_until(node, lambda: offered and asked)
    assert offered[0].last_policy_kind == asked[0].last_policy_kind == QoSPolicyKind.RELIABILITY
    assert (offered[0].total_count, offered[0].total_count_change) == (1, 1)
    assert "incompatible QoS" not in capfd.readouterr().err


def test_an_event_waits_while_its_callback_group_is_busy(node: Node) -> None:
    asked: list[Any] = []
    done = rclpy.task.Future()

    async def be_busy() -> None:
        timer.cancel()
        await done

    timer = node.create_timer(0.001, be_busy)
    spin_until(node, timer.is_canceled)
    node.create_subscription(
        String, "topic", lambda _: None, 10, event_callbacks=SubscriptionEventCallbacks(incompatible_qos=asked.append)
    )
    warned: list[Any] = []
    node.create_publisher(
        String,
        "topic",
        qos_profile_sensor_data,
        callback_group=ReentrantCallbackGroup(),
        event_callbacks=PublisherEventCallbacks(incompatible_qos=warned.append),
    )
    spin_until(node, lambda: warned)
    assert not asked
    done.set_result(None)
    spin_until(node, lambda: asked)


def test_parameters_override_quality_of_service(ros: None) -> None:
    overrides = [
        Parameter("qos_overrides./topic.publisher.reliability", value="best_effort"),
        Parameter("qos_overrides./topic.publisher.depth", value=3),
        Parameter("qos_overrides./topic.subscription_second.depth", value=7),
    ]
    options = QoSOverridingOptions.with_default_policies()
    second = QoSOverridingOptions([QoSPolicyKind.DEPTH, QoSPolicyKind.DEADLINE], entity_id="second")
    node = rclpy.create_node("talker", parameter_overrides=overrides)
    publisher = node.create_publisher(String, "topic", 10, qos_overriding_options=options)
    assert publisher.qos_profile.reliability is ReliabilityPolicy.BEST_EFFORT
    assert publisher.qos_profile.depth == 3
    result = node.set_parameters([Parameter("qos_overrides./topic.publisher.depth", value=4)])[0]
    assert "read-only" in result.reason
    subscription = node.create_subscription(
        String, "topic", lambda _: None, qos_profile_sensor_data, qos_overriding_options=second
    )
    assert subscription.qos_profile.depth == 7
    assert node.get_parameter("qos_overrides./topic.subscription_second.deadline").value == 0
    node.destroy_node()


def test_overridden_quality_of_service_can_be_refused(node: Node) -> None:
    def judge(qos: QoSProfile) -> SetParametersResult:
        return SetParametersResult(successful=qos.depth > 10, reason="too shallow")

    options = QoSOverridingOptions.with_default_policies(callback=judge)
    node.create_publisher(String, "deep", 11, qos_overriding_options=options)
    with pytest.raises(InvalidQosOverridesError, match="too shallow"):
        node.create_publisher(String, "topic", 10, qos_overriding_options=options)


def test_what_was_destroyed_cannot_be_used(node: Node) -> None:
    publisher = node.create_publisher(String, "topic", 10)
    timer = node.create_timer(1.0, lambda: None)
    guard = node.create_guard_condition(lambda: None)
    node.destroy_publisher(publisher)
    node.destroy_timer(timer)
    node.destroy_guard_condition(guard)
    for use in (lambda: publisher.publish(String()), publisher.get_subscription_count, timer.reset, guard.trigger):
        with pytest.raises(InvalidHandle):
            use()
    other = rclpy.create_node("other")
    other.destroy_node()
    with pytest.raises(InvalidHandle):
        other.create_publisher(String, "topic", 10)
