"""Definitions of messages as text, for whoever reads a bag without knowing its types."""

from __future__ import annotations

from roslite.definitions import find_message

from ros2cli.interface.text import definition_text

_RULE = "=" * 80


def full_text(type_name: str) -> str:
    """Return the definition of a message, and behind it those of all messages within.

    Raises:
        roslite.definitions.InterfaceNotFoundError: nobody has it.
    """
    parts = [definition_text(type_name)]
    for inner in _inner(type_name, [type_name])[1:]:
        package, _, short = inner.split("/")
        parts.append(f"{_RULE}\nMSG: {package}/{short}\n{definition_text(inner)}")
    return "".join(part if part.endswith("\n") else f"{part}\n" for part in parts)


def _inner(type_name: str, found: list[str]) -> list[str]:
    for field in find_message(type_name).fields:
        if field.type.is_message and field.type.base not in found:
            found.append(field.type.base)
            _inner(field.type.base, found)
    return found
