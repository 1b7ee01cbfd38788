"""Parameters as launch files give them: dictionaries with substitutions, and files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import yaml
from launch.launch_context import LaunchContext
from launch.substitution import Substitution, normalize_to_list_of_substitutions, perform_substitutions
from launch_ros.parameter_descriptions import Parameter, ParameterFile, ParameterValue

ParameterDict = list[tuple[list[Substitution], Any]]
NormalizedParameters = list[ParameterDict | Parameter | ParameterFile]
EvaluatedParameters = list[dict[str, Any] | Path]

_SCALARS = (bool, int, float, str)


class _Text(list[Substitution]):
    """Substitutions that make one text, to be read by YAML's rules."""


def normalize_parameters(parameters: Iterable[Any]) -> NormalizedParameters:
    """Check and flatten what a launch file gives: dictionaries, `ParameterFile`s, `Parameter`s, paths of files.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(parameters, (str, Mapping, PathLike)) or not isinstance(parameters, Iterable):
        raise TypeError(f"Expecting list of parameters, got {parameters}")
    return [_normalize_one(item) for item in parameters]


def _normalize_one(item: Any) -> ParameterDict | Parameter | ParameterFile:
    if isinstance(item, Mapping):
        return normalize_parameter_dict(item)
    return item if isinstance(item, (Parameter, ParameterFile)) else ParameterFile(item)


def normalize_parameter_dict(parameters: Mapping[Any, Any], prefix: Sequence[Substitution] = ()) -> ParameterDict:
    """Flatten nested dictionaries into names with dots, and mark what has to be evaluated.

    Raises:
        TypeError: a value is none that a parameter can have.
    """
    normalized: ParameterDict = []
    for key, value in parameters.items():
        name = [*prefix, *normalize_to_list_of_substitutions(key)]
        if isinstance(value, Mapping):
            normalized += normalize_parameter_dict(value, [*name, *normalize_to_list_of_substitutions(".")])
        else:
            normalized.append((name, _normalize_value(value)))
    return normalized


def _normalize_value(value: Any) -> Any:
    if isinstance(value, Substitution):
        return _Text([value])
    if isinstance(value, (*_SCALARS, bytes, ParameterValue)):
        return value
    if not isinstance(value, Sequence):
        raise TypeError(f"Unexpected type for parameter value {value!r}")
    kinds = {_kind(item) for item in value}
    if Substitution in kinds and kinds <= {Substitution, str}:
        return _Text(normalize_to_list_of_substitutions(value))
    if kinds == {int, float}:
        return [float(item) for item in value]
    if kinds & {Substitution, list, tuple}:
        return [
            _Text(normalize_to_list_of_substitutions(item)) if isinstance(item, (list, tuple, Substitution)) else item
            for item in value
        ]
    return _of_one_type(list(value))


def _of_one_type(items: list[Any]) -> list[Any]:
    if len({type(item) for item in items}) != 1:
        raise TypeError(f"Expected a non-empty sequence, with items of uniform type. Got {items!r}.")
    return items


def _kind(item: Any) -> type:
    for kind in (Substitution, *_SCALARS, list, tuple):
        if isinstance(item, kind):
            return kind
    raise TypeError(f"Unexpected type for parameter value {item!r}")


def evaluate_parameters(context: LaunchContext, parameters: NormalizedParameters) -> EvaluatedParameters:
    """Evaluate normalized parameters into dictionaries of values and paths of files, in their order.

    Raises:
        TypeError: a substitution gives text that is no value of a parameter.
    """
    evaluated: EvaluatedParameters = []
    for item in parameters:
        if isinstance(item, ParameterFile):
            evaluated.append(item.evaluate(context))
        elif isinstance(item, Parameter):
            evaluated.append(dict([item.evaluate(context)]))
        else:
            evaluated.append(evaluate_parameter_dict(context, item))
    return evaluated


def evaluate_parameter_dict(context: LaunchContext, parameters: ParameterDict) -> dict[str, Any]:
    """Evaluate a normalized dictionary; see `evaluate_parameters`."""
    evaluated = {}
    for name_substitutions, value in parameters:
        name = perform_substitutions(context, name_substitutions)
        evaluated[name] = _evaluate_value(context, name, value)
    return evaluated


def _evaluate_value(context: LaunchContext, name: str, value: Any) -> Any:
    if isinstance(value, ParameterValue):
        return value.evaluate(context)
    if isinstance(value, _Text):
        return _read(name, perform_substitutions(context, value))
    if isinstance(value, list) and any(isinstance(item, _Text) for item in value):
        items = [
            _read(name, perform_substitutions(context, item)) if isinstance(item, _Text) else item for item in value
        ]
        return _of_one_type(items)
    return value


def _read(name: str, text: str) -> Any:
    """Read substituted text by YAML's rules, as a launch argument 'true' or '2.5' is meant."""
    hint = (
        "If the parameter is meant to be a string, try wrapping it in "
        "launch_ros.parameter_descriptions.ParameterValue(value, value_type=str)"
    )
    try:
        value = yaml.safe_load(text) if text else ""
    except yaml.YAMLError as error:
        raise TypeError(f"Unable to parse the value of parameter {name} as yaml: '{text}'. {hint}") from error
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, list) and value and {type(item) for item in value} in ({kind} for kind in _SCALARS):
        return value
    raise TypeError(
        f"The value of parameter {name}, '{text}', is neither a bool, int, float or str nor a list of one of these. "
        f"{hint}"
    )
