"""Message definitions as types of the ``cyclonedds`` package, which checks all CDR against them."""

from functools import cache
from types import new_class
from typing import Any

import cyclonedds.idl.types
from cyclonedds.idl import IdlStruct

from roslite.interface_types import PLACEHOLDER, Definition, FieldType
from roslite.messages import message_class

types: Any = cyclonedds.idl.types

_PRIMITIVES: dict[str, Any] = {
    "bool": bool,
    "byte": types.uint8,
    "char": types.uint8,
    "string": str,
    **{
        name: getattr(types, name)
        for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
    },
    "float32": types.float32,
    "float64": types.float64,
}

SERVICE_HEADER: list[tuple[str, Any]] = [("client_guid", types.uint64), ("sequence_number", types.int64)]
"""What precedes request and response on the wire of ``rmw_cyclonedds_cpp``."""


@cache
def dds_type(name: str, in_service: bool = False) -> type[IdlStruct]:
    """Return the DDS type of ``package/msg/Name``, or of ``package/srv/Name_Request`` with the service header."""
    package, kind, short = name.split("/")
    fields = _fields(message_class(name)._definition)
    annotations = dict([*SERVICE_HEADER, *fields] if in_service else fields)
    return new_class(
        f"{short}_",
        (IdlStruct,),
        {"typename": f"{package}::{kind}::dds_::{short}_"},
        lambda namespace: namespace.update(__annotations__=annotations),
    )


def type_from_dds(type_name: str) -> str:
    """Return ``package/msg/Name`` for ``package::msg::dds_::Name_``; other names are returned as they are."""
    parts = type_name.split("::")
    if len(parts) < 3 or parts[-2] != "dds_" or not parts[-1].endswith("_"):
        return type_name
    return "/".join([*parts[:-2], parts[-1][:-1]])


def _fields(definition: Definition) -> list[tuple[str, Any]]:
    if not definition.fields:
        return [(PLACEHOLDER, types.uint8)]
    return [(field.name, _type(field.type)) for field in definition.fields]


def _type(type_: FieldType) -> Any:
    if type_.is_message:
        base: Any = dds_type(type_.base)
    elif type_.base == "wstring":
        # The binding has no such type, but on the wire it is this.
        base = types.sequence[types.uint32]
    elif type_.string_bound:
        base = types.bounded_str[type_.string_bound]
    else:
        base = _PRIMITIVES[type_.base]
    if type_.kind == "array":
        return types.array[base, type_.size]
    if type_.kind == "sequence":
        return types.sequence[base, type_.size] if type_.size else types.sequence[base]
    return base
