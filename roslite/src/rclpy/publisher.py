"""Publishers."""

from typing import TYPE_CHECKING, Any

from roslite.discovery import topic_name
from roslite.idl import dds_type
from roslite.messages import interface_name

from rclpy.callback_groups import CallbackGroup
from rclpy.destroyable import Destroyable
from rclpy.duration import Duration, Infinite
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.impl.implementation_singleton import RCLError
from rclpy.qos import QoSProfile, to_dds
from roslite import cdr, dds

if TYPE_CHECKING:
    from rclpy.node_entities import NodeEntities


class Publisher(Destroyable):
    """Publishes messages of one type on a topic; made by :meth:`rclpy.node.Node.create_publisher`."""

    def __init__(
        self,
        node: "NodeEntities",
        msg_type: Any,
        topic: str,
        qos_profile: QoSProfile,
        event_callbacks: PublisherEventCallbacks,
        callback_group: CallbackGroup,
    ) -> None:
        self.msg_type = msg_type
        self.topic = topic
        self.qos_profile = qos_profile
        self._context = node.context
        self._node = node
        self._name = node.resolve_topic_name(topic)
        name = topic_name(self._name, qos_profile.avoid_ros_namespace_conventions)
        self.entity = node.context.participant.create_writer(
            name, dds_type(interface_name(msg_type)), to_dds(qos_profile)
        )
        self.event_handlers = event_callbacks.create_event_handlers(callback_group, self, topic)
        self._guid = dds.guid(self.entity)
        node.own_endpoints(set(), {self._guid})

    @property
    def topic_name(self) -> str:
        """The absolute name of the topic."""
        return self._name

    def get_logger_name(self) -> str:
        """Return the name of the logger of its node."""
        return self._node.get_logger().name

    def publish(self, msg: Any) -> None:
        """Send a message, or its CDR as bytes.

        Raises:
            TypeError: a message of another type.
            InvalidHandle: the publisher was destroyed.
            RCLError: the context is shut down, or the bytes are not CDR of this type.
        """
        self._check_usable()
        if not self._context.ok():
            raise RCLError("Failed to publish: publisher's context is invalid")
        if isinstance(msg, self.msg_type):
            data = cdr.serialize(msg)
        elif isinstance(msg, (bytes, bytearray)):
            data = bytearray(msg)
        else:
            raise TypeError(f"Expected {self.msg_type}, got {type(msg)}")
        try:
            dds.write(self.entity, data)
        except dds.DdsError as error:
            raise RCLError(f"Failed to publish on '{self._name}': {error}") from error

    def get_subscription_count(self) -> int:
        """Return how many subscriptions it reaches."""
        self._check_usable()
        return dds.count_matched_readers(self.entity)

    def wait_for_all_acked(self, timeout: Duration = Infinite) -> bool:
        """Block until all reliable subscriptions have everything; return False if the time is over before."""
        self._check_usable()
        return dds.wait_for_acks(self.entity, timeout.nanoseconds)

    def assert_liveliness(self) -> None:
        """Show that the publisher is alive, where its liveliness is MANUAL_BY_TOPIC."""
        self._check_usable()
        dds.assert_liveliness(self.entity)

    def destroy(self) -> None:
        """Stop publishing."""
        super().destroy()
        self._node.disown_endpoints(set(), {self._guid})
        dds.delete(self.entity)
