"""Parameters: named values of a node."""

import array
from collections.abc import Sequence
from enum import Enum
from typing import Any

import yaml
from roslite.arguments import flatten

PARAMETER_SEPARATOR_STRING = "."

_FIELDS = {
    1: "bool_value",
    2: "integer_value",
    3: "double_value",
    4: "string_value",
    5: "byte_array_value",
    6: "bool_array_value",
    7: "integer_array_value",
    8: "double_array_value",
    9: "string_array_value",
}
"""Where a ``rcl_interfaces/ParameterValue`` keeps a value of each type."""


class Parameter:
    """A name, a type and a value.

    Raises:
        TypeError: the type is not a :class:`Parameter.Type`.
        ValueError: the value is of another type.
    """

    class Type(Enum):
        """Types that parameters can have."""

        NOT_SET = 0
        BOOL = 1
        INTEGER = 2
        DOUBLE = 3
        STRING = 4
        BYTE_ARRAY = 5
        BOOL_ARRAY = 6
        INTEGER_ARRAY = 7
        DOUBLE_ARRAY = 8
        STRING_ARRAY = 9

        @classmethod
        def from_parameter_value(cls, parameter_value: Any) -> "Parameter.Type":
            """Return the type of a Python value.

            Raises:
                TypeError: no parameter can hold it.
            """
            if parameter_value is None:
                return cls.NOT_SET
            for python_type, single in ((bool, cls.BOOL), (int, cls.INTEGER), (float, cls.DOUBLE), (str, cls.STRING)):
                if isinstance(parameter_value, python_type):
                    return single
            if isinstance(parameter_value, (list, tuple, array.array)):
                return cls._from_sequence(parameter_value)
            raise TypeError(f"The given value is not one of the allowed types '{parameter_value}'.")

        @classmethod
        def _from_sequence(cls, values: Sequence[Any]) -> "Parameter.Type":
            for python_type, several in (
                (bytes, cls.BYTE_ARRAY),
                (bool, cls.BOOL_ARRAY),
                (int, cls.INTEGER_ARRAY),
                (float, cls.DOUBLE_ARRAY),
                (str, cls.STRING_ARRAY),
            ):
                if all(isinstance(v, python_type) and not (python_type is int and isinstance(v, bool)) for v in values):
                    return several
            raise TypeError(f"The given value is not one of the allowed types '{values}'.")

        def check(self, parameter_value: Any) -> bool:
            """Whether a Python value is of this type."""
            if isinstance(parameter_value, (list, tuple, array.array)) and not parameter_value:
                return self.value >= Parameter.Type.BYTE_ARRAY.value
            try:
                return Parameter.Type.from_parameter_value(parameter_value) is self
            except TypeError:
                return False

    @classmethod
    def from_parameter_msg(cls, param_msg: Any) -> "Parameter":
        """Return what a ``rcl_interfaces/Parameter`` holds."""
        return cls(param_msg.name, cls.Type(param_msg.value.type), parameter_value_to_python(param_msg.value))

    @classmethod
    def from_rcl_interface_parameter(cls, param_msg: Any) -> "Parameter":
        """Return what a ``rcl_interfaces/Parameter`` holds."""
        return cls.from_parameter_msg(param_msg)

    def __init__(self, name: str, type_: "Parameter.Type | None" = None, value: Any = None) -> None:
        if type_ is None:
            type_ = Parameter.Type.from_parameter_value(value)
        if not isinstance(type_, Parameter.Type):
            raise TypeError("type must be an instance of `Parameter.Type`")
        if not type_.check(value):
            raise ValueError(f"Type '{type_}' and value '{value}' do not agree")
        self._name, self._type, self._value = name, type_, value

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def type_(self) -> "Parameter.Type":
        """The type."""
        return self._type

    @property
    def value(self) -> Any:
        """The value as Python has it."""
        return self._value

    def get_parameter_value(self) -> Any:
        """Return the value as ``rcl_interfaces/ParameterValue``."""
        from rcl_interfaces.msg import ParameterValue

        message = ParameterValue(type=self._type.value)
        if self._type is not Parameter.Type.NOT_SET:
            value = list(self._value) if self._type.value >= Parameter.Type.BYTE_ARRAY.value else self._value
            setattr(message, _FIELDS[self._type.value], value)
        return message

    def to_parameter_msg(self) -> Any:
        """Return it as ``rcl_interfaces/Parameter``."""
        from rcl_interfaces.msg import Parameter as ParameterMessage

        return ParameterMessage(name=self.name, value=self.get_parameter_value())

    def __repr__(self) -> str:
        return f"Parameter(name={self.name!r}, type_={self.type_}, value={self.value!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameter):
            return False
        return (self.name, self.type_, self.value) == (other.name, other.type_, other.value)

    __hash__ = None  # type: ignore[assignment]


def parameter_value_to_python(parameter_value: Any) -> Any:
    """Return what a ``rcl_interfaces/ParameterValue`` holds.

    Raises:
        RuntimeError: its type is unknown.
    """
    if parameter_value.type == 0:
        return None
    try:
        value = getattr(parameter_value, _FIELDS[parameter_value.type])
    except KeyError:
        raise RuntimeError(f"unexpected parameter type {parameter_value.type}") from None
    return value.tolist() if isinstance(value, array.array) else value


def get_parameter_value(string_value: str) -> Any:
    """Guess the ``rcl_interfaces/ParameterValue`` that a text on the command line stands for."""
    try:
        value = yaml.safe_load(string_value)
    except yaml.YAMLError:
        value = string_value
    try:
        return Parameter("", value=value).get_parameter_value()
    except TypeError:
        return Parameter("", value=string_value).get_parameter_value()


def parameter_dict_from_yaml_file(
    parameter_file: str, use_wildcard: bool = False, target_nodes: list[str] | None = None, namespace: str = ""
) -> dict[str, Any]:
    """Read a parameter file; return ``rcl_interfaces/Parameter`` messages by name.

    Args:
        parameter_file: the file.
        use_wildcard: take what is written under ``/**`` too; what is written under a name wins.
        target_nodes: names of nodes as the file has them; all if None or empty.
        namespace: put before the names of the parameters as it is.

    Raises:
        RuntimeError: the file has nothing for one of these nodes, or is not a parameter file.
    """
    with open(parameter_file, encoding="utf-8") as file:
        content = yaml.safe_load(file)
    if not isinstance(content, dict):
        raise RuntimeError(f"'{parameter_file}' is not a valid ROS parameter file")
    chosen = target_nodes or [node for node in content if node != "/**"]
    for node in chosen:
        if node not in content:
            raise RuntimeError(f"Param file does not contain parameters for {node}, only for nodes: {list(content)}")
    if use_wildcard and "/**" in content:
        chosen = ["/**", *chosen]
    if not chosen:
        raise RuntimeError("Param file does not contain selected parameters")
    values: dict[str, Any] = {}
    for node in chosen:
        if not isinstance(content[node], dict) or "ros__parameters" not in content[node]:
            raise RuntimeError(f"YAML file is not a valid ROS parameter file for node {node}")
        values.update(flatten(content[node]["ros__parameters"], namespace))
    return {name: Parameter(name, value=value).to_parameter_msg() for name, value in values.items()}
