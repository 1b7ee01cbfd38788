"""The types of fields as message classes tell them: as text, and as objects of ``rosidl_parser``."""

from rosidl_parser import definition

from roslite.interface_types import FLOATS, INTEGERS, STRINGS, FieldType


def type_text(type_: FieldType) -> str:
    """Return a type as ``get_fields_and_field_types`` has it, such as ``sequence<double, 3>``."""
    base = _idl_name(type_.base)
    if type_.is_message:
        package, _, short = type_.base.split("/")
        base = f"{package}/{short}"
    elif type_.string_bound:
        base = f"{base}<{type_.string_bound}>"
    if type_.kind == "array":
        return f"{base}[{type_.size}]"
    if type_.kind == "sequence":
        return f"sequence<{base}, {type_.size}>" if type_.size else f"sequence<{base}>"
    return base


def slot_type(type_: FieldType) -> definition.AbstractType:
    """Return a type as ``SLOT_TYPES`` has it."""
    element = _element_type(type_)
    if type_.kind == "array":
        return definition.Array(element, type_.size)
    if type_.kind == "sequence":
        return definition.BoundedSequence(element, type_.size) if type_.size else definition.UnboundedSequence(element)
    return element


def _element_type(type_: FieldType) -> definition.AbstractNestableType:
    if type_.is_message:
        package, kind, short = type_.base.split("/")
        return definition.NamespacedType([package, kind], short)
    if type_.base not in STRINGS:
        return definition.BasicType(_idl_name(type_.base))
    if type_.base == "string":
        bound = type_.string_bound
        return definition.BoundedString(bound) if bound else definition.UnboundedString()
    return definition.BoundedWString(type_.string_bound) if type_.string_bound else definition.UnboundedWString()


def _idl_name(base: str) -> str:
    if base in FLOATS:
        return FLOATS[base][0]
    return base if base in INTEGERS else {"bool": "boolean", "byte": "octet", "char": "uint8"}.get(base, base)
