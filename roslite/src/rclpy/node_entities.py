"""What a node consists of: publishers, subscriptions, timers, services, clients, guard conditions."""

import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.client import Client
from rclpy.clock import Clock
from rclpy.context import Context
from rclpy.destroyable import refuse_destroyed
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.guard_condition import GuardCondition
from rclpy.logging import RcutilsLogger
from rclpy.node_graph import NodeGraph
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, qos_profile_services_default, resolve
from rclpy.qos_overriding_options import QoSOverridingOptions, override
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.timer import Rate, Timer
from rclpy.type_support import check_is_valid_msg_type, check_is_valid_srv_type
from rclpy.waitable import Waitable

if TYPE_CHECKING:
    from rclpy.executors import Executor
    from rclpy.node import Node

_Entity = TypeVar("_Entity")


class NodeEntities(NodeGraph):
    """The part of :class:`rclpy.node.Node` that creates, holds and destroys what the node consists of."""

    _context: Context
    _clock: Clock
    _logger: RcutilsLogger

    def __init__(self) -> None:
        self._publishers: list[Publisher] = []
        self._subscriptions: list[Subscription] = []
        self._services: list[Service] = []
        self._clients: list[Client] = []
        self._guards: list[GuardCondition] = []
        self._rates: list[Rate] = []
        self._waitables: list[Waitable] = []
        self.timer_list: list[Timer] = []
        self._executor: weakref.ref[Executor] | None = None
        self._destroyed = False
        self._default_callback_group: CallbackGroup = MutuallyExclusiveCallbackGroup()

    @property
    def context(self) -> Context:
        """Where the node lives."""
        return self._context

    @property
    def executor(self) -> "Executor | None":
        """Who runs the callbacks, None if nobody."""
        return None if self._executor is None else self._executor()

    @executor.setter
    def executor(self, new_executor: "Executor | None") -> None:
        node, current = cast("Node", self), self.executor
        if current is not None and current is not new_executor:
            current.remove_node(node)
        if new_executor is None:
            self._executor = None
        elif new_executor.add_node(node) or current is not new_executor:
            self._executor = weakref.ref(new_executor)

    @property
    def default_callback_group(self) -> CallbackGroup:
        """The group of all callbacks that are given no other; one at a time."""
        return self._default_callback_group

    def get_clock(self) -> Clock:
        """Return the clock, of ROS time."""
        return self._clock

    def get_logger(self) -> RcutilsLogger:
        """Return the logger."""
        return self._logger

    @property
    def publishers(self) -> Iterator[Publisher]:
        """The publishers."""
        yield from self._publishers

    @property
    def subscriptions(self) -> Iterator[Subscription]:
        """The subscriptions."""
        yield from self._subscriptions

    @property
    def services(self) -> Iterator[Service]:
        """The services."""
        yield from self._services

    @property
    def clients(self) -> Iterator[Client]:
        """The clients."""
        yield from self._clients

    @property
    def timers(self) -> Iterator[Timer]:
        """The timers."""
        yield from self.timer_list

    @property
    def guards(self) -> Iterator[GuardCondition]:
        """The guard conditions."""
        yield from self._guards

    @property
    def waitables(self) -> Iterator[Waitable]:
        """The waitables, among them the handlers of QoS events."""
        yield from self._waitables
        for publisher in self._publishers:
            yield from publisher.event_handlers
        for subscription in self._subscriptions:
            yield from subscription.event_handlers

    @property
    def waitable_list(self) -> list[Any]:
        """All that has a condition of its own, in the order in which an executor serves it."""
        return [*self._subscriptions, *self._guards, *self._services, *self._clients]

    def add_waitable(self, waitable: Waitable) -> None:
        """Let the executor wait for a waitable and run it."""
        self._waitables.append(waitable)
        self._wake()

    def remove_waitable(self, waitable: Waitable) -> None:
        """Let the executor forget a waitable."""
        self._waitables.remove(waitable)
        self._wake()

    def create_publisher(
        self,
        msg_type: Any,
        topic: str,
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        event_callbacks: PublisherEventCallbacks | None = None,
        qos_overriding_options: QoSOverridingOptions | None = None,
        publisher_class: type[Publisher] = Publisher,
    ) -> Publisher:
        """Return a new publisher.

        Args:
            msg_type: class of the messages.
            topic: name of the topic.
            qos_profile: quality of service, or the depth of a reliable one.
            callback_group: which callbacks may not run at the same time, for those of ``event_callbacks``.
            event_callbacks: what to call when something happens to the publisher.
            qos_overriding_options: which policies parameters can override.
            publisher_class: the class of the publisher.

        Raises:
            InvalidHandle: the node was destroyed.
            InvalidTopicNameException: the name is invalid.
            AttributeError, RuntimeError: ``msg_type`` is not a message.
            InvalidQosOverridesError: the overridden quality of service was refused.
        """
        refuse_destroyed(self._destroyed)
        check_is_valid_msg_type(msg_type)
        group = callback_group or self._default_callback_group
        qos = self._overridden(resolve(qos_profile), "publisher", topic, qos_overriding_options)
        events = event_callbacks or PublisherEventCallbacks()
        publisher = publisher_class(self, msg_type, topic, qos, event_callbacks=events, callback_group=group)
        return self._add(publisher, self._publishers, group)

    def create_subscription(
        self,
        msg_type: Any,
        topic: str,
        callback: Callable[..., Any],
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        event_callbacks: SubscriptionEventCallbacks | None = None,
        qos_overriding_options: QoSOverridingOptions | None = None,
        raw: bool = False,
    ) -> Subscription:
        """Return a new subscription.

        Args:
            msg_type: class of the messages.
            topic: name of the topic.
            callback: is called with each message, and with a message info too if it takes two arguments.
            qos_profile: quality of service, or the depth of a reliable one.
            callback_group: which callbacks may not run at the same time.
            event_callbacks: what to call when something happens to the subscription.
            qos_overriding_options: which policies parameters can override.
            raw: hand over the CDR instead of a message.

        Raises:
            InvalidHandle: the node was destroyed.
            InvalidTopicNameException: the name is invalid.
            AttributeError, RuntimeError: ``msg_type`` is not a message.
            InvalidQosOverridesError: the overridden quality of service was refused.
        """
        refuse_destroyed(self._destroyed)
        check_is_valid_msg_type(msg_type)
        group = callback_group or self._default_callback_group
        qos = self._overridden(resolve(qos_profile), "subscription", topic, qos_overriding_options)
        events = event_callbacks or SubscriptionEventCallbacks()
        subscription = Subscription(self, msg_type, topic, callback, group, qos, raw, events)
        return self._add(subscription, self._subscriptions, group)

    def create_timer(
        self,
        timer_period_sec: float,
        callback: Callable[[], Any],
        callback_group: CallbackGroup | None = None,
        clock: Clock | None = None,
        autostart: bool = True,
    ) -> Timer:
        """Return a new timer.

        Args:
            timer_period_sec: the period in seconds.
            callback: is called each period.
            callback_group: which callbacks may not run at the same time.
            clock: whose time counts; the node's if None.
            autostart: whether it runs at once.

        Raises:
            InvalidHandle: the node was destroyed.
            ValueError: the period is negative.
        """
        refuse_destroyed(self._destroyed)
        group = callback_group or self._default_callback_group
        period_ns = int(float(timer_period_sec) * 1e9)
        timer = Timer(callback, group, period_ns, clock or self._clock, context=self._context)
        if not autostart:
            timer.cancel()
        return self._add(timer, self.timer_list, group)

    def create_guard_condition(
        self, callback: Callable[[], Any], callback_group: CallbackGroup | None = None
    ) -> GuardCondition:
        """Return a new guard condition.

        Raises:
            InvalidHandle: the node was destroyed.
        """
        refuse_destroyed(self._destroyed)
        group = callback_group or self._default_callback_group
        return self._add(GuardCondition(callback, group, self._context), self._guards, group)

    def create_service(
        self,
        srv_type: Any,
        srv_name: str,
        callback: Callable[[Any, Any], Any],
        *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Service:
        """Return a new service; the callback gets request and response, and returns the response.

        Raises:
            InvalidServiceNameException: the name is invalid.
            InvalidHandle: the node was destroyed.
            AttributeError, RuntimeError: ``srv_type`` is not a service.
        """
        refuse_destroyed(self._destroyed)
        check_is_valid_srv_type(srv_type)
        group = callback_group or self._default_callback_group
        service = Service(self, srv_type, srv_name, callback, group, qos_profile)
        return self._add(service, self._services, group)

    def create_client(
        self,
        srv_type: Any,
        srv_name: str,
        *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Client:
        """Return a new client of a service.

        Raises:
            InvalidServiceNameException: the name is invalid.
            InvalidHandle: the node was destroyed.
            AttributeError, RuntimeError: ``srv_type`` is not a service.
        """
        refuse_destroyed(self._destroyed)
        check_is_valid_srv_type(srv_type)
        group = callback_group or self._default_callback_group
        client = Client(self, srv_type, srv_name, qos_profile, group)
        return self._add(client, self._clients, group)

    def create_rate(self, frequency: float, clock: Clock | None = None) -> Rate:
        """Return a rate that a thread can sleep by, ``frequency`` times a second.

        Raises:
            ValueError: the frequency is not positive.
        """
        if frequency <= 0:
            raise ValueError("frequency must be > 0")
        timer = self.create_timer(1.0 / frequency, lambda: None, ReentrantCallbackGroup(), clock)
        rate = Rate(timer, context=self._context)
        self._rates.append(rate)
        return rate

    def _overridden(self, qos: QoSProfile, end: str, topic: str, options: QoSOverridingOptions | None) -> QoSProfile:
        if options is None:
            return qos
        return override(cast("Node", self), qos, end, self.resolve_topic_name(topic), options)

    def _add(self, entity: _Entity, entities: list[_Entity], group: CallbackGroup) -> _Entity:
        entities.append(entity)
        group.add_entity(entity)
        self._wake()
        return entity

    def destroy_publisher(self, publisher: Publisher) -> bool:
        """Destroy a publisher; return False if it is not of this node."""
        return self._destroy(publisher, self._publishers)

    def destroy_subscription(self, subscription: Subscription) -> bool:
        """Destroy a subscription; return False if it is not of this node."""
        return self._destroy(subscription, self._subscriptions)

    def destroy_client(self, client: Client) -> bool:
        """Destroy a client; return False if it is not of this node."""
        return self._destroy(client, self._clients)

    def destroy_service(self, service: Service) -> bool:
        """Destroy a service; return False if it is not of this node."""
        return self._destroy(service, self._services)

    def destroy_timer(self, timer: Timer) -> bool:
        """Destroy a timer; return False if it is not of this node."""
        return self._destroy(timer, self.timer_list)

    def destroy_guard_condition(self, guard: GuardCondition) -> bool:
        """Destroy a guard condition; return False if it is not of this node."""
        return self._destroy(guard, self._guards)

    def destroy_rate(self, rate: Rate) -> bool:
        """Destroy a rate; return False if it is not of this node."""
        if rate not in self._rates:
            return False
        self._rates.remove(rate)
        self.destroy_timer(rate._timer)
        rate.destroy()
        return True

    def _destroy(self, entity: Any, entities: list[Any]) -> bool:
        if entity not in entities:
            return False
        entities.remove(entity)
        entity.destroy()
        self._wake()
        return True

    def _wake(self) -> None:
        if (executor := self.executor) is not None:
            executor.wake()

    def _destroy_entities(self) -> None:
        for rate in list(self._rates):
            self.destroy_rate(rate)
        self._destroyed = True
        for entities in (self._publishers, self._subscriptions, self._services, self._clients, self._guards):
            while entities:
                entities.pop().destroy()
        self._waitables.clear()
        while self.timer_list:
            self.timer_list.pop().destroy()
