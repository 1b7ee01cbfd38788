"""Names by which text refers to substitutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from launch.substitution import Substitution, SubstitutionFailure
from launch.substitutions import (
    AllSubstitution,
    AndSubstitution,
    AnonName,
    AnySubstitution,
    Command,
    EnvironmentVariable,
    EqualsSubstitution,
    FileContent,
    FindExecutable,
    IfElseSubstitution,
    LaunchConfiguration,
    NotEqualsSubstitution,
    NotSubstitution,
    OrSubstitution,
    PathJoinSubstitution,
    PythonExpression,
    StringJoinSubstitution,
    ThisLaunchFile,
    ThisLaunchFileDir,
)

Argument = list[Substitution]
_Class = TypeVar("_Class", bound=type[Substitution])

_makers: dict[str, Callable[..., Substitution]] = {
    "all": AllSubstitution,
    "and": AndSubstitution,
    "anon": AnonName,
    "any": AnySubstitution,
    "command": lambda command, *on_stderr: Command(command, **dict(zip(["on_stderr"], on_stderr, strict=True))),
    "dirname": ThisLaunchFileDir,
    "env": lambda name, default=None: EnvironmentVariable(name, default_value=default),
    "equals": EqualsSubstitution,
    "eval": PythonExpression,
    "file-content": FileContent,
    "filename": ThisLaunchFile,
    "find-exec": lambda name: FindExecutable(name=name),
    "if": IfElseSubstitution,
    "not": NotSubstitution,
    "not-equals": NotEqualsSubstitution,
    "or": OrSubstitution,
    "path-join": lambda *components: PathJoinSubstitution(components),
    "string-join": lambda delimiter, *components: StringJoinSubstitution(components, delimiter),
    "var": lambda name, default=None: LaunchConfiguration(name, default=default),
}


def add_substitution(name: str, make: Callable[..., Substitution]) -> None:
    """Let text refer to what `make` returns, called with an argument for each of the text's, a list each."""
    _makers[name] = make


def expose_substitution(name: str) -> Callable[[_Class], _Class]:
    """Decorate a class so that text can refer to it as `$(name argument ...)`.

    Its class method `parse` gets the arguments, each a list of substitutions, and returns a class and a dictionary of
    keyword arguments to create it with.
    """

    def expose(exposed: _Class) -> _Class:
        def make(*arguments: Argument) -> Substitution:
            made, keywords = exposed.parse(list(arguments))  # type: ignore[attr-defined]
            substitution: Substitution = made(**keywords)
            return substitution

        add_substitution(name, make)
        return exposed

    return expose


def make_substitution(name: str, arguments: list[Argument]) -> Substitution:
    """Return the substitution that text refers to.

    Raises:
        SubstitutionFailure: there is none of this name, or it takes other arguments.
    """
    if name not in _makers:
        raise SubstitutionFailure(f"Unknown substitution: {name}; known: {', '.join(sorted(_makers))}")
    try:
        return _makers[name](*arguments)
    except (TypeError, ValueError) as error:
        raise SubstitutionFailure(f"substitution '{name}' does not take these {len(arguments)} arguments") from error
