"""Subscriptions."""

import inspect
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict

from roslite.discovery import topic_name
from roslite.idl import dds_type
from roslite.messages import interface_name

from rclpy.callback_groups import CallbackGroup
from rclpy.qos import QoSProfile, to_dds
from roslite import cdr, dds

if TYPE_CHECKING:
    from rclpy.node_entities import NodeEntities


class MessageInfo(TypedDict):
    """What is known of a received message beside its content; a callback with two arguments gets it.

    Both are nanoseconds since the Unix epoch: when it was sent, and when it was taken.
    """

    source_timestamp: int
    received_timestamp: int


class Subscription:
    """Calls back with messages of one type from a topic; made by :meth:`rclpy.node.Node.create_subscription`."""

    def __init__(
        self,
        node: "NodeEntities",
        msg_type: Any,
        topic: str,
        callback: Callable[..., Any],
        callback_group: CallbackGroup,
        qos_profile: QoSProfile,
        raw: bool,
    ) -> None:
        self.msg_type = msg_type
        self.topic = topic
        self.callback = callback
        self.callback_group = callback_group
        self.qos_profile = qos_profile
        self.raw = raw
        self._node = node
        self._wants_info = _wants_info(callback)
        self.malformed = 0
        name = topic_name(topic, qos_profile.avoid_ros_namespace_conventions)
        self._reader = node.context.participant.create_reader(
            name, dds_type(interface_name(msg_type)), to_dds(qos_profile)
        )
        self.condition = dds.create_read_condition(self._reader)
        self.status = self._reader
        dds.watch_incompatible_qos(self._reader, is_reader=True)
        self._guid = dds.guid(self._reader)
        node.own_endpoints({self._guid}, set())

    @property
    def topic_name(self) -> str:
        """The absolute name of the topic."""
        return self.topic

    def warn_of_incompatible_qos(self) -> None:
        """Log that a publisher will not be heard, and why, if one was found."""
        if policy := dds.take_incompatible_policy(self._reader, is_reader=True):
            self._node.get_logger().warning(
                f"New publisher discovered on topic '{self.topic}', offering incompatible QoS. "
                f"No messages will be received from it. Last incompatible policy: {policy}"
            )

    def get_publisher_count(self) -> int:
        """Return how many publishers it hears."""
        return dds.count_matched_writers(self._reader)

    def take(self) -> tuple[Any, MessageInfo] | None:
        """Take the oldest message (its CDR if ``raw``); None if there is none.

        Bytes that hold no message of the type are dropped; the first are logged, all are counted.
        """
        received = dds.take(self._reader)
        if received is None:
            return None
        info = MessageInfo(source_timestamp=received.source_timestamp, received_timestamp=time.time_ns())
        if self.raw:
            return bytes(received.data), info
        try:
            return cdr.deserialize(received.data, self.msg_type), info
        except cdr.CdrError as error:
            self.malformed += 1
            self._node.get_logger().error(f"dropping a malformed message on '{self.topic}': {error}", once=True)
            return None

    def call(self, taken: tuple[Any, MessageInfo]) -> Any:
        """Call back with what was taken."""
        message, info = taken
        return self.callback(message, info) if self._wants_info else self.callback(message)

    def destroy(self) -> None:
        """Stop listening."""
        self._node.disown_endpoints({self._guid}, set())
        dds.delete(self._reader)


def _wants_info(callback: Callable[..., Any]) -> bool:
    """Whether a callback takes a message info beside the message.

    Raises:
        RuntimeError: it takes neither one nor two arguments.
    """
    try:
        signature = inspect.signature(callback)
    except ValueError:
        return False
    for count in (1, 2):
        try:
            signature.bind(*range(count))
        except TypeError:
            continue
        return count == 2
    raise RuntimeError(
        "Subscription.callback should be a callable with one argument (to be called with only the message) "
        "or two (to be called with the message and the message info)."
    )
