"""QoS events: what happens to publishers and subscriptions beside their messages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from roslite.dds import Status

from rclpy.callback_groups import CallbackGroup
from rclpy.impl.implementation_singleton import UnsupportedEventTypeError as UnsupportedEventTypeError
from rclpy.logging import get_logger
from rclpy.qos import QoSPolicyKind, policy_kind_from_dds, qos_policy_name_from_kind
from rclpy.waitable import NumberOfEntities, Waitable, WaitSet
from roslite import dds

if TYPE_CHECKING:
    from rclpy.publisher import Publisher
    from rclpy.subscription import Subscription


class QoSPublisherEventType(Enum):
    """What can happen to a publisher."""

    RCL_PUBLISHER_OFFERED_DEADLINE_MISSED = 0
    RCL_PUBLISHER_LIVELINESS_LOST = 1
    RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS = 2
    RCL_PUBLISHER_INCOMPATIBLE_TYPE = 3
    RCL_PUBLISHER_MATCHED = 4


class QoSSubscriptionEventType(Enum):
    """What can happen to a subscription."""

    RCL_SUBSCRIPTION_REQUESTED_DEADLINE_MISSED = 0
    RCL_SUBSCRIPTION_LIVELINESS_CHANGED = 1
    RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS = 2
    RCL_SUBSCRIPTION_MESSAGE_LOST = 3
    RCL_SUBSCRIPTION_INCOMPATIBLE_TYPE = 4
    RCL_SUBSCRIPTION_MATCHED = 5


@dataclass
class QoSRequestedDeadlineMissedInfo:
    """How often a subscription waited too long for a message, in all and since the last event."""

    total_count: int = 0
    total_count_change: int = 0


@dataclass
class QoSOfferedDeadlineMissedInfo(QoSRequestedDeadlineMissedInfo):
    """How often a publisher was too late, in all and since the last event."""


@dataclass
class QoSLivelinessLostInfo(QoSRequestedDeadlineMissedInfo):
    """How often a publisher failed to show that it is alive, in all and since the last event."""


@dataclass
class QoSMessageLostInfo(QoSRequestedDeadlineMissedInfo):
    """How many messages a subscription lost, in all and since the last event."""


@dataclass
class IncompatibleTypeInfo(QoSRequestedDeadlineMissedInfo):
    """How many ends of the same topic have another type, in all and since the last event."""


@dataclass
class QoSLivelinessChangedInfo:
    """How many publishers of a subscription are alive and how many are not, now and since the last event."""

    alive_count: int = 0
    not_alive_count: int = 0
    alive_count_change: int = 0
    not_alive_count_change: int = 0


@dataclass
class QoSRequestedIncompatibleQoSInfo:
    """How many ends of the same topic cannot be talked to, in all and since the last event, and why the last."""

    total_count: int = 0
    total_count_change: int = 0
    last_policy_kind: QoSPolicyKind = QoSPolicyKind.INVALID


QoSOfferedIncompatibleQoSInfo = QoSRequestedIncompatibleQoSInfo


@dataclass
class QoSSubscriptionMatchedInfo:
    """How many ends are connected: ever, newly since the last event, now, and by how many more or fewer."""

    total_count: int = 0
    total_count_change: int = 0
    current_count: int = 0
    current_count_change: int = 0


QoSPublisherMatchedInfo = QoSSubscriptionMatchedInfo

_EVENTS: dict[QoSPublisherEventType | QoSSubscriptionEventType, tuple[Status, Any]] = {
    QoSPublisherEventType.RCL_PUBLISHER_OFFERED_DEADLINE_MISSED: (
        Status.OFFERED_DEADLINE_MISSED,
        QoSOfferedDeadlineMissedInfo,
    ),
    QoSPublisherEventType.RCL_PUBLISHER_LIVELINESS_LOST: (Status.LIVELINESS_LOST, QoSLivelinessLostInfo),
    QoSPublisherEventType.RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS: (
        Status.OFFERED_INCOMPATIBLE_QOS,
        QoSOfferedIncompatibleQoSInfo,
    ),
    QoSPublisherEventType.RCL_PUBLISHER_INCOMPATIBLE_TYPE: (Status.OFFERED_INCOMPATIBLE_QOS, IncompatibleTypeInfo),
    QoSPublisherEventType.RCL_PUBLISHER_MATCHED: (Status.PUBLICATION_MATCHED, QoSPublisherMatchedInfo),
    QoSSubscriptionEventType.RCL_SUBSCRIPTION_REQUESTED_DEADLINE_MISSED: (
        Status.REQUESTED_DEADLINE_MISSED,
        QoSRequestedDeadlineMissedInfo,
    ),
    QoSSubscriptionEventType.RCL_SUBSCRIPTION_LIVELINESS_CHANGED: (
        Status.LIVELINESS_CHANGED,
        QoSLivelinessChangedInfo,
    ),
    QoSSubscriptionEventType.RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS: (
        Status.REQUESTED_INCOMPATIBLE_QOS,
        QoSRequestedIncompatibleQoSInfo,
    ),
    QoSSubscriptionEventType.RCL_SUBSCRIPTION_MESSAGE_LOST: (Status.SAMPLE_LOST, QoSMessageLostInfo),
    QoSSubscriptionEventType.RCL_SUBSCRIPTION_INCOMPATIBLE_TYPE: (
        Status.REQUESTED_INCOMPATIBLE_QOS,
        IncompatibleTypeInfo,
    ),
    QoSSubscriptionEventType.RCL_SUBSCRIPTION_MATCHED: (Status.SUBSCRIPTION_MATCHED, QoSSubscriptionMatchedInfo),
}
"""The status of DDS behind each event, and how it is told."""


class EventHandler(Waitable):
    """Calls back when something happens to a publisher or subscription.

    Args:
        callback_group: which callbacks may not run at the same time.
        callback: is called with an info, whose class belongs to the type of the event.
        event_type: what to wait for.
        parent_impl: the publisher or subscription.
    """

    def __init__(
        self,
        *,
        callback_group: CallbackGroup,
        callback: Callable[[Any], Any],
        event_type: QoSPublisherEventType | QoSSubscriptionEventType,
        parent_impl: "Publisher | Subscription",
    ) -> None:
        super().__init__(callback_group)
        self.event_type = event_type
        self.callback = callback
        self.condition = parent_impl.entity
        self.status, info_type = _EVENTS[event_type]
        self._told = info_type()
        self.happened = False

    def is_ready(self, wait_set: WaitSet) -> bool:
        """Whether it happened."""
        return self.happened

    def take_data(self) -> Any:
        """Return how things stand, and how they changed since the last call; None if this is not of this type."""
        self.happened = False
        counts = dds.take_status(self.condition, self.status)
        before, self._told = self._told, type(self._told)()
        if isinstance(before, IncompatibleTypeInfo):
            # DDS counts these together with incompatible QoS, and tells of the last one which it is.
            is_type = counts.last_policy == dds.TYPE_CONSISTENCY_POLICY
            self._told.total_count = before.total_count + is_type
            self._told.total_count_change = int(is_type)
            return self._told if is_type else None
        for name in (field.name for field in fields(before)):
            if name == "last_policy_kind":
                self._told.last_policy_kind = policy_kind_from_dds(counts.last_policy)
            elif name.endswith("_change"):
                total = name.removesuffix("_change")
                setattr(self._told, name, getattr(counts, total) - getattr(before, total))
            else:
                setattr(self._told, name, getattr(counts, name))
        return self._told

    async def execute(self, taken_data: Any) -> None:
        """Call back with what was taken."""
        from rclpy.executors import await_or_execute

        if taken_data is not None:
            await await_or_execute(self.callback, taken_data)

    def get_num_entities(self) -> NumberOfEntities:
        """Return one event."""
        return NumberOfEntities(num_events=1)

    def add_to_wait_set(self, wait_set: WaitSet) -> None:
        """Add its publisher or subscription to a wait set."""
        wait_set.add_event(self)

    def destroy(self) -> None:
        """Do nothing: it ends with its publisher or subscription."""


@dataclass(kw_only=True)
class SubscriptionEventCallbacks:
    """What to call when something happens to a subscription.

    Attributes:
        deadline: no message came within the deadline that was asked for.
        incompatible_qos: a publisher was found that does not offer what is asked for.
        liveliness: a publisher came to life or failed to show that it is alive.
        message_lost: a message was lost.
        incompatible_type: a publisher of another type was found.
        matched: a publisher was connected, or is gone.
        use_default_callbacks: warn of incompatible ends where no callback is given.
    """

    deadline: Callable[[QoSRequestedDeadlineMissedInfo], Any] | None = None
    incompatible_qos: Callable[[QoSRequestedIncompatibleQoSInfo], Any] | None = None
    liveliness: Callable[[QoSLivelinessChangedInfo], Any] | None = None
    message_lost: Callable[[QoSMessageLostInfo], Any] | None = None
    incompatible_type: Callable[[IncompatibleTypeInfo], Any] | None = None
    matched: Callable[[QoSSubscriptionMatchedInfo], Any] | None = None
    use_default_callbacks: bool = True

    def create_event_handlers(
        self, callback_group: CallbackGroup, subscription: "Subscription", topic_name: str
    ) -> list[EventHandler]:
        """Return a handler for each callback."""
        logger = get_logger(subscription.get_logger_name())

        def warn(info: QoSRequestedIncompatibleQoSInfo) -> None:
            logger.warn(
                f"New publisher discovered on topic '{topic_name}', offering incompatible QoS. "
                "No messages will be received from it. "
                f"Last incompatible policy: {qos_policy_name_from_kind(info.last_policy_kind)}"
            )

        kind = QoSSubscriptionEventType
        callbacks = {
            kind.RCL_SUBSCRIPTION_REQUESTED_DEADLINE_MISSED: self.deadline,
            kind.RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS: self.incompatible_qos
            or (warn if self.use_default_callbacks else None),
            kind.RCL_SUBSCRIPTION_LIVELINESS_CHANGED: self.liveliness,
            kind.RCL_SUBSCRIPTION_MESSAGE_LOST: self.message_lost,
            kind.RCL_SUBSCRIPTION_INCOMPATIBLE_TYPE: self.incompatible_type,
            kind.RCL_SUBSCRIPTION_MATCHED: self.matched,
        }
        return _handlers(callbacks, callback_group, subscription)


@dataclass(kw_only=True)
class PublisherEventCallbacks:
    """What to call when something happens to a publisher.

    Attributes:
        deadline: no message was published within the deadline that is offered.
        liveliness: the publisher failed to show that it is alive.
        incompatible_qos: a subscription was found that asks for more than is offered.
        incompatible_type: a subscription of another type was found.
        matched: a subscription was connected, or is gone.
        use_default_callbacks: warn of incompatible ends where no callback is given.
    """

    deadline: Callable[[QoSOfferedDeadlineMissedInfo], Any] | None = None
    liveliness: Callable[[QoSLivelinessLostInfo], Any] | None = None
    incompatible_qos: Callable[[QoSOfferedIncompatibleQoSInfo], Any] | None = None
    incompatible_type: Callable[[IncompatibleTypeInfo], Any] | None = None
    matched: Callable[[QoSPublisherMatchedInfo], Any] | None = None
    use_default_callbacks: bool = True

    def create_event_handlers(
        self, callback_group: CallbackGroup, publisher: "Publisher", topic_name: str
    ) -> list[EventHandler]:
        """Return a handler for each callback."""
        logger = get_logger(publisher.get_logger_name())

        def warn(info: QoSOfferedIncompatibleQoSInfo) -> None:
            logger.warn(
                f"New subscription discovered on topic '{topic_name}', requesting incompatible QoS. "
                "No messages will be sent to it. "
                f"Last incompatible policy: {qos_policy_name_from_kind(info.last_policy_kind)}"
            )

        kind = QoSPublisherEventType
        callbacks = {
            kind.RCL_PUBLISHER_OFFERED_DEADLINE_MISSED: self.deadline,
            kind.RCL_PUBLISHER_LIVELINESS_LOST: self.liveliness,
            kind.RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS: self.incompatible_qos
            or (warn if self.use_default_callbacks else None),
            kind.RCL_PUBLISHER_INCOMPATIBLE_TYPE: self.incompatible_type,
            kind.RCL_PUBLISHER_MATCHED: self.matched,
        }
        return _handlers(callbacks, callback_group, publisher)


def _handlers(
    callbacks: Mapping[Any, Callable[[Any], Any] | None], group: CallbackGroup, parent: "Publisher | Subscription"
) -> list[EventHandler]:
    handlers = [
        EventHandler(callback_group=group, callback=callback, event_type=event_type, parent_impl=parent)
        for event_type, callback in callbacks.items()
        if callback is not None
    ]
    dds.watch_statuses(parent.entity, {handler.status for handler in handlers})
    return handlers
