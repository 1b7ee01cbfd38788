"""The parameters of a node: declared, checked, set, and told to others."""

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor, ParameterValue, SetParametersResult
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
    ParameterImmutableException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
)
from rclpy.parameter import Parameter, parameter_value_to_python

OnSet = Callable[[list[Parameter]], Any]
OnChange = Callable[[list[Parameter], list[Parameter], list[Parameter]], None]
"""Is told of new, changed and deleted parameters."""

WRONG_TYPE = "Wrong parameter type"


class ParameterStore:
    """Values and descriptors by name, and the callbacks that judge changes.

    Args:
        overrides: values from the command line, which replace those given when a parameter is declared.
        allow_undeclared: whether parameters can be set and read that nobody declared.
        on_change: is told of all changes.
    """

    def __init__(self, overrides: dict[str, Parameter], allow_undeclared: bool, on_change: OnChange) -> None:
        self.overrides = overrides
        self.allow_undeclared = allow_undeclared
        self.values: dict[str, Parameter] = {}
        self.descriptors: dict[str, Any] = {}
        self.pre_set: list[Callable[[list[Parameter]], list[Parameter]]] = []
        self.on_set: list[OnSet] = []
        self.post_set: list[Callable[[list[Parameter]], None]] = []
        self._on_change = on_change

    def declare(self, declarations: Iterable[tuple[str, Any, Any]], ignore_override: bool) -> list[Parameter]:
        """Declare parameters, each a name, a value (or type) and a descriptor; return them.

        Raises:
            ParameterAlreadyDeclaredException: one was declared before.
            InvalidParameterValueException: a value is out of range or refused.
            InvalidParameterTypeException: an override is of another type.
        """
        parameters: list[Parameter] = []
        descriptors: dict[str, Any] = {}
        for name, content, descriptor in declarations:
            descriptor, value = _complete(name, content, descriptor)
            if not ignore_override and name in self.overrides:
                value = self.overrides[name].value
            parameters.append(Parameter(name, _type_of(value, descriptor), value))
            descriptors[name] = descriptor
        if known := [parameter.name for parameter in parameters if parameter.name in self.values]:
            raise ParameterAlreadyDeclaredException(known)
        for parameter in parameters:
            result = self._set([parameter], descriptors, declaring=True)
            if not result.successful:
                if result.reason.startswith(WRONG_TYPE):
                    raise InvalidParameterTypeException(parameter, result.reason)
                raise InvalidParameterValueException(parameter.name, parameter.value, result.reason)
        return [self.values[parameter.name] for parameter in parameters]

    def undeclare(self, name: str) -> None:
        """Forget a parameter.

        Raises:
            ParameterNotDeclaredException: nobody declared it.
            ParameterImmutableException: it is read-only.
        """
        if name not in self.values:
            raise ParameterNotDeclaredException(name)
        if self.descriptors[name].read_only:
            raise ParameterImmutableException(name)
        deleted = self.values.pop(name)
        del self.descriptors[name]
        self._on_change([], [], [deleted])

    def has(self, name: str) -> bool:
        """Whether a parameter was declared or set."""
        return name in self.values

    def get(self, name: str) -> Parameter:
        """Return a parameter.

        Raises:
            ParameterNotDeclaredException: nobody declared it.
            ParameterUninitializedException: it has a fixed type, but no value yet.
        """
        parameter = self.values.get(name)
        if parameter is None:
            if self.allow_undeclared:
                return Parameter(name, Parameter.Type.NOT_SET, None)
            raise ParameterNotDeclaredException(name)
        if parameter.type_ is Parameter.Type.NOT_SET and not self.descriptors[name].dynamic_typing:
            raise ParameterUninitializedException(name)
        return parameter

    def describe(self, name: str) -> Any:
        """Return the descriptor of a parameter.

        Raises:
            ParameterNotDeclaredException: nobody declared it.
        """
        if name not in self.descriptors:
            if self.allow_undeclared:
                return ParameterDescriptor()
            raise ParameterNotDeclaredException(name)
        return self.descriptors[name]

    def set_descriptor(self, name: str, descriptor: Any, alternative: Any) -> Any:
        """Replace the descriptor of a parameter; return its value: the alternative where the old one is refused.

        Args:
            name: the parameter.
            descriptor: the new descriptor; its name does not count.
            alternative: a ``ParameterValue``, or None.

        Raises:
            ParameterNotDeclaredException: nobody declared it.
            ParameterImmutableException: it is read-only.
            InvalidParameterValueException: neither value is allowed.
        """
        current = self.get(name)
        if name not in self.values:
            return current.get_parameter_value()
        if self.descriptors[name].read_only:
            raise ParameterImmutableException(name)
        candidates = [current]
        if alternative is not None:
            value = parameter_value_to_python(alternative)
            candidates.append(Parameter(name, value=value))
        for candidate in candidates:
            completed, _ = _complete(name, candidate.value, copy.copy(descriptor))
            result = self._set([candidate], {name: completed}, declaring=True)
            if result.successful:
                return self.values[name].get_parameter_value()
        raise InvalidParameterValueException(name, candidates[-1].value, result.reason)

    def check_declared(self, parameters: Iterable[Parameter]) -> None:
        """Refuse parameters that nobody declared, where that is not allowed.

        Raises:
            TypeError: one is no parameter.
            ParameterNotDeclaredException: one was not declared.
        """
        if stranger := next((p for p in parameters if not isinstance(p, Parameter)), None):
            raise TypeError(f"parameter must be instance of type '{Parameter!r}', got '{type(stranger)!r}'")
        unknown = [parameter.name for parameter in parameters if parameter.name not in self.values]
        if unknown and not self.allow_undeclared:
            raise ParameterNotDeclaredException(unknown)

    def set_atomically(self, parameters: list[Parameter]) -> Any:
        """Set all parameters, or none; return a ``SetParametersResult``.

        Raises:
            ParameterNotDeclaredException: one was not declared.
        """
        for adjust in reversed(self.pre_set):
            parameters = adjust(parameters)
        self.check_declared(parameters)
        return self._set(parameters, {}, declaring=False)

    def _set(self, parameters: list[Parameter], new_descriptors: dict[str, Any], declaring: bool) -> Any:
        for parameter in parameters:
            descriptor = new_descriptors.get(parameter.name) or self.descriptors.get(parameter.name)
            reason = _objection(parameter, descriptor, declaring) if descriptor is not None else None
            if reason is not None:
                return SetParametersResult(successful=False, reason=reason)
        for judge in reversed(self.on_set):
            result = judge(parameters)
            if not result.successful:
                return result
        self._store(parameters, new_descriptors)
        for follow in self.post_set:
            follow(parameters)
        return SetParametersResult(successful=True)

    def _store(self, parameters: list[Parameter], new_descriptors: dict[str, Any]) -> None:
        new: list[Parameter] = []
        changed: list[Parameter] = []
        deleted: list[Parameter] = []
        for parameter in parameters:
            name = parameter.name
            if parameter.type_ is Parameter.Type.NOT_SET and name in self.values and not new_descriptors:
                deleted.append(self.values.pop(name))
                self.descriptors.pop(name, None)
                continue
            (changed if name in self.values else new).append(parameter)
            if name in new_descriptors:
                self.descriptors[name] = new_descriptors[name]
            elif name not in self.descriptors:
                self.descriptors[name] = ParameterDescriptor(name=name, dynamic_typing=True)
            self.descriptors[name].type = self.descriptors[name].type or parameter.type_.value
            if self.descriptors[name].dynamic_typing:
                self.descriptors[name].type = parameter.type_.value
            self.values[name] = parameter
        self._on_change(new, changed, deleted)


def _complete(name: str, content: Any, descriptor: Any) -> tuple[Any, Any]:
    """Return the descriptor with its name and type, and the value that a declaration holds."""
    if descriptor is None:
        descriptor = ParameterDescriptor()
    if not isinstance(descriptor, ParameterDescriptor):
        raise TypeError(f"Third element {descriptor} for parameter '{name}' is not an instance of ParameterDescriptor.")
    descriptor.name = name
    if isinstance(content, Parameter.Type):
        if content is Parameter.Type.NOT_SET:
            raise ValueError(f"Cannot declare parameter {{{name}}} as statically typed of type NOT_SET")
        if descriptor.dynamic_typing:
            raise ValueError(f"Parameter {{{name}}} has a type, so its descriptor cannot have dynamic_typing")
        descriptor.type = content.value
        return descriptor, None
    value = parameter_value_to_python(content) if isinstance(content, ParameterValue) else content
    if value is None:
        if isinstance(content, ParameterValue) and not descriptor.dynamic_typing:
            raise ValueError("Cannot declare a statically typed parameter with default value of type NOT_SET")
        descriptor.dynamic_typing = descriptor.dynamic_typing or descriptor.type == 0
    elif not descriptor.dynamic_typing:
        inferred = Parameter.Type.from_parameter_value(value)
        # An empty list fits any array type, so a type that the descriptor names stands.
        if not (descriptor.type and Parameter.Type(descriptor.type).check(value)):
            descriptor.type = inferred.value
    return descriptor, value


def _type_of(value: Any, descriptor: Any) -> Parameter.Type:
    declared = Parameter.Type(descriptor.type)
    if value is not None and not descriptor.dynamic_typing and declared.check(value):
        return declared
    return Parameter.Type.from_parameter_value(value)


def _objection(parameter: Parameter, descriptor: Any, declaring: bool) -> str | None:
    """Return why a descriptor forbids a value, None if it allows it."""
    if descriptor.read_only and not declaring:
        return f"Trying to set a read-only parameter: {parameter.name}."
    expected = Parameter.Type(descriptor.type)
    is_unset = declaring and parameter.type_ is Parameter.Type.NOT_SET
    if not descriptor.dynamic_typing and not is_unset and parameter.type_ is Parameter.Type.NOT_SET:
        return "Static parameter cannot be undeclared"
    if not descriptor.dynamic_typing and not is_unset and parameter.type_ is not expected:
        return f"{WRONG_TYPE}, expected '{expected}' got '{parameter.type_}'"
    if parameter.type_ is Parameter.Type.INTEGER and descriptor.integer_range:
        return _integer_objection(parameter, descriptor.integer_range[0])
    if parameter.type_ is Parameter.Type.DOUBLE and descriptor.floating_point_range:
        return _float_objection(parameter, descriptor.floating_point_range[0])
    return None


def _integer_objection(parameter: Parameter, allowed: Any) -> str | None:
    value, low, high, step = parameter.value, allowed.from_value, allowed.to_value, allowed.step
    if value in (low, high):
        return None
    if not low <= value <= high:
        return f"Parameter {parameter.name} out of range. Min: {low}, Max: {high}, value: {value}"
    if step and (value - low) % step:
        return (
            f"The parameter value for {parameter.name} is not a valid step. "
            f"Min: {low}, max: {high}, value: {value}, step: {step}"
        )
    return None


def _float_objection(parameter: Parameter, allowed: Any) -> str | None:
    value, low, high, step = parameter.value, allowed.from_value, allowed.to_value, allowed.step
    if math.isclose(value, low, rel_tol=1e-6) or math.isclose(value, high, rel_tol=1e-6):
        return None
    if not low <= value <= high:
        return f"Parameter {parameter.name} out of range Min: {low}, Max: {high}, value: {value}"
    if step > 0 and not math.isclose((value - low) / step, round((value - low) / step), rel_tol=1e-6):
        return (
            f"The parameter value for {parameter.name} is not close enough to a valid step. "
            f"Min: {low}, max:{high}, value: {value}, step: {step}"
        )
    return None
