"""Tells messages and services from what is neither."""

from typing import Any

from roslite.messages import interface_name


def check_for_type_support(msg_or_srv_type: Any) -> None:
    """Refuse what is neither a message nor a service.

    Raises:
        AttributeError: it is neither.
    """
    try:
        interface_name(msg_or_srv_type)
    except TypeError as error:
        raise AttributeError(f"{msg_or_srv_type!r} has no attribute '_TYPE_SUPPORT': {error}") from error


def check_is_valid_msg_type(msg_type: Any) -> None:
    """Refuse what is not a message.

    Raises:
        AttributeError: it is not a service either.
        RuntimeError: it is a service.
    """
    check_for_type_support(msg_type)
    if hasattr(msg_type, "Request"):
        raise RuntimeError(f"The message type provided is not valid ({msg_type}), this might be a service or action")


def check_is_valid_srv_type(srv_type: Any) -> None:
    """Refuse what is not a service.

    Raises:
        AttributeError: it is not a message either.
        RuntimeError: it is a message.
    """
    check_for_type_support(srv_type)
    if not hasattr(srv_type, "Request"):
        raise RuntimeError(f"The service type provided is not valid ({srv_type}), this might be a message or action")
