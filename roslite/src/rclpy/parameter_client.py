"""The parameters of another node, through its services."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterEvent
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)

from rclpy.callback_groups import CallbackGroup
from rclpy.client import Client
from rclpy.node import Node
from rclpy.parameter import Parameter, parameter_dict_from_yaml_file
from rclpy.qos import QoSProfile, qos_profile_parameter_events, qos_profile_services_default
from rclpy.subscription import Subscription
from rclpy.task import Future

Callback = Callable[[Future], Any]
"""Is called with the future when the answer is there."""

_POLL_S = 0.05


class AsyncParameterClient:
    """Reads and sets the parameters of another node; all calls return a future that has the service's response.

    Args:
        node: who asks.
        remote_node_name: the other node.
        qos_profile: quality of service of the clients.
        callback_group: of the clients; the node's default one if None.
    """

    def __init__(
        self,
        node: Node,
        remote_node_name: str,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> None:
        self.node = node
        self.remote_node_name = remote_node_name
        self._clients: dict[Any, Client] = {
            srv_type: node.create_client(
                srv_type, f"{remote_node_name}/{name}", qos_profile=qos_profile, callback_group=callback_group
            )
            for srv_type, name in (
                (DescribeParameters, "describe_parameters"),
                (GetParameters, "get_parameters"),
                (GetParameterTypes, "get_parameter_types"),
                (ListParameters, "list_parameters"),
                (SetParameters, "set_parameters"),
                (SetParametersAtomically, "set_parameters_atomically"),
            )
        }

    def services_are_ready(self) -> bool:
        """Whether all services of the other node are there."""
        return all(client.service_is_ready() for client in self._clients.values())

    def wait_for_services(self, timeout_sec: float | None = None) -> bool:
        """Block until all services are there; return False if the time is over before."""
        deadline = time.monotonic() + (math.inf if timeout_sec is None else timeout_sec)
        while not self.services_are_ready():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def list_parameters(
        self, prefixes: list[str] | None = None, depth: int | None = None, callback: Callback | None = None
    ) -> Future:
        """Ask for the names of the parameters.

        Args:
            prefixes: only those below one of these; all if None.
            depth: only those with at most so many names below the prefix; any number if None.
            callback: is called with the future when the answer is there, here and below.
        """
        return self._call(ListParameters, callback, prefixes=prefixes or [], depth=depth or 0)

    def get_parameters(self, names: list[str], callback: Callback | None = None) -> Future:
        """Ask for values."""
        return self._call(GetParameters, callback, names=names)

    def describe_parameters(self, names: list[str], callback: Callback | None = None) -> Future:
        """Ask for descriptors."""
        return self._call(DescribeParameters, callback, names=names)

    def get_parameter_types(self, names: list[str], callback: Callback | None = None) -> Future:
        """Ask for types, numbers of :class:`rclpy.parameter.Parameter.Type`."""
        return self._call(GetParameterTypes, callback, names=names)

    def set_parameters(
        self, parameters: Sequence[Parameter | ParameterMessage], callback: Callback | None = None
    ) -> Future:
        """Set parameters, each by itself."""
        return self._call(SetParameters, callback, parameters=_messages(parameters))

    def set_parameters_atomically(
        self, parameters: Sequence[Parameter | ParameterMessage], callback: Callback | None = None
    ) -> Future:
        """Set all parameters, or none."""
        return self._call(SetParametersAtomically, callback, parameters=_messages(parameters))

    def delete_parameters(self, names: list[str], callback: Callback | None = None) -> Future:
        """Unset parameters; the other node allows it for those that are dynamically typed."""
        return self.set_parameters([Parameter(name) for name in names], callback)

    def load_parameter_file(
        self, parameter_file: str, use_wildcard: bool = False, callback: Callback | None = None
    ) -> Future:
        """Set the parameters of a file, each by itself; see :func:`rclpy.parameter.parameter_dict_from_yaml_file`."""
        parameters = parameter_dict_from_yaml_file(parameter_file, use_wildcard)
        return self.set_parameters(list(parameters.values()), callback)

    def load_parameter_file_atomically(
        self, parameter_file: str, use_wildcard: bool = False, callback: Callback | None = None
    ) -> Future:
        """Set all parameters of a file, or none."""
        parameters = parameter_dict_from_yaml_file(parameter_file, use_wildcard)
        return self.set_parameters_atomically(list(parameters.values()), callback)

    def on_parameter_event(
        self,
        callback: Callable[[ParameterEvent], Any],
        qos_profile: QoSProfile = qos_profile_parameter_events,
        **kwargs: Any,
    ) -> Subscription:
        """Hear of changed parameters, of all nodes.

        Args:
            callback: is called with each event.
            qos_profile: quality of service of the subscription.
            kwargs: what :meth:`rclpy.node.Node.create_subscription` takes.
        """
        return self.node.create_subscription(ParameterEvent, "/parameter_events", callback, qos_profile, **kwargs)

    def _call(self, srv_type: Any, callback: Callback | None, **fields: Any) -> Future:
        future = self._clients[srv_type].call_async(srv_type.Request(**fields))
        if callback is not None:
            future.add_done_callback(callback)
        return future


def _messages(parameters: Sequence[Parameter | ParameterMessage]) -> list[ParameterMessage]:
    return [each.to_parameter_msg() if isinstance(each, Parameter) else each for each in parameters]
