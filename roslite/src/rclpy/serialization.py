"""Messages to CDR and back."""

from typing import Any

from roslite import cdr


def serialize_message(message: Any) -> bytes:
    """Return the CDR of a message, encapsulation header included."""
    return bytes(cdr.serialize(message))


def deserialize_message(serialized_message: bytes, message_type: Any) -> Any:
    """Return the message that CDR holds."""
    return cdr.deserialize(serialized_message, message_type)
