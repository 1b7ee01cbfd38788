"""Message classes as ``rosidl`` generates them for Python, built from definitions when they are first asked for."""

import array
import collections
import collections.abc
import math
import re
from collections.abc import Callable, Iterator
from functools import cache
from operator import attrgetter
from types import ModuleType
from typing import Any

import numpy as np

from roslite import cdr
from roslite.definitions import (
    INTEGERS,
    Definition,
    Field,
    FieldType,
    InterfaceNotFoundError,
    find_message,
    find_service,
    interface_names,
)

FLOATS = {"float32": ("float", 3.402823466e38), "float64": ("double", 1.7976931348623157e308)}
"""Floating-point types: their name in IDL and their largest finite value."""

IDL_NAMES = {"bool": "boolean", "byte": "octet", "char": "uint8", "float32": "float", "float64": "double"}

Check = Callable[[Any], Any]
"""Takes a value that is assigned to a field, raises AssertionError or returns what is stored."""


class Message:
    """Base of all generated message classes."""

    __slots__: tuple[str, ...] = ()
    _definition: Definition
    _fields_and_field_types: dict[str, str]

    @classmethod
    def get_fields_and_field_types(cls) -> dict[str, str]:
        """Return the names of the fields, each with its type as in IDL."""
        return dict(cls._fields_and_field_types)

    @classmethod
    def _write_cdr(cls, message: Any, out: bytearray) -> None:
        cls._write_cdr = cdr.generate_writer(cls._definition, message_class)  # type: ignore[method-assign, assignment]
        cls._write_cdr(message, out)

    @classmethod
    def _read_cdr(cls, data: memoryview) -> Any:
        cls._read_cdr = cdr.generate_reader(cls._definition, message_class, "<")  # type: ignore[assignment, method-assign]
        return cls._read_cdr(data)

    @classmethod
    def _read_cdr_big_endian(cls, data: memoryview) -> Any:
        cls._read_cdr_big_endian = cdr.generate_reader(cls._definition, message_class, ">")  # type: ignore[assignment, method-assign]
        return cls._read_cdr_big_endian(data)

    def __repr__(self) -> str:
        package, kind, name = self._definition.name.split("/")
        fields = ", ".join(f"{slot[1:]}={_repr(getattr(self, slot))}" for slot in self.__slots__)
        return f"{package}.{kind}.{name}({fields})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, self.__class__):
            return False
        return all(_equal(getattr(self, slot), getattr(other, slot)) for slot in self.__slots__)

    __hash__ = None  # type: ignore[assignment]


def _repr(value: Any) -> str:
    if isinstance(value, array.array):
        return repr(value.tolist())
    return repr(value)


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return bool(np.array_equal(left, right))
    return bool(left == right)


def fill_module(module: ModuleType, package: str, kind: str) -> None:
    """Let a module ``package.kind`` build its classes when they are first asked for."""
    names = interface_names(package, kind)

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module '{module.__name__}' has no attribute '{name}'")
        build = message_class if kind == "msg" else service_class
        class_ = build(f"{package}/{kind}/{name}")
        setattr(module, name, class_)
        return class_

    module.__dict__.update(__all__=names, __getattr__=get, __dir__=lambda: names)


@cache
def message_class(name: str) -> type[Message]:
    """Return the class of ``package/msg/Name``; of ``package/srv/Name_Request`` and ``…_Response`` too.

    Raises:
        roslite.definitions.InterfaceNotFoundError: nobody has a definition of it.
        roslite.definitions.InvalidInterfaceError: its definition is malformed.
    """
    package, kind, short = name.split("/")
    if kind == "srv":
        service, _, half = short.rpartition("_")
        halves: dict[str, type[Message]] = {
            "Request": service_class(f"{package}/srv/{service}").Request,
            "Response": service_class(f"{package}/srv/{service}").Response,
        }
        return halves[half]
    return _build(find_message(name))


@cache
def service_class(name: str) -> Any:
    """Return the class of ``package/srv/Name``, with its ``Request`` and ``Response``.

    Raises:
        roslite.definitions.InterfaceNotFoundError: nobody has a definition of it.
        roslite.definitions.InvalidInterfaceError: its definition is malformed.
    """
    package, _, short = name.split("/")
    request, response = (_build(half) for half in find_service(name))

    def refuse(self: object) -> None:
        raise NotImplementedError("Service classes can not be instantiated")

    return type(
        short,
        (),
        {
            "__module__": _module_name(package, "srv", short),
            "__init__": refuse,
            "Request": request,
            "Response": response,
        },
    )


def interface_name(class_: Any) -> str:
    """Return ``package/msg/Name`` or ``package/srv/Name`` of a generated class.

    Raises:
        AttributeError: it is no generated class.
    """
    if isinstance(class_, type) and issubclass(class_, Message) and class_ is not Message:
        return class_._definition.name
    request = getattr(class_, "Request", None)
    if isinstance(request, type) and issubclass(request, Message):
        return request._definition.name.removesuffix("_Request")
    raise AttributeError(f"{class_!r} is neither a message nor a service")


def _module_name(package: str, kind: str, short: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", short).lower()
    return f"{package}.{kind}._{snake}"


def _build(definition: Definition) -> type[Message]:
    package, kind, short = definition.name.split("/")
    slots = tuple(f"_{field.name}" for field in definition.fields)
    namespace: dict[str, Any] = dict(definition.constants)
    namespace.update(
        __slots__=slots,
        __module__=_module_name(package, kind, short.removesuffix("_Request").removesuffix("_Response")),
        __init__=_constructor(definition),
        _definition=definition,
        _fields_and_field_types={field.name: _idl_type(field.type) for field in definition.fields},
    )
    for field in definition.fields:
        slot = f"_{field.name}"
        namespace[field.name] = property(attrgetter(slot), _setter(slot, _check(field)))
    return type(short, (Message,), namespace)


def _setter(slot: str, check: Check) -> Callable[[Message, Any], None]:
    def assign(self: Message, value: Any) -> None:
        setattr(self, slot, check(value))

    return assign


def _constructor(definition: Definition) -> Callable[..., None]:
    defaults = [(field.name, _default(field)) for field in definition.fields]
    names = {name for name, _ in defaults}

    def construct(self: Message, **kwargs: Any) -> None:
        if not kwargs.keys() <= names:
            unknown = ", ".join(sorted(kwargs.keys() - names))
            raise AssertionError(f"Invalid arguments passed to constructor: {unknown}")
        for name, default in defaults:
            if name in kwargs:
                value = kwargs[name]
                setattr(self, name, value[:] if isinstance(value, array.array) else value)
            else:
                setattr(self, f"_{name}", default())

    return construct


def _default(field: Field) -> Callable[[], Any]:
    type_ = field.type
    check = _check(field)
    if field.default is not None:
        return lambda: check(field.default)
    if type_.is_message:
        if type_.kind == "single":
            return lambda: message_class(type_.base)()
        return lambda: [message_class(type_.base)() for _ in range(type_.size if type_.kind == "array" else 0)]
    zero = _zero(type_.base)
    if type_.kind == "single":
        return lambda: zero
    if _is_packed(type_):
        code = cdr.FORMATS[type_.base]
        if type_.kind == "array":
            return lambda: np.zeros(type_.size, dtype=code)
        return lambda: array.array(code)
    return lambda: [zero] * (type_.size if type_.kind == "array" else 0)


def _zero(base: str) -> Any:
    if base in INTEGERS or base == "char":
        return 0
    return {"bool": False, "byte": b"\0"}.get(base, 0.0 if base in FLOATS else "")


def _is_packed(type_: FieldType) -> bool:
    """Whether several of them are kept as ``array.array`` (sequence) or ``numpy.ndarray`` (fixed size)."""
    return type_.base in INTEGERS or type_.base in FLOATS or type_.base == "char"


def _idl_type(type_: FieldType) -> str:
    base = IDL_NAMES.get(type_.base, type_.base)
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


def _check(field: Field) -> Check:
    if field.type.base == "wstring":
        raise InterfaceNotFoundError(f"Field '{field.name}' is a wstring, which roslite does not speak")
    if field.type.kind == "single":
        return _single_check(field.name, field.type)
    return _packed_check(field.name, field.type) if _is_packed(field.type) else _list_check(field.name, field.type)


def _single_check(name: str, type_: FieldType) -> Check:
    base = type_.base
    if base in INTEGERS or base == "char":
        return _integer_check(name, "uint8" if base == "char" else base)
    if base in FLOATS:
        return _float_check(name, base)
    if base == "string":
        return _string_check(name, type_.string_bound)
    if base == "byte":
        return _byte_check(name)
    if base == "bool":
        return _instance_check(name, bool, "of type 'bool'")
    return _sub_message_check(name, base)


def _instance_check(name: str, type_: type, what: str) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, type_):
            raise AssertionError(f"The '{name}' field must be {what}")
        return value

    return check


def _sub_message_check(name: str, base: str) -> Check:
    def check(value: Any) -> Any:
        class_ = message_class(base)
        if not isinstance(value, class_):
            raise AssertionError(f"The '{name}' field must be a sub message of type '{class_.__name__}'")
        return value

    return check


def _byte_check(name: str) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, (bytes, bytearray)) or len(value) != 1:
            raise AssertionError(f"The '{name}' field must be of type 'bytes' or 'ByteString'")
        return value

    return check


def _string_check(name: str, bound: int) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, str):
            raise AssertionError(f"The '{name}' field must be of type 'str'")
        if bound and len(value) > bound:
            raise AssertionError(f"The '{name}' field must be string value not longer than {bound}")
        return value

    return check


def _integer_range(base: str) -> tuple[int, int, str]:
    bits = INTEGERS[base]
    low, high = (0, 2**bits - 1) if base.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return low, high, "an unsigned integer" if base.startswith("u") else "an integer"


def _integer_check(name: str, base: str) -> Check:
    low, high, what = _integer_range(base)

    def check(value: Any) -> Any:
        if not isinstance(value, int):
            raise AssertionError(f"The '{name}' field must be of type 'int'")
        if not low <= value <= high:
            raise AssertionError(f"The '{name}' field must be {what} in [{low}, {high}]")
        return value

    return check


def _float_check(name: str, base: str) -> Check:
    what, limit = FLOATS[base]

    def check(value: Any) -> Any:
        if not isinstance(value, float):
            raise AssertionError(f"The '{name}' field must be of type 'float'")
        if not -limit <= value <= limit and math.isfinite(value):
            raise AssertionError(f"The '{name}' field must be a {what} in [{-limit}, {limit}]")
        return value

    return check


def _is_collection(value: Any) -> bool:
    allowed = (collections.abc.Sequence, collections.abc.Set, collections.UserList)
    return isinstance(value, allowed) and not isinstance(value, (str, collections.UserString))


def _count_fits(type_: FieldType, count: int) -> bool:
    if type_.kind == "array":
        return count == type_.size
    return not type_.size or count <= type_.size


def _expectation(type_: FieldType, each: str) -> str:
    length = ""
    if type_.kind == "array":
        length = f" with length {type_.size}"
    elif type_.size:
        length = f" with length at most {type_.size}"
    return f"a set or sequence{length} and each value of type {each}"


def _list_check(name: str, type_: FieldType) -> Check:
    """Sequences of booleans, bytes, strings and messages: any collection, kept as it is."""
    each_name, is_valid = _element(type_)
    expectation = _expectation(type_, each_name)

    def check(value: Any) -> Any:
        if not _is_collection(value) or not _count_fits(type_, len(value)) or not all(map(is_valid(), value)):
            raise AssertionError(f"The '{name}' field must be {expectation}")
        return value

    return check


def _element(type_: FieldType) -> tuple[str, Callable[[], Callable[[Any], bool]]]:
    if type_.is_message:
        short = type_.base.rsplit("/", 1)[1]
        return f"'{short}'", lambda: message_class(type_.base).__instancecheck__
    python_type = {"bool": bool, "byte": bytes, "string": str}[type_.base]
    return f"'{python_type.__name__}'", lambda: lambda value: isinstance(value, python_type)


def _packed_check(name: str, type_: FieldType) -> Check:
    """Sequences and arrays of numbers: of the right kind by reference, any collection by copy."""
    code = cdr.FORMATS[type_.base]
    expectation, in_range = _number_range(type_)

    def refuse() -> AssertionError:
        return AssertionError(f"The '{name}' field must be {_expectation(type_, expectation)}")

    def check_sequence(value: Any) -> Any:
        if isinstance(value, array.array):
            if value.typecode != code:
                raise AssertionError(f"The '{name}' array.array() must have the type code of '{code}'")
            if not _count_fits(type_, len(value)):
                raise AssertionError(f"The '{name}' array.array() must have a size <= {type_.size}")
            return value
        if not _is_collection(value) or not _count_fits(type_, len(value)):
            raise refuse()
        if not (code == "B" and isinstance(value, (bytes, bytearray, memoryview))) and not in_range(value):
            raise refuse()
        return array.array(code, value)

    def check_array(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            if value.dtype != np.dtype(code):
                raise AssertionError(
                    f"The '{name}' numpy.ndarray() must have the dtype of 'numpy.{np.dtype(code).name}'"
                )
            if value.size != type_.size:
                raise AssertionError(f"The '{name}' numpy.ndarray() must have a size of {type_.size}")
            return value
        if not _is_collection(value) or len(value) != type_.size or not in_range(value):
            raise refuse()
        return np.array(list(value), dtype=code)

    return check_array if type_.kind == "array" else check_sequence


def _number_range(type_: FieldType) -> tuple[str, Callable[[Any], bool]]:
    if type_.base in FLOATS:
        what, limit = FLOATS[type_.base]

        def floats(values: Any) -> bool:
            return all(isinstance(v, float) and (-limit <= v <= limit or not math.isfinite(v)) for v in values)

        return f"'float' and each {what} in [{-limit}, {limit}]", floats
    low, high, what = _integer_range("uint8" if type_.base == "char" else type_.base)

    def integers(values: Any) -> bool:
        return all(isinstance(value, int) and low <= value <= high for value in values)

    return f"'int' and each {what.split(' ', 1)[1]} in [{low}, {high}]", integers


def fields_of(message: Message) -> Iterator[tuple[Field, Any]]:
    """Yield the fields of a message, each with its value."""
    for field in message._definition.fields:
        yield field, getattr(message, f"_{field.name}")
