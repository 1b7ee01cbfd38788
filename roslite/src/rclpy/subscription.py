"""Subscriptions."""

import inspect
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from roslite.discovery import topic_name
from roslite.idl import dds_type
from roslite.messages import interface_name

from rclpy.callback_groups import CallbackGroup
from rclpy.destroyable import Destroyable
from rclpy.event_handler import SubscriptionEventCallbacks
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


class Subscription(Destroyable):
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
        event_callbacks: SubscriptionEventCallbacks,
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
        self._name = node.resolve_topic_name(topic)
        name = topic_name(self._name, qos_profile.avoid_ros_namespace_conventions)
        self.entity = node.context.participant.create_reader(
            name, dds_type(interface_name(msg_type)), to_dds(qos_profile)
        )
        self.condition = dds.create_read_condition(self.entity)
        self.event_handlers = event_callbacks.create_event_handlers(callback_group, self, topic)
        self._guid = dds.guid(self.entity)
        node.own_endpoints({self._guid}, set())

    @property
    def topic_name(self) -> str:
        """The absolute name of the topic."""
        return self._name

    def get_logger_name(self) -> str:
        """Return the name of the logger of its node."""
        return self._node.get_logger().name

    def get_publisher_count(self) -> int:
        """Return how many publishers it hears."""
        self._check_usable()
        return dds.count_matched_writers(self.entity)

    def take(self) -> tuple[Any, MessageInfo] | None:
        """Take the oldest message (its CDR if ``raw``); None if there is none.

        Bytes that hold no message of the type are dropped; the first are logged, all are counted.
        """
        received = dds.take(self.entity)
        if received is None:
            return None
        info = MessageInfo(source_timestamp=received.source_timestamp, received_timestamp=time.time_ns())
        if self.raw:
            return bytes(received.data), info
        try:
            return cdr.deserialize(received.data, self.msg_type), info
        except cdr.CdrError as error:
            self.malformed += 1
            self._node.get_logger().error(f"dropping a malformed message on '{self._name}': {error}", once=True)
            return None

    def take_work(self) -> Callable[[], Any] | None:
        """Take the oldest message; return the callback with it, None if there is none."""
        taken = self.take()
        if taken is None:
            return None
        return partial(self.callback, *taken) if self._wants_info else partial(self.callback, taken[0])

    def destroy(self) -> None:
        """Stop listening."""
        super().destroy()
        self._node.disown_endpoints({self._guid}, set())
        dds.delete(self.entity)


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
