"""Nodes: what a program is in the ROS graph."""

from types import CodeType, TracebackType

from roslite.arguments import RosArguments
from roslite.discovery import LocalNode
from roslite.parameters import ParameterStore

from rclpy.clock import Clock, ROSClock
from rclpy.context import Context
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.exceptions import (
    NotInitializedException,
)
from rclpy.logging import LoggingSeverity, get_logger, publish_to
from rclpy.node_entities import NodeEntities
from rclpy.node_graph import NodeNameNonExistentError
from rclpy.node_parameters import NodeParameters
from rclpy.parameter import Parameter
from rclpy.parameter_service import ParameterService
from rclpy.publisher import Publisher
from rclpy.qos import (
    qos_profile_parameter_events,
    qos_profile_rosout_default,
)
from rclpy.time_source import TimeSource
from rclpy.utilities import get_default_context, parse_ros_arguments
from rclpy.validate_namespace import validate_namespace
from rclpy.validate_node_name import validate_node_name

HIDDEN_NODE_PREFIX = "_"

__all__ = ["HIDDEN_NODE_PREFIX", "Node", "NodeNameNonExistentError"]


class Node(NodeEntities, NodeParameters):
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
        super().__init__()
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
        if enable_rosout and self._context.arguments.rosout_logs:
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
        self._time_source = TimeSource(node=self)
        self._time_source.attach_clock(clock)
        if services:
            self._parameter_service = ParameterService(self)

    def _start_rosout(self) -> None:
        from rcl_interfaces.msg import Log

        publisher = self._rosout = Publisher(
            self, Log, "/rosout", qos_profile_rosout_default, PublisherEventCallbacks(), self._default_callback_group
        )
        clock, name = self._clock, self._logger.name

        def publish(severity: LoggingSeverity, message: str, code: CodeType, line: int) -> None:
            if publisher._context.ok():
                stamp = clock.now().to_msg()
                publisher.publish(
                    Log(
                        stamp=stamp,
                        level=int(severity),
                        name=name,
                        msg=message,
                        file=code.co_filename,
                        function=code.co_name,
                        line=line,
                    )
                )

        publish_to(name, publish)

    def destroy_node(self) -> None:
        """Destroy the node and all that belongs to it."""
        if self._destroyed:
            return
        publish_to(self._logger.name, None)
        self.executor = None
        if self._rosout is not None:
            self._rosout.destroy()
        self._destroy_entities()
        self._graph.remove(self._local)
        self._context.track_node(created=False)

    def __enter__(self) -> "Node":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.destroy_node()


def _absolute(namespace: str) -> str:
    return namespace if namespace.startswith("/") else f"/{namespace}"
