"""Message classes as ``rosidl`` generates them for Python, built from definitions when they are first asked for."""

import array
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from operator import attrgetter
from types import ModuleType
from typing import Any

import numpy as np

from roslite import cdr
from roslite.definitions import find_message, find_service, interface_names
from roslite.interface_types import Definition, Field
from roslite.message_functions import MessageFunctions, generate_functions
from roslite.message_types import slot_type, type_text


class TypeSupport(type):
    """Base of the metaclasses of message and service classes; others ask it whether the type can be sent."""

    _TYPE_SUPPORT: str | None = None

    @classmethod
    def __import_type_support__(cls) -> None:
        cls._TYPE_SUPPORT = cls.__name__


class Message(metaclass=TypeSupport):
    """Base of all generated message classes."""

    __slots__: list[str] = []
    _definition: Definition
    _fields_and_field_types: dict[str, str]

    @classmethod
    def get_fields_and_field_types(cls) -> dict[str, str]:
        """Return the names of the fields, each with its type as in IDL."""
        return dict(cls._fields_and_field_types)

    @classmethod
    def _class_of(cls, name: str) -> type["Message"]:
        return cls if name == cls._definition.name else message_class(name)

    @classmethod
    def _write_cdr(cls, message: Any, out: bytearray) -> None:
        cls._write_cdr = cdr.generate_writer(cls._definition, cls._class_of)  # type: ignore[method-assign, assignment]
        cls._write_cdr(message, out)

    @classmethod
    def _read_cdr(cls, data: memoryview) -> Any:
        cls._read_cdr = cdr.generate_reader(cls._definition, cls._class_of, "<")  # type: ignore[assignment, method-assign]
        return cls._read_cdr(data)

    @classmethod
    def _read_cdr_big_endian(cls, data: memoryview) -> Any:
        cls._read_cdr_big_endian = cdr.generate_reader(cls._definition, cls._class_of, ">")  # type: ignore[assignment, method-assign]
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
    is_inner = module.__name__.count(".") > 1

    def get(name: str) -> Any:
        # Requests and responses are in the inner modules, ``package.srv._name``, alone.
        is_half = is_inner and kind == "srv" and name.removesuffix("_Request").removesuffix("_Response") in names
        if name not in names and not is_half:
            raise AttributeError(f"module '{module.__name__}' has no attribute '{name}'")
        build = message_class if kind == "msg" or name not in names else service_class
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
    return build_message(find_message(name))


@cache
def service_class(name: str) -> Any:
    """Return the class of ``package/srv/Name``, with its ``Request`` and ``Response``.

    Raises:
        roslite.definitions.InterfaceNotFoundError: nobody has a definition of it.
        roslite.definitions.InvalidInterfaceError: its definition is malformed.
    """
    package, _, short = name.split("/")
    request, response = (build_message(half) for half in find_service(name))

    def refuse(self: object) -> None:
        raise NotImplementedError("Service classes can not be instantiated")

    metaclass = type(f"Metaclass_{short}", (TypeSupport,), {})
    return metaclass(
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


def build_message(definition: Definition) -> type[Message]:
    """Return a new class for a definition.

    Raises:
        roslite.definitions.InterfaceNotFoundError: nobody has a definition of a nested message.
    """
    package, kind, short = definition.name.split("/")
    functions = generate_functions(definition, message_class)
    namespace: dict[str, Any] = {
        **dict(definition.constants),
        **{f"{name.upper()}__DEFAULT": default() for name, default in functions.defaults.items()},
        "__doc__": f"Message class '{short}'.",
        "__slots__": [f"_{field.name}" for field in definition.fields],
        "__module__": _module_name(package, kind, short.removesuffix("_Request").removesuffix("_Response")),
        "__init__": functions.construct,
        "SLOT_TYPES": tuple(slot_type(field.type) for field in definition.fields),
        "_definition": definition,
        "_fields_and_field_types": {field.name: type_text(field.type) for field in definition.fields},
    }
    for name, setter in functions.setters.items():
        namespace[name] = property(attrgetter(f"_{name}"), setter, doc=f"Message field '{name}'.")
    class_: type[Message] = _metaclass(definition, functions)(short, (Message,), namespace)
    return class_


def _metaclass(definition: Definition, functions: MessageFunctions) -> Any:
    """Return a metaclass that keeps constants constant, and hands out defaults that nobody else holds."""
    constants = {name: _read_only(partial(_identity, value)) for name, value in definition.constants}
    defaults = {f"{name.upper()}__DEFAULT": _read_only(default) for name, default in functions.defaults.items()}
    return type(f"Metaclass_{definition.name.rsplit('/', 1)[1]}", (TypeSupport,), {**constants, **defaults})


def _identity(value: Any) -> Any:
    return value


def _read_only(get: Callable[[], Any]) -> property:
    return property(lambda _: get())


def fields_of(message: Message) -> Iterator[tuple[Field, Any]]:
    """Yield the fields of a message, each with its value."""
    for field in message._definition.fields:
        yield field, getattr(message, f"_{field.name}")
