"""What follows ``--ros-args`` on a command line: remappings, parameters, log levels."""

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from roslite.names import expand
from roslite.yaml_values import YamlLoader, problem_of_parameter

ROS_ARGS = "--ros-args"


_LEVELS = ("UNSET", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_SWITCHES = {"stdout-logs": "stdout_logs", "rosout-logs": "rosout_logs"}
_WITH_VALUE = {"-r", "--remap", "-p", "--param", "--params-file", "--log-level", "-e", "--enclave"}
_UNSUPPORTED = {
    "--log-config-file": "logging cannot be configured by a file here",
    "--log-file-name": "no log files are written here",
    "--enable-external-lib-logs": "no log files are written here",
}


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
    stdout_logs: bool = True
    rosout_logs: bool = True

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
        action, _, what = flag.lstrip("-").partition("-")
        if what in _SWITCHES and flag in (f"--enable-{what}", f"--disable-{what}"):
            setattr(parsed, _SWITCHES[what], action == "enable")
        elif flag in _UNSUPPORTED:
            raise ArgumentError(f"{flag}: {_UNSUPPORTED[flag]}")
        elif ":=" in flag and not flag.startswith("-"):
            parsed.remaps.append(_parse_remap(flag))
        elif flag in _WITH_VALUE:
            _add(parsed, flag, _value(flag, rest))
        elif flag != "--disable-external-lib-logs":  # what it turns off is never on
            raise UnknownArgumentError(f"found unknown ROS arguments: {[flag]}")
    return parsed


def _add(parsed: RosArguments, flag: str, value: str) -> None:
    if flag in ("-r", "--remap"):
        parsed.remaps.append(_parse_remap(value))
    elif flag in ("-p", "--param"):
        parsed.parameters.append(_parse_parameter(value))
    elif flag == "--params-file":
        parsed.parameters.extend(read_parameter_file(value))
    elif flag == "--log-level":
        name, _, level = value.rpartition(":=")
        if level.upper() not in _LEVELS:
            raise ArgumentError(f"Couldn't parse log level rule: '{value}', expected one of {', '.join(_LEVELS)}")
        parsed.log_levels[name] = level
    elif value != "/":
        raise ArgumentError(f"{flag} {value}: security enclaves are not supported here")


def _value(flag: str, rest: Iterator[str]) -> str:
    try:
        return next(rest)
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
    content = parse_value(value)
    if problem := problem_of_parameter(content):
        raise ArgumentError(f"Couldn't parse parameter override rule: '{text}': {problem}")
    return ParameterRule(node or "/**", {name: content})


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
            parameters = value["ros__parameters"]
            if not isinstance(parameters, dict):
                raise ArgumentError(f"Failed to parse parameter file '{path}': '{name}' has no parameters")
            values = dict(flatten(parameters))
            for parameter, content in values.items():
                if problem := problem_of_parameter(content):
                    raise ArgumentError(
                        f"Failed to parse parameter file '{path}': '{parameter}' of '{name}': {problem}"
                    )
            yield ParameterRule(name, values)
        yield from _rules_in({k: v for k, v in value.items() if k != "ros__parameters"}, name, path)


def flatten(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested parameters under their dotted names."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
