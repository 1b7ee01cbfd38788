"""Types by their names, and messages from YAML."""

from __future__ import annotations

from typing import Any

import yaml
from rosidl_runtime_py.set_message import StampSetter, set_message_fields
from rosidl_runtime_py.utilities import get_message, get_service

from .command import CommandError


def message_type(name: str) -> Any:
    """Return the class of a message by a name such as `std_msgs/msg/String`.

    Raises:
        CommandError: there is none.
    """
    return _load(get_message, name, "message")


def service_type(name: str) -> Any:
    """Return the class of a service by a name such as `std_srvs/srv/Trigger`.

    Raises:
        CommandError: there is none.
    """
    return _load(get_service, name, "service")


def _load(get: Any, name: str, kind: str) -> Any:
    try:
        return get(name)
    except (ImportError, AttributeError, LookupError, ValueError) as error:
        raise CommandError(f"The passed {kind} type is invalid: '{name}': {error}") from error


def parse_values(text: str) -> dict[str, Any]:
    """Read the YAML dictionary that a message is to be filled from.

    Raises:
        CommandError: it is none.
    """
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CommandError(f"The passed value is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise CommandError("The passed value needs to be a dictionary in YAML format")
    return values


def fill(message: Any, values: dict[str, Any]) -> list[StampSetter]:
    """Set the fields of a message from a dictionary.

    Returns:
        Functions that take a time and set it, one for each header that is ``auto`` and each time that is ``now``.

    Raises:
        CommandError: the values do not fit the message.
    """
    try:
        return set_message_fields(message, values, expand_header_auto=True, expand_time_now=True)
    except (AttributeError, TypeError, ValueError, AssertionError) as error:
        raise CommandError(f"Failed to populate field: {error}") from error
