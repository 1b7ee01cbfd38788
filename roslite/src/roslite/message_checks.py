"""Whether a value fits a field: what ``rosidl`` generates for Python accepts and refuses, in the same words."""

import array
import collections
import collections.abc
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from roslite import cdr
from roslite.interface_types import FLOATS, INTEGERS, STRINGS, Field, FieldType, integer_range

Check = Callable[[Any], Any]
"""Takes a value that is assigned to a field, raises AssertionError or returns what is stored."""

Classes = Callable[[str], type]
"""Returns the class of a message by its full name."""

_ANY_COLLECTION = (collections.abc.Sequence, collections.abc.Set, collections.UserList)
_ANY_TEXT = (str, collections.UserString)


def assignment_check(field: Field, classes: Classes) -> Check:
    """Return the check of a field."""
    complaint = f"The '{field.name}' field must be "
    if field.type.kind == "single":
        return _single_check(complaint, field.type, classes)
    is_several = _several_test(field.type, classes)
    refusal = complaint + _expectation(field.type)
    if not field.type.is_packed:
        return _test(refusal, is_several)
    return (
        _array_check(field, refusal, is_several)
        if field.type.kind == "array"
        else _sequence_check(field, refusal, is_several)
    )


def to_array(code: str, values: Any) -> "array.array[Any]":
    """Return a new array of numbers; numpy arrays of the same kind are copied in one piece.

    Raises:
        TypeError: a value is no number.
        OverflowError: a value is out of range.
    """
    if isinstance(values, np.ndarray) and values.dtype == code and values.ndim == 1:
        values = np.ascontiguousarray(values).data
    if isinstance(values, memoryview) and values.format == code and values.c_contiguous:
        result = array.array(code)
        result.frombytes(values.cast("B"))
        return result
    return array.array(code, values)


def to_ndarray(name: str, code: str, size: int, values: Any) -> "np.ndarray[Any, Any]":
    """Return a new array with the fixed length of a field.

    Raises:
        AssertionError: the values are more or fewer, or not in one row.
    """
    result = np.array(values, dtype=code)
    if result.shape != (size,):
        raise AssertionError(f"The '{name}' numpy.ndarray() must have a size of {size}")
    return result


def _test(refusal: str, fits: Callable[[Any], bool]) -> Check:
    def check(value: Any) -> Any:
        if not fits(value):
            raise AssertionError(refusal)
        return value

    return check


def _single_check(complaint: str, type_: FieldType, classes: Classes) -> Check:
    base, bound = type_.base, type_.string_bound
    if type_.is_message:
        class_ = classes(base)
        return _test(f"{complaint}a sub message of type '{class_.__name__}'", lambda value: isinstance(value, class_))
    if base == "byte":
        return _test(f"{complaint}of type 'bytes' or 'ByteString' with length 1", _is_octet)
    if base in STRINGS and bound:
        return _test(
            f"{complaint}string value not longer than {bound}",
            lambda value: isinstance(value, _ANY_TEXT) and len(value) <= bound,
        )
    python_type = _python_type(base)
    of_type = _test(f"{complaint}of type '{python_type.__name__}'", lambda value: isinstance(value, python_type))
    if base in STRINGS or base == "bool":
        return of_type
    what = f"a {FLOATS[base][0]}" if base in FLOATS else "an unsigned integer" if _is_unsigned(base) else "an integer"
    low, high = _limits(base)
    in_range = _test(f"{complaint}{what} in [{low}, {high}]", _range_test(base))
    return lambda value: in_range(of_type(value))


def _sequence_check(field: Field, refusal: str, is_several: Callable[[Any], bool]) -> Check:
    name, code, bound = field.name, cdr.FORMATS[field.type.base], field.type.size

    def check(value: Any) -> Any:
        if isinstance(value, array.array):
            if value.typecode != code:
                raise AssertionError(f"The '{name}' array.array() must have the type code of '{code}'")
            if bound and len(value) > bound:
                raise AssertionError(f"The '{name}' array.array() must have a size <= {bound}")
            return value
        if not is_several(value):
            raise AssertionError(refusal)
        return to_array(code, value)

    return check


def _array_check(field: Field, refusal: str, is_several: Callable[[Any], bool]) -> Check:
    name, dtype, size = field.name, np.dtype(cdr.FORMATS[field.type.base]), field.type.size

    def check(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            if value.dtype != dtype:
                raise AssertionError(f"The '{name}' numpy.ndarray() must have the dtype of 'numpy.{dtype.name}'")
            if value.size != size:
                raise AssertionError(f"The '{name}' numpy.ndarray() must have a size of {size}")
            return value
        if not is_several(value):
            raise AssertionError(refusal)
        return np.array(list(value), dtype=dtype)

    return check


def _several_test(type_: FieldType, classes: Classes) -> Callable[[Any], bool]:
    """Return a function that tells whether something is a collection with fitting values."""
    element: type = classes(type_.base) if type_.is_message else _python_type(type_.base)
    numbers_fit = _numbers_test(type_.base) if type_.is_packed else None
    is_octets = type_.base in ("uint8", "char")
    bound = type_.string_bound

    def fits(value: Any) -> bool:
        if not isinstance(value, _ANY_COLLECTION) or isinstance(value, _ANY_TEXT):
            return False
        if type_.size and (len(value) > type_.size or (type_.kind == "array" and len(value) < type_.size)):
            return False
        if is_octets and isinstance(value, (bytes, bytearray)):
            return True
        # Most often all are of exactly the right class, which is quickly seen.
        if set(map(type, value)) - {element} and not all(isinstance(item, element) for item in value):
            return False
        if numbers_fit is not None:
            return numbers_fit(value)
        return not bound or all(len(item) <= bound for item in value)

    return fits


def _numbers_test(base: str) -> Callable[[Iterable[Any]], bool]:
    """Return a function that tells whether numbers are all in range."""
    if base == "float64":
        return lambda values: True
    in_range = _range_test(base)
    return lambda values: all(map(in_range, values))


def _range_test(base: str) -> Callable[[Any], bool]:
    low, high = _limits(base)
    if base in FLOATS:
        return lambda value: low <= value <= high or not math.isfinite(value)
    return lambda value: low <= value <= high


def _limits(base: str) -> tuple[Any, Any]:
    return (-FLOATS[base][1], FLOATS[base][1]) if base in FLOATS else integer_range(base)


def _is_unsigned(base: str) -> bool:
    return base == "char" or base.startswith("u")


def _is_octet(value: Any) -> bool:
    return isinstance(value, (bytes, bytearray)) and len(value) == 1


def _python_type(base: str) -> type:
    if base in FLOATS:
        return float
    return int if base in INTEGERS or base == "char" else {"bool": bool, "byte": bytes}.get(base, str)


def _expectation(type_: FieldType) -> str:
    """Return what several values are to be."""
    base = type_.base
    words = ["a set or sequence"]
    if type_.size:
        words.append(f"with length {type_.size}" if type_.kind == "array" else f"with length <= {type_.size}")
    if type_.string_bound:
        words.append(f"and each string value not longer than {type_.string_bound}")
    words.append(
        f"and each value of type '{base.rsplit('/', 1)[1] if type_.is_message else _python_type(base).__name__}'"
    )
    if base in FLOATS:
        what, limit = FLOATS[base]
        words.append(f"and each {what} in [{-limit:f}, {limit:f}]")
    elif type_.is_packed:
        low, high = integer_range(base)
        words.append(f"and each {'unsigned ' if _is_unsigned(base) else ''}integer in [{low}, {high}]")
    return " ".join(words)
