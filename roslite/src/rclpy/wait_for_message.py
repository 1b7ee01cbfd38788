"""Waits for one message."""

from typing import TYPE_CHECKING, Any

from rclpy.callback_groups import CallbackGroup
from rclpy.qos import QoSProfile
from roslite import dds

if TYPE_CHECKING:
    from rclpy.node import Node


class _HandsOff(CallbackGroup):
    """Keeps an executor that runs the node away from the subscription."""

    def can_execute(self, entity: Any) -> bool:
        return False

    def beginning_execution(self, entity: Any) -> bool:
        return False

    def ending_execution(self, entity: Any) -> None:
        raise NotImplementedError


def wait_for_message(
    msg_type: Any, node: "Node", topic: str, *, qos_profile: QoSProfile | int = 1, time_to_wait: float | int = -1
) -> tuple[bool, Any]:
    """Wait for the next message on a topic.

    Args:
        msg_type: class of the message.
        node: who subscribes.
        topic: name of the topic.
        qos_profile: quality of service.
        time_to_wait: in seconds; negative for as long as it takes.

    Returns:
        Whether a message came, and the message.
    """
    context = node.context
    guard, waitset = context.create_guard(), context.participant.create_waitset()
    subscription = node.create_subscription(msg_type, topic, lambda _: None, qos_profile, callback_group=_HandsOff())
    timeout_ns = dds.INFINITY if time_to_wait < 0 else int(time_to_wait * 1e9)
    try:
        while context.ok() and waitset.wait({subscription.condition, guard.entity}, timeout_ns):
            guard.take()
            if (taken := subscription.take()) is not None:
                return True, taken[0]
        return False, None
    finally:
        node.destroy_subscription(subscription)
        waitset.close()
        context.destroy_guard(guard)
