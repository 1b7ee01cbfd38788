"""Values that are either given as such or as substitutions to be read as a type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, get_args, get_origin

import yaml
from launch.substitution import Substitution, normalize_to_list_of_substitutions, perform_substitutions

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

_SCALARS = (bool, int, float, str)


def extract_type(data_type: Any) -> tuple[type, bool]:
    """Split a type into its scalar type and whether it is a list of it.

    Raises:
        ValueError: not int, float, bool, str or a list of one of these.
    """
    is_list = get_origin(data_type) is list
    scalar = get_args(data_type)[0] if is_list else data_type
    if scalar not in _SCALARS:
        raise ValueError(f"Unrecognized data type: {data_type}")
    return scalar, is_list


def coerce_to_type(value: str, data_type: Any = None) -> Any:
    """Read text as a type, by YAML's rules when `data_type` is None.

    Raises:
        ValueError: the text is not of that type.
    """
    if data_type is None:
        return _parameter_value(_load_yaml(value), value)
    scalar, is_list = extract_type(data_type)
    if is_list:
        items = _load_yaml(value)
        if not isinstance(items, list):
            raise ValueError(f"Cannot convert value '{value}' to a list of '{scalar}'")
        return [_convert(item, scalar, value) for item in items]
    if scalar is str:
        return value
    if scalar is bool:
        return _convert(_load_yaml(value), bool, value)
    return scalar(value)


def _load_yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text) if text else text
    except yaml.YAMLError as error:
        raise ValueError(f"Failed to convert '{text}' using yaml rules: {error}") from error


def _parameter_value(loaded: Any, text: str) -> Any:
    if isinstance(loaded, list):
        if len({type(item) for item in loaded}) > 1 or not all(isinstance(item, _SCALARS) for item in loaded):
            raise ValueError(f"Failed to convert '{text}': expected items of one type among bool, int, float and str")
    elif not isinstance(loaded, _SCALARS):
        raise ValueError(f"Failed to convert '{text}' using yaml rules: output type is not allowed: {type(loaded)}")
    return loaded


def _convert(item: Any, scalar: type, text: str) -> Any:
    if not isinstance(item, scalar):
        raise ValueError(f"Cannot convert value '{text}' to '{scalar}'")
    return item


def normalize_typed_substitution(value: Any, data_type: Any = None) -> Any:
    """Keep plain values; turn substitutions, and text that has to be read as another type, into lists of them.

    A list that holds a substitution beside text is one text in pieces; a list of lists is a list of texts.

    Raises:
        TypeError: the value is neither of the type nor a substitution.
        ValueError: `data_type` is none that a value can have.
    """
    scalar, is_list = (None, None) if data_type is None else extract_type(data_type)
    if isinstance(value, Substitution):
        return [value]
    if isinstance(value, str):
        return value if data_type in (None, str) else normalize_to_list_of_substitutions(value)
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        items = list(value)
        if any(isinstance(item, Substitution) for item in items):
            return normalize_to_list_of_substitutions(items)
        if is_list is not False:
            return _normalize_list(items, scalar)
    elif type(value) in _SCALARS and is_list is not True and scalar in (None, type(value)):
        return value
    raise TypeError(f"value={value!r} is not an instance of {data_type}, nor a substitution")


def _normalize_list(items: list[Any], scalar: type | None) -> list[Any]:
    """Check that the items are of one type, where lists may be of any; integers beside floats become floats."""
    kinds = {type(item) for item in items if not isinstance(item, (list, tuple))}
    if kinds == {int, float}:
        kinds, items = {float}, [float(item) for item in items]
    if len(kinds) > 1 or not kinds <= (set(_SCALARS) if scalar is None else {scalar}):
        raise TypeError(f"value={items!r} is not a list of {scalar or 'values of one type'}, nor of substitutions")
    return [normalize_to_list_of_substitutions(item) if isinstance(item, (list, tuple)) else item for item in items]


def perform_typed_substitution(context: LaunchContext, value: Any, data_type: Any = None) -> Any:
    """Evaluate what `normalize_typed_substitution` returned.

    Raises:
        ValueError: the text is not of the type.
    """
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        if value and all(isinstance(item, Substitution) for item in value):
            return coerce_to_type(perform_substitutions(context, value), data_type)
        scalar = None if data_type is None else extract_type(data_type)[0]
        items = [
            coerce_to_type(perform_substitutions(context, item), scalar) if isinstance(item, list) else item
            for item in value
        ]
        if len({type(item) for item in items}) > 1:
            raise ValueError(f"items of '{items}' are not of one type")
        return items
    return value
