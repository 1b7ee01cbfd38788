"""The parameters of a node."""

from collections.abc import Callable, Sequence
from typing import Any

from roslite.parameters import ParameterStore

from rclpy.clock import Clock
from rclpy.context import Context
from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.node_names import NodeNames
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher


class NodeParameters(NodeNames):
    """The part of :class:`rclpy.node.Node` that declares, reads and sets parameters."""

    _parameter_store: ParameterStore
    _parameter_events: Publisher | None
    _context: Context
    _clock: Clock

    def declare_parameter(
        self, name: str, value: Any = None, descriptor: Any = None, ignore_override: bool = False
    ) -> Parameter:
        """Declare a parameter; return it, with the value that the command line gives it if it does.

        Args:
            name: its name.
            value: its default, or its :class:`Parameter.Type` where it has none.
            descriptor: description, ranges and whether it is read-only (``rcl_interfaces/ParameterDescriptor``).
            ignore_override: whether the command line does not count.

        Raises:
            ParameterAlreadyDeclaredException: it was declared before.
            InvalidParameterValueException: the value is out of range or refused.
            InvalidParameterTypeException: the command line gives a value of another type.
        """
        return self._parameter_store.declare([(name, value, descriptor)], ignore_override)[0]

    def declare_parameters(
        self, namespace: str, parameters: Sequence[tuple[Any, ...]], ignore_override: bool = False
    ) -> list[Parameter]:
        """Declare parameters, each a tuple of name, value and descriptor of which the last two can be left out."""
        declarations: list[tuple[str, Any, Any]] = []
        for entry in parameters:
            if not 1 <= len(entry) <= 3:
                raise TypeError(f"Invalid parameter tuple length {len(entry)} for {entry}")
            name = f"{namespace}.{entry[0]}" if namespace else entry[0]
            declarations.append((name, *(*entry[1:], None, None)[:2]))
        return self._parameter_store.declare(declarations, ignore_override)

    def undeclare_parameter(self, name: str) -> None:
        """Forget a parameter."""
        self._parameter_store.undeclare(name)

    def has_parameter(self, name: str) -> bool:
        """Whether a parameter is declared."""
        return self._parameter_store.has(name)

    def get_parameter(self, name: str) -> Parameter:
        """Return a parameter.

        Raises:
            ParameterNotDeclaredException: nobody declared it.
            ParameterUninitializedException: it has a type but no value yet.
        """
        return self._parameter_store.get(name)

    def get_parameters(self, names: list[str]) -> list[Parameter]:
        """Return parameters."""
        if not all(isinstance(name, str) for name in names):
            raise TypeError("All names must be instances of type str")
        return [self.get_parameter(name) for name in names]

    def get_parameter_or(self, name: str, alternative_value: Parameter | None = None) -> Parameter:
        """Return a parameter, or the alternative if it is not set."""
        if (parameter := self._parameter_store.values.get(name)) and parameter.type_ is not Parameter.Type.NOT_SET:
            return parameter
        return alternative_value or Parameter(name, Parameter.Type.NOT_SET, None)

    def get_parameters_by_prefix(self, prefix: str) -> dict[str, Parameter]:
        """Return the parameters whose names begin with ``prefix.``, by the rest of their names."""
        start = f"{prefix}." if prefix else ""
        values = self._parameter_store.values
        return {name.removeprefix(start): values[name] for name in values if name.startswith(start)}

    def get_parameter_type(self, name: str) -> Parameter.Type:
        """Return the type of a parameter.

        Raises:
            ParameterNotDeclaredException: nobody declared it.
        """
        if self._parameter_store.has(name):
            return self._parameter_store.values[name].type_
        if self._parameter_store.allow_undeclared:
            return Parameter.Type.NOT_SET
        raise ParameterNotDeclaredException(name)

    def set_parameters(self, parameter_list: list[Parameter]) -> list[Any]:
        """Set parameters one after the other; return a ``SetParametersResult`` for each.

        Raises:
            ParameterNotDeclaredException: one was not declared; those before it are set.
        """
        return [self._parameter_store.set_atomically([parameter]) for parameter in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> Any:
        """Set all parameters or none; return a ``SetParametersResult``.

        Raises:
            ParameterNotDeclaredException: one was not declared.
        """
        return self._parameter_store.set_atomically(list(parameter_list))

    def describe_parameter(self, name: str) -> Any:
        """Return the descriptor of a parameter.

        Raises:
            ParameterNotDeclaredException: nobody declared it.
        """
        return self._parameter_store.describe(name)

    def set_descriptor(self, name: str, descriptor: Any, alternative_value: Any = None) -> Any:
        """Replace the descriptor of a parameter; return its ``ParameterValue``.

        Args:
            name: the parameter.
            descriptor: the new descriptor (``rcl_interfaces/ParameterDescriptor``).
            alternative_value: a ``ParameterValue`` to set where the present one does not fit the new descriptor.

        Raises:
            ParameterNotDeclaredException: nobody declared it.
            ParameterImmutableException: it is read-only.
            InvalidParameterValueException: neither value fits.
        """
        return self._parameter_store.set_descriptor(name, descriptor, alternative_value)

    def describe_parameters(self, names: list[str]) -> list[Any]:
        """Return the descriptors of parameters."""
        return [self.describe_parameter(name) for name in names]

    def add_pre_set_parameters_callback(self, callback: Callable[[list[Parameter]], list[Parameter]]) -> None:
        """Let a function change what is to be set, before it is checked."""
        self._parameter_store.pre_set.append(callback)

    def add_on_set_parameters_callback(self, callback: Callable[[list[Parameter]], Any]) -> None:
        """Let a function accept or refuse what is to be set; the one added last is asked first."""
        self._parameter_store.on_set.append(callback)

    def add_post_set_parameters_callback(self, callback: Callable[[list[Parameter]], None]) -> None:
        """Let a function know what was set."""
        self._parameter_store.post_set.append(callback)

    def remove_pre_set_parameters_callback(self, callback: Callable[[list[Parameter]], list[Parameter]]) -> None:
        """Remove a callback of :meth:`add_pre_set_parameters_callback`."""
        self._parameter_store.pre_set.remove(callback)

    def remove_on_set_parameters_callback(self, callback: Callable[[list[Parameter]], Any]) -> None:
        """Remove a callback of :meth:`add_on_set_parameters_callback`."""
        self._parameter_store.on_set.remove(callback)

    def remove_post_set_parameters_callback(self, callback: Callable[[list[Parameter]], None]) -> None:
        """Remove a callback of :meth:`add_post_set_parameters_callback`."""
        self._parameter_store.post_set.remove(callback)

    def _publish_parameter_events(
        self, new: list[Parameter], changed: list[Parameter], deleted: list[Parameter]
    ) -> None:
        from rcl_interfaces.msg import ParameterEvent

        if self._parameter_events is None or not self._context.ok():
            return
        event = ParameterEvent(node=self.get_fully_qualified_name(), stamp=self._clock.now().to_msg())
        event.new_parameters = [parameter.to_parameter_msg() for parameter in new]
        event.changed_parameters = [parameter.to_parameter_msg() for parameter in changed]
        event.deleted_parameters = [parameter.to_parameter_msg() for parameter in deleted]
        self._parameter_events.publish(event)
