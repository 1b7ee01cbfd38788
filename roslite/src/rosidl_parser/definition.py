"""The types of fields, as objects: what ``SLOT_TYPES`` of a message class consists of."""

from dataclasses import dataclass

SIGNED_NONEXPLICIT_INTEGER_TYPES = ("short", "long", "long long")
UNSIGNED_NONEXPLICIT_INTEGER_TYPES = ("unsigned short", "unsigned long", "unsigned long long")
NONEXPLICIT_INTEGER_TYPES = (*SIGNED_NONEXPLICIT_INTEGER_TYPES, *UNSIGNED_NONEXPLICIT_INTEGER_TYPES)
FLOATING_POINT_TYPES = ("float", "double", "long double")
CHARACTER_TYPES = ("char", "wchar")
BOOLEAN_TYPE = "boolean"
OCTET_TYPE = "octet"
SIGNED_EXPLICIT_INTEGER_TYPES = ("int8", "int16", "int32", "int64")
UNSIGNED_EXPLICIT_INTEGER_TYPES = ("uint8", "uint16", "uint32", "uint64")
EXPLICIT_INTEGER_TYPES = (*SIGNED_EXPLICIT_INTEGER_TYPES, *UNSIGNED_EXPLICIT_INTEGER_TYPES)
SIGNED_INTEGER_TYPES = (*SIGNED_NONEXPLICIT_INTEGER_TYPES, *SIGNED_EXPLICIT_INTEGER_TYPES)
UNSIGNED_INTEGER_TYPES = (*UNSIGNED_NONEXPLICIT_INTEGER_TYPES, *UNSIGNED_EXPLICIT_INTEGER_TYPES)
INTEGER_TYPES = (*SIGNED_INTEGER_TYPES, *UNSIGNED_INTEGER_TYPES)
BASIC_TYPES = (*INTEGER_TYPES, *FLOATING_POINT_TYPES, *CHARACTER_TYPES, BOOLEAN_TYPE, OCTET_TYPE)

EMPTY_STRUCTURE_REQUIRED_MEMBER_NAME = "structure_needs_at_least_one_member"
SERVICE_REQUEST_MESSAGE_SUFFIX = "_Request"
SERVICE_RESPONSE_MESSAGE_SUFFIX = "_Response"


@dataclass
class AbstractType:
    """Base of all types; types are equal if they are of one class and have equal attributes."""


@dataclass
class AbstractNestableType(AbstractType):
    """A type that arrays and sequences can be made of."""


@dataclass
class BasicType(AbstractNestableType):
    """A number, character, boolean or octet; its name is one of ``BASIC_TYPES``."""

    typename: str


@dataclass
class NamedType(AbstractNestableType):
    """A type known by a name that is relative to something."""

    name: str


@dataclass
class NamespacedType(AbstractNestableType):
    """A message, such as ``["std_msgs", "msg"]`` and ``"Header"``."""

    namespaces: list[str]
    name: str

    def namespaced_name(self) -> tuple[str, ...]:
        """Return namespaces and name."""
        return (*self.namespaces, self.name)


@dataclass
class AbstractGenericString(AbstractNestableType):
    """Text."""

    def has_maximum_size(self) -> bool:
        """Whether its length is bounded."""
        return hasattr(self, "maximum_size")


@dataclass
class AbstractString(AbstractGenericString):
    """Text of 8-bit characters."""


@dataclass
class BoundedString(AbstractString):
    """Text of 8-bit characters, not longer than a bound."""

    maximum_size: int


@dataclass
class UnboundedString(AbstractString):
    """Text of 8-bit characters of any length."""


@dataclass
class AbstractWString(AbstractGenericString):
    """Text of 16-bit characters."""


@dataclass
class BoundedWString(AbstractWString):
    """Text of 16-bit characters, not longer than a bound."""

    maximum_size: int


@dataclass
class UnboundedWString(AbstractWString):
    """Text of 16-bit characters of any length."""


@dataclass
class AbstractNestedType(AbstractType):
    """Several values of one type."""

    value_type: AbstractNestableType

    def has_maximum_size(self) -> bool:
        """Whether their number is bounded."""
        return True


@dataclass
class Array(AbstractNestedType):
    """A fixed number of values."""

    size: int


@dataclass
class AbstractSequence(AbstractNestedType):
    """A number of values that is not fixed."""


@dataclass
class BoundedSequence(AbstractSequence):
    """Not more values than a bound."""

    maximum_size: int


@dataclass
class UnboundedSequence(AbstractSequence):
    """Any number of values."""

    def has_maximum_size(self) -> bool:
        """Whether their number is bounded."""
        return False
