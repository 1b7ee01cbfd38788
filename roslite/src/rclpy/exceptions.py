"""What goes wrong in ROS 2, by name."""

from collections.abc import Sequence
from typing import Any

from rclpy.impl.implementation_singleton import InvalidHandle as InvalidHandle


class NotInitializedException(Exception):  # noqa: N818 - ROS 2's names, here and below
    """``rclpy.init`` was not called, or ``rclpy.shutdown`` was."""

    def __init__(self, *args: object) -> None:
        super().__init__("rclpy.init() has not been called", *args)


class ROSInterruptException(Exception):  # noqa: N818
    """A wait ended because the context was shut down."""


class NoTypeSupportImportedException(Exception):  # noqa: N818
    """A class is not a message."""


class NameValidationException(ValueError):  # noqa: N818
    """A name breaks the rules of ROS 2; a ValueError, as ``expand_topic_name`` raises it."""

    def __init__(self, name_type: str, name: str, error_msg: str, invalid_index: int, *args: object) -> None:
        marker = " " * invalid_index + "^"
        super().__init__(f"Invalid {name_type}: {error_msg}:\n  '{name}'\n   {marker}", *args)


class InvalidNamespaceException(NameValidationException):
    """A namespace is invalid."""

    def __init__(self, name: str, error_msg: str, invalid_index: int, *args: object) -> None:
        super().__init__("namespace", name, error_msg, invalid_index, *args)


class InvalidNodeNameException(NameValidationException):
    """A node name is invalid."""

    def __init__(self, name: str, error_msg: str, invalid_index: int, *args: object) -> None:
        super().__init__("node name", name, error_msg, invalid_index, *args)


class InvalidTopicNameException(NameValidationException):
    """A topic name is invalid."""

    def __init__(self, name: str, error_msg: str, invalid_index: int, *args: object) -> None:
        super().__init__("topic name", name, error_msg, invalid_index, *args)


class InvalidServiceNameException(NameValidationException):
    """A service name is invalid."""

    def __init__(self, name: str, error_msg: str, invalid_index: int, *args: object) -> None:
        super().__init__("service name", name, error_msg, invalid_index, *args)


class ParameterException(Exception):  # noqa: N818
    """Something is wrong with a parameter."""

    def __init__(self, error_msg: str, parameters: str | Sequence[str], *args: object) -> None:
        super().__init__(f"{error_msg}: {parameters}", *args)


class ParameterNotDeclaredException(ParameterException):
    """A parameter was used that nobody declared."""

    def __init__(self, parameters: str | Sequence[str], *args: object) -> None:
        super().__init__("Invalid access to undeclared parameter(s)", parameters, *args)


class ParameterAlreadyDeclaredException(ParameterException):
    """A parameter was declared twice."""

    def __init__(self, parameters: str | Sequence[str], *args: object) -> None:
        super().__init__("Parameter(s) already declared", parameters, *args)


class InvalidParameterException(ParameterException):
    """A parameter's name is invalid."""

    def __init__(self, parameter: str, *args: object) -> None:
        super().__init__("Invalid parameter name", parameter, *args)


class InvalidParameterTypeException(ParameterException):
    """A parameter got a value of another type than it was declared with."""

    def __init__(self, parameter: Any, reason: str, *args: object) -> None:
        super().__init__(reason, getattr(parameter, "name", parameter), *args)


class InvalidParameterValueException(ParameterException):
    """A parameter got a value that is out of range or refused."""

    def __init__(self, parameter: str, value: Any, reason: str, *args: object) -> None:
        super().__init__(f"Invalid parameter value ({value}) for parameter. Reason: {reason}", parameter, *args)


class ParameterImmutableException(ParameterException):
    """A read-only parameter was undeclared."""

    def __init__(self, parameter: str | Sequence[str], *args: object) -> None:
        super().__init__("Attempted to modify read-only parameter(s)", parameter, *args)


class ParameterUninitializedException(ParameterException):
    """A parameter was read that has a type but no value yet."""

    def __init__(self, parameter: str | Sequence[str], *args: object) -> None:
        super().__init__("The parameter is not initialized", parameter, *args)
