"""The services through which others read and set the parameters of a node."""

import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rclpy.exceptions import ParameterNotDeclaredException, ParameterUninitializedException
from rclpy.parameter import PARAMETER_SEPARATOR_STRING, Parameter
from rclpy.qos import qos_profile_parameters

if TYPE_CHECKING:
    from rclpy.node import Node


class ParameterService:
    """Offers the six parameter services of a node, below its own name."""

    def __init__(self, node: "Node") -> None:
        from rcl_interfaces.srv import (
            DescribeParameters,
            GetParameters,
            GetParameterTypes,
            ListParameters,
            SetParameters,
            SetParametersAtomically,
        )

        self._node = weakref.ref(node)
        for type_, name, callback in (
            (DescribeParameters, "describe_parameters", self._describe),
            (GetParameters, "get_parameters", self._get),
            (GetParameterTypes, "get_parameter_types", self._get_types),
            (ListParameters, "list_parameters", self._list),
            (SetParameters, "set_parameters", self._set),
            (SetParametersAtomically, "set_parameters_atomically", self._set_atomically),
        ):
            node.create_service(type_, f"~/{name}", callback, qos_profile=qos_profile_parameters)

    @property
    def node(self) -> "Node":
        """The node that the parameters belong to."""
        node = self._node()
        if node is None:
            raise ReferenceError("the node of this parameter service is gone")
        return node

    def _describe(self, request: Any, response: Any) -> Any:
        with suppress(ParameterNotDeclaredException):
            response.descriptors = self.node.describe_parameters(request.names)
        return response

    def _get(self, request: Any, response: Any) -> Any:
        with suppress(ParameterNotDeclaredException, ParameterUninitializedException):
            response.values = [parameter.get_parameter_value() for parameter in self.node.get_parameters(request.names)]
        return response

    def _get_types(self, request: Any, response: Any) -> Any:
        with suppress(ParameterNotDeclaredException):
            response.types = [self.node.get_parameter_type(name).value for name in request.names]
        return response

    def _list(self, request: Any, response: Any) -> Any:
        separator = PARAMETER_SEPARATOR_STRING
        names: list[str] = []
        prefixes: set[str] = set()
        for name in self.node._parameter_store.values:
            for start in request.prefixes or [""]:
                if start not in ("", name) and not name.startswith(start + separator):
                    continue
                depth = name.removeprefix(start).strip(separator).count(separator) + 1
                if request.depth in (request.DEPTH_RECURSIVE, *range(depth, depth + 1)) or depth < request.depth:
                    names.append(name)
                    if separator in name:
                        prefixes.add(name.rpartition(separator)[0])
                    break
        response.result.names = sorted(names)
        response.result.prefixes = sorted(prefixes)
        return response

    def _set(self, request: Any, response: Any) -> Any:
        response.results = [self._try_to_set([parameter]) for parameter in request.parameters]
        return response

    def _set_atomically(self, request: Any, response: Any) -> Any:
        response.result = self._try_to_set(request.parameters)
        return response

    def _try_to_set(self, messages: list[Any]) -> Any:
        from rcl_interfaces.msg import SetParametersResult

        try:
            return self.node.set_parameters_atomically([Parameter.from_parameter_msg(m) for m in messages])
        except (ParameterNotDeclaredException, RuntimeError, ValueError) as error:
            return SetParametersResult(successful=False, reason=str(error))
