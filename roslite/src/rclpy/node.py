"""Nodes: what a program is in the ROS graph."""

import weakref
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from roslite.arguments import RosArguments
from roslite.discovery import LocalNode
from roslite.messages import interface_name
from roslite.names import join
from roslite.parameters import ParameterStore

from rclpy.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from rclpy.client import Client
from rclpy.clock import Clock, ROSClock
from rclpy.context import Context
from rclpy.exceptions import (
    InvalidServiceNameException,
    InvalidTopicNameException,
    NotInitializedException,
)
from rclpy.expand_topic_name import expand_topic_name
from rclpy.guard_condition import GuardCondition
from rclpy.logging import LoggingSeverity, RcutilsLogger, get_logger, publish_to
from rclpy.node_graph import NodeGraph, NodeNameNonExistentError
from rclpy.node_parameters import NodeParameters
from rclpy.parameter import Parameter
from rclpy.parameter_service import ParameterService
from rclpy.publisher import Publisher
from rclpy.qos import (
    QoSProfile,
    qos_profile_parameter_events,
    qos_profile_rosout_default,
    qos_profile_services_default,
    resolve,
)
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.time_source import TimeSource
from rclpy.timer import Rate, Timer
from rclpy.utilities import get_default_context, parse_ros_arguments
from rclpy.validate_full_topic_name import validate_full_topic_name
from rclpy.validate_namespace import validate_namespace
from rclpy.validate_node_name import validate_node_name

if TYPE_CHECKING:
    from rclpy.executors import Executor

HIDDEN_NODE_PREFIX = "_"

__all__ = ["HIDDEN_NODE_PREFIX", "Node", "NodeNameNonExistentError"]

_Entity = TypeVar("_Entity")


class Node(NodeParameters, NodeGraph):
    """A node.

    Args:
        node_name: its name; ``--ros-args -r __node:=…`` replaces it.
        context: where it lives; the default one if None.
        cli_args: arguments for this node alone, beginning with ``--ros-args``.
        namespace: what is put before its relative names; ``-r __ns:=…`` replaces it.
        use_global_arguments: whether the arguments of the process hold for this node.
        enable_rosout: whether its logger publishes on ``/rosout``.
        start_parameter_services: whether others can read and set its parameters.
        parameter_overrides: values that replace those given when parameters are declared.
        allow_undeclared_parameters: whether parameters can be set that were not declared.
        automatically_declare_parameters_from_overrides: declare all parameters that have an override.

    Raises:
        NotInitializedException: the context is not running.
        InvalidNodeNameException: the name is invalid.
        InvalidNamespaceException: the namespace is invalid.
    """

    def __init__(
        self,
        node_name: str,
        *,
        context: Context | None = None,
        cli_args: list[str] | None = None,
        namespace: str | None = None,
        use_global_arguments: bool = True,
        enable_rosout: bool = True,
        start_parameter_services: bool = True,
        parameter_overrides: list[Parameter] | None = None,
        allow_undeclared_parameters: bool = False,
        automatically_declare_parameters_from_overrides: bool = False,
    ) -> None:
        self._context = context or get_default_context()
        if not self._context.ok():
            raise NotInitializedException("cannot create node")
        self._arguments = self._collect_arguments(cli_args, use_global_arguments)
        validate_node_name(node_name)
        name = self._arguments.node_name(node_name)
        validate_node_name(name)
        self._name = name
        self._namespace = self._arguments.namespace(node_name, _absolute(namespace or ""))
        validate_namespace(self._namespace)

        self._destroyed = False
        self._executor: weakref.ref[Executor] | None = None
        self._publishers: list[Publisher] = []
        self._subscriptions: list[Subscription] = []
        self._services: list[Service] = []
        self._clients: list[Client] = []
        self._guards: list[GuardCondition] = []
        self._rates: list[Rate] = []
        self.timer_list: list[Timer] = []
        self._default_callback_group = MutuallyExclusiveCallbackGroup()
        self._logger = get_logger(self.get_fully_qualified_name().strip("/").replace("/", "."))
        clock = ROSClock()
        self._clock: Clock = clock

        self._graph = self._context.graph
        self._local = LocalNode(self._name, self._namespace)
        self._graph.add(self._local)
        self._context.track_node(created=True)

        overrides = self._parameter_overrides(parameter_overrides or [])
        self._parameter_store = ParameterStore(overrides, allow_undeclared_parameters, self._publish_parameter_events)
        self._parameter_events: Publisher | None = None
        self._start_parameters(clock, start_parameter_services, automatically_declare_parameters_from_overrides)
        self._rosout: Publisher | None = None
        if enable_rosout:
            self._start_rosout()

    def _collect_arguments(self, cli_args: list[str] | None, use_global: bool) -> RosArguments:
        """Return the arguments for this node; its own come before those of the process, except for parameters."""
        own = parse_ros_arguments(cli_args or [])
        shared = self._context.arguments if use_global else RosArguments()
        return RosArguments(own.remaps + shared.remaps, shared.parameters + own.parameters)

    def _parameter_overrides(self, given: list[Parameter]) -> dict[str, Parameter]:
        values = self._arguments.parameters_of(self.get_fully_qualified_name())
        overrides = {name: Parameter(name, value=value) for name, value in values.items()}
        overrides.update({parameter.name: parameter for parameter in given})
        return overrides

    def _start_parameters(self, clock: ROSClock, services: bool, declare_overrides: bool) -> None:
        from rcl_interfaces.msg import ParameterEvent

        self._parameter_events = self.create_publisher(
            ParameterEvent, "/parameter_events", qos_profile_parameter_events
        )
        if declare_overrides:
            from rcl_interfaces.msg import ParameterDescriptor

            self._parameter_store.declare(
                [
                    (name, parameter.value, ParameterDescriptor(dynamic_typing=True))
                    for name, parameter in self._parameter_store.overrides.items()
                ],
                ignore_override=True,
            )
        self._time_source = TimeSource(self, clock)
        if services:
            self._parameter_service = ParameterService(self)

    def _start_rosout(self) -> None:
        from rcl_interfaces.msg import Log

        publisher = self._rosout = self.create_publisher(Log, "/rosout", qos_profile_rosout_default)
        clock, name = self._clock, self._logger.name

        def publish(severity: LoggingSeverity, message: str, file: str, line: int) -> None:
            if publisher._context.ok():
                stamp = clock.now().to_msg()
                publisher.publish(Log(stamp=stamp, level=int(severity), name=name, msg=message, file=file, line=line))

        publish_to(name, publish)

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
        current = self.executor
        if current is not None and current is not new_executor:
            current.remove_node(self)
        if new_executor is None:
            self._executor = None
        elif new_executor.add_node(self) or current is not new_executor:
            self._executor = weakref.ref(new_executor)

    @property
    def default_callback_group(self) -> CallbackGroup:
        """The group of all callbacks that are given no other; one at a time."""
        return self._default_callback_group

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
    def topic_ends(self) -> list[Publisher | Subscription]:
        """All publishers and subscriptions."""
        return [*self._publishers, *self._subscriptions]

    @property
    def waitable_list(self) -> list[Any]:
        """All that an executor waits for beside timers, in the order in which it is served."""
        return [*self._subscriptions, *self._guards, *self._services, *self._clients]

    def get_name(self) -> str:
        """Return the name."""
        return self._name

    def get_namespace(self) -> str:
        """Return the namespace."""
        return self._namespace

    def get_fully_qualified_name(self) -> str:
        """Return namespace and name."""
        return join(self._namespace, self._name)

    def get_clock(self) -> Clock:
        """Return the clock, of ROS time."""
        return self._clock

    def get_logger(self) -> RcutilsLogger:
        """Return the logger."""
        return self._logger

    # Readers and writers, as the graph tells of them.

    def own_readers(self, guids: set[bytes]) -> None:
        """Announce new readers of this node."""
        self.own_endpoints(guids, set())

    def own_writers(self, guids: set[bytes]) -> None:
        """Announce new writers of this node."""
        self.own_endpoints(set(), guids)

    def own_endpoints(self, readers: set[bytes], writers: set[bytes]) -> None:
        """Announce new readers and writers of this node."""

        def add() -> None:
            self._local.readers |= readers
            self._local.writers |= writers

        self._graph.change(add)
        self._wake()

    def disown_readers(self, guids: set[bytes]) -> None:
        """Announce that readers of this node are gone."""
        self.disown_endpoints(guids, set())

    def disown_writers(self, guids: set[bytes]) -> None:
        """Announce that writers of this node are gone."""
        self.disown_endpoints(set(), guids)

    def disown_endpoints(self, readers: set[bytes], writers: set[bytes]) -> None:
        """Announce that readers and writers of this node are gone."""

        def remove() -> None:
            self._local.readers -= readers
            self._local.writers -= writers

        if not self._destroyed:
            self._graph.change(remove)

    def _wake(self) -> None:
        if (executor := self.executor) is not None:
            executor.wake()

    # Topics, timers, services.

    def create_publisher(
        self,
        msg_type: Any,
        topic: str,
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        publisher_class: type[Publisher] = Publisher,
    ) -> Publisher:
        """Return a new publisher.

        Raises:
            InvalidTopicNameException: the name is invalid.
            TypeError: ``msg_type`` is not a message.
        """
        interface_name(msg_type)
        publisher = publisher_class(self, msg_type, self.resolve_topic_name(topic), resolve(qos_profile))
        self._publishers.append(publisher)
        return publisher

    def create_subscription(
        self,
        msg_type: Any,
        topic: str,
        callback: Callable[..., Any],
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        raw: bool = False,
    ) -> Subscription:
        """Return a new subscription.

        Args:
            msg_type: class of the messages.
            topic: name of the topic.
            callback: is called with each message, and with a message info too if it takes two arguments.
            qos_profile: quality of service, or the depth of a reliable one.
            callback_group: which callbacks may not run at the same time.
            raw: hand over the CDR instead of a message.

        Raises:
            InvalidTopicNameException: the name is invalid.
            TypeError: ``msg_type`` is not a message.
        """
        interface_name(msg_type)
        group = callback_group or self._default_callback_group
        subscription = Subscription(
            self, msg_type, self.resolve_topic_name(topic), callback, group, resolve(qos_profile), raw
        )
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
        """
        group = callback_group or self._default_callback_group
        period_ns = int(float(timer_period_sec) * 1e9)
        timer = Timer(callback, group, period_ns, clock or self._clock, context=self._context)
        if not autostart:
            timer.cancel()
        return self._add(timer, self.timer_list, group)

    def create_guard_condition(
        self, callback: Callable[[], Any], callback_group: CallbackGroup | None = None
    ) -> GuardCondition:
        """Return a new guard condition."""
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
            TypeError: ``srv_type`` is not a service.
        """
        interface_name(srv_type)
        group = callback_group or self._default_callback_group
        service = Service(self, srv_type, self.resolve_service_name(srv_name), callback, group, qos_profile)
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
            TypeError: ``srv_type`` is not a service.
        """
        interface_name(srv_type)
        group = callback_group or self._default_callback_group
        client = Client(self, srv_type, self.resolve_service_name(srv_name), qos_profile, group)
        return self._add(client, self._clients, group)

    def create_rate(self, frequency: float, clock: Clock | None = None) -> Rate:
        """Return a rate that a thread can sleep by, ``frequency`` times a second.

        Raises:
            ValueError: the frequency is not positive.
        """
        if frequency <= 0:
            raise ValueError("frequency must be > 0")
        from rclpy.callback_groups import ReentrantCallbackGroup

        timer = self.create_timer(1.0 / frequency, lambda: None, ReentrantCallbackGroup(), clock)
        rate = Rate(timer, context=self._context)
        self._rates.append(rate)
        return rate

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

    def destroy_node(self) -> None:
        """Destroy the node and all that belongs to it."""
        if self._destroyed:
            return
        publish_to(self._logger.name, None)
        self.executor = None
        for rate in list(self._rates):
            self.destroy_rate(rate)
        self._destroyed = True
        for entities in (self._publishers, self._subscriptions, self._services, self._clients, self._guards):
            while entities:
                entities.pop().destroy()
        while self.timer_list:
            self.timer_list.pop().destroy()
        self._graph.remove(self._local)
        self._context.track_node(created=False)

    def __enter__(self) -> "Node":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.destroy_node()

    # Names.

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        """Return the absolute name of a topic, remapped unless ``only_expand``.

        Raises:
            InvalidTopicNameException: the name is invalid.
        """
        name = expand_topic_name(topic, self._name, self._namespace)
        if not only_expand:
            name = self._arguments.resolve(name, self._name, self._namespace, "topic")
        validate_full_topic_name(name)
        return name

    def resolve_service_name(self, service: str, *, only_expand: bool = False) -> str:
        """Return the absolute name of a service, remapped unless ``only_expand``.

        Raises:
            InvalidServiceNameException: the name is invalid.
        """
        try:
            name = expand_topic_name(service, self._name, self._namespace)
            if not only_expand:
                name = self._arguments.resolve(name, self._name, self._namespace, "service")
            validate_full_topic_name(name, is_service=True)
        except InvalidTopicNameException as error:
            raise InvalidServiceNameException(service, str(error).split(":\n")[0], 0) from error
        return name


def _absolute(namespace: str) -> str:
    return namespace if namespace.startswith("/") else f"/{namespace}"
