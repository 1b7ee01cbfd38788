"""What follows ``--ros-args`` on a command line: remappings, parameters, log levels."""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from roslite.names import expand

ROS_ARGS = "--ros-args"


class YamlLoader(yaml.SafeLoader):
    """Reads ``1e-3`` as a number, as ROS 2 and YAML 1.2 do; PyYAML alone takes it for text."""


_EXPONENT = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9]*)?[eE][-+]?[0-9]+|[-+]?\.[0-9]+[eE][-+]?[0-9]+")
YamlLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(rf"^(?:{_EXPONENT.pattern})$"), list("-+0123456789.")
)

_IGNORED = {
    "--enable-rosout-logs",
    "--disable-rosout-logs",
    "--enable-stdout-logs",
    "--disable-stdout-logs",
    "--enable-external-lib-logs",
    "--disable-external-lib-logs",
}
_IGNORED_WITH_VALUE = {"-e", "--enclave", "--log-config-file", "--log-file-name"}


class ArgumentError(ValueError):
    """An argument after ``--ros-args`` makes no sense."""


class UnknownArgumentError(ArgumentError):
    """An argument after ``--ros-args`` is not one that ROS knows."""


@dataclass(frozen=True)
class Remap:
    """A rule ``[node:]source:=target``."""

    node: str | None
    source: str
    target: str


@dataclass(frozen=True)
class ParameterRule:
    """Values for the parameters of the nodes that ``node``, a name with wildcards, matches."""

    node: str
    values: dict[str, Any]


@dataclass
class RosArguments:
    """The parsed arguments, in the order in which they were given."""

    remaps: list[Remap] = field(default_factory=list)
    parameters: list[ParameterRule] = field(default_factory=list)
    log_levels: dict[str, str] = field(default_factory=dict)

    def node_name(self, name: str) -> str:
        """Return the name that a node gets."""
        return next((rule.target for rule in self._rules("__node", "__name", node=name)), name)

    def namespace(self, name: str, namespace: str) -> str:
        """Return the namespace that a node gets."""
        return next((rule.target for rule in self._rules("__ns", node=name)), namespace)

    def resolve(self, name: str, node_name: str, namespace: str, kind: str) -> str:
        """Return the name that the absolute ``name`` of a topic or service (``kind``) is remapped to."""
        for rule in self.remaps:
            if rule.source.startswith("__") or rule.node not in (None, node_name):
                continue
            scheme, _, source = rule.source.rpartition("://")
            if scheme in ("", f"ros{kind}") and expand(source, node_name, namespace) == name:
                return expand(rule.target, node_name, namespace)
        return name

    def parameters_of(self, full_name: str) -> dict[str, Any]:
        """Return the values for the parameters of a node, given by its absolute name; the last one given wins."""
        values: dict[str, Any] = {}
        for rule in self.parameters:
            if matches(rule.node, full_name):
                values.update(rule.values)
        return values

    def _rules(self, *sources: str, node: str) -> Iterator[Remap]:
        return (rule for rule in self.remaps if rule.source in sources and rule.node in (None, node))


def matches(pattern: str, full_name: str) -> bool:
    """Whether a name in a parameter file stands for a node: ``/**`` for any depth, ``*`` for one token.

    A pattern without a leading slash is taken from the root.
    """
    return _tokens_match(pattern.strip("/").split("/"), full_name.strip("/").split("/"))


def _tokens_match(pattern: Sequence[str], tokens: Sequence[str]) -> bool:
    if not pattern:
        return not tokens
    if pattern[0] == "**":
        return any(_tokens_match(pattern[1:], tokens[start:]) for start in range(len(tokens) + 1))
    return bool(tokens) and fnmatch.fnmatchcase(tokens[0], pattern[0]) and _tokens_match(pattern[1:], tokens[1:])


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arguments that are not for ROS, and those that are (without the markers)."""
    others: list[str] = []
    ros: list[str] = []
    inside = False
    for argument in arguments:
        if argument == ROS_ARGS:
            inside = True
        elif inside and argument == "--":
            inside = False
        else:
            (ros if inside else others).append(argument)
    return others, ros


def parse(arguments: Sequence[str]) -> RosArguments:
    """Parse a command line.

    Raises:
        ArgumentError: an argument after ``--ros-args`` makes no sense.
        UnknownArgumentError: it is none that ROS knows.
    """
    parsed = RosArguments()
    rest = iter(split(arguments)[1])
    for flag in rest:
        if flag in _IGNORED:
            continue
        value = flag if ":=" in flag and not flag.startswith("-") else _value(flag, rest)
        if flag in ("-r", "--remap") or value is flag:
            parsed.remaps.append(_parse_remap(value))
        elif flag in ("-p", "--param"):
            parsed.parameters.append(_parse_parameter(value))
        elif flag == "--params-file":
            parsed.parameters.extend(read_parameter_file(value))
        elif flag == "--log-level":
            name, _, level = value.rpartition(":=")
            parsed.log_levels[name] = level
    return parsed


def _value(flag: str, rest: Iterable[str]) -> str:
    if flag not in {"-r", "--remap", "-p", "--param", "--params-file", "--log-level"} | _IGNORED_WITH_VALUE:
        raise UnknownArgumentError(f"Found unknown ROS argument: '{flag}'")
    try:
        return next(iter(rest))
    except StopIteration:
        raise ArgumentError(f"Found trailing {flag} flag without a value") from None


def _parse_remap(text: str) -> Remap:
    source, separator, target = text.partition(":=")
    if not separator or not source or not target:
        raise ArgumentError(f"Couldn't parse remap rule: '{text}', expected 'from:=to'")
    node: str | None = None
    if ":" in source and "://" not in source:
        node, _, source = source.partition(":")
    return Remap(node, source, target)


def _parse_parameter(text: str) -> ParameterRule:
    name, separator, value = text.partition(":=")
    if not separator or not name:
        raise ArgumentError(f"Couldn't parse parameter override rule: '{text}', expected 'name:=value'")
    node, _, name = name.rpartition(":")
    return ParameterRule(node or "/**", {name: parse_value(value)})


def parse_value(text: str) -> Any:
    """Return the value that a YAML scalar or list stands for, as ROS 2 understands it.

    Raises:
        ArgumentError: the text is not YAML.
    """
    try:
        return yaml.load(text, YamlLoader) if text else ""
    except yaml.YAMLError as error:
        raise ArgumentError(f"'{text}' is not a value in YAML: {error}") from error


def read_parameter_file(path: str) -> list[ParameterRule]:
    """Read a YAML file with parameters of nodes.

    Raises:
        ArgumentError: it cannot be read, is no YAML, or has no ``ros__parameters`` where they belong.
    """
    try:
        content = yaml.load(Path(path).read_text(encoding="utf-8"), YamlLoader)
    except (OSError, yaml.YAMLError) as error:
        raise ArgumentError(f"Failed to parse parameter file '{path}': {error}") from error
    if not isinstance(content, dict):
        raise ArgumentError(f"Failed to parse parameter file '{path}': nodes and their parameters are expected")
    return list(_rules_in(content, "", path))


def _rules_in(content: dict[str, Any], prefix: str, path: str) -> Iterator[ParameterRule]:
    for key, value in content.items():
        name = f"{prefix}/{str(key).strip('/')}"
        if not isinstance(value, dict):
            raise ArgumentError(f"Failed to parse parameter file '{path}': '{name}' has no 'ros__parameters'")
        if "ros__parameters" in value:
            yield ParameterRule(name, dict(flatten(value["ros__parameters"] or {})))
        yield from _rules_in({k: v for k, v in value.items() if k != "ros__parameters"}, name, path)


def flatten(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested parameters under their dotted names."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
