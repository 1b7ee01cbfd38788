"""Publishers."""

from typing import TYPE_CHECKING, Any

from roslite.discovery import topic_name
from roslite.idl import dds_type
from roslite.messages import interface_name

from rclpy.duration import Duration, Infinite
from rclpy.impl.implementation_singleton import RCLError
from rclpy.qos import QoSProfile, to_dds
from roslite import cdr, dds

if TYPE_CHECKING:
    from rclpy.node_entities import NodeEntities


class Publisher:
    """Publishes messages of one type on a topic; made by :meth:`rclpy.node.Node.create_publisher`."""

    def __init__(self, node: "NodeEntities", msg_type: Any, topic: str, qos_profile: QoSProfile) -> None:
        self.msg_type = msg_type
        self.topic = topic
        self.qos_profile = qos_profile
        self._context = node.context
        self._node = node
        name = topic_name(topic, qos_profile.avoid_ros_namespace_conventions)
        self._writer = node.context.participant.create_writer(
            name, dds_type(interface_name(msg_type)), to_dds(qos_profile)
        )
        self.status = self._writer
        dds.watch_incompatible_qos(self._writer, is_reader=False)
        self._guid = dds.guid(self._writer)
        node.own_endpoints(set(), {self._guid})

    @property
    def topic_name(self) -> str:
        """The absolute name of the topic."""
        return self.topic

    def publish(self, msg: Any) -> None:
        """Send a message, or its CDR as bytes.

        Raises:
            TypeError: a message of another type.
            RCLError: the context is shut down, or the bytes are not CDR of this type.
        """
        if not self._context.ok():
            raise RCLError("Failed to publish: publisher's context is invalid")
        if isinstance(msg, self.msg_type):
            data = cdr.serialize(msg)
        elif isinstance(msg, (bytes, bytearray)):
            data = bytearray(msg)
        else:
            raise TypeError(f"Expected {self.msg_type}, got {type(msg)}")
        try:
            dds.write(self._writer, data)
        except dds.DdsError as error:
            raise RCLError(f"Failed to publish on '{self.topic}': {error}") from error

    def warn_of_incompatible_qos(self) -> None:
        """Log that a subscription will get nothing, and why, if one was found."""
        if policy := dds.take_incompatible_policy(self._writer, is_reader=False):
            self._node.get_logger().warning(
                f"New subscription discovered on topic '{self.topic}', requesting incompatible QoS. "
                f"No messages will be sent to it. Last incompatible policy: {policy}"
            )

    def get_subscription_count(self) -> int:
        """Return how many subscriptions it reaches."""
        return dds.count_matched_readers(self._writer)

    def wait_for_all_acked(self, timeout: Duration = Infinite) -> bool:
        """Block until all reliable subscriptions have everything; return False if the time is over before."""
        return dds.wait_for_acks(self._writer, timeout.nanoseconds)

    def assert_liveliness(self) -> None:
        """Show that the publisher is alive, where its liveliness is MANUAL_BY_TOPIC."""
        dds.assert_liveliness(self._writer)

    def destroy(self) -> None:
        """Stop publishing."""
        self._node.disown_endpoints(set(), {self._guid})
        dds.delete(self._writer)
