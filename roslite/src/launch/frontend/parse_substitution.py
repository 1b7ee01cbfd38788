"""Reads text with substitutions in it."""

from __future__ import annotations

import re

from launch.substitution import Substitution, SubstitutionFailure, TextSubstitution

from .expose import Argument, make_substitution

_OPEN = re.compile(r"\$\(([A-Za-z][\w-]*)")
_ESCAPED = re.compile(r"\\(.)")

# A piece of text without a substitution: anywhere; in an argument; in quotes.
_ANYWHERE = re.compile(r"(?:\\.|[^$\\]|\$(?!\()|\\)+", re.DOTALL)
_IN_ARGUMENT = re.compile(r"(?:\\.|[^\s'\"$()\\]|\$(?!\()|\\)+")
_IN_QUOTES = {
    "'": re.compile(r"(?:\\.|[^'$\\]|\$(?!\()|\\)+", re.DOTALL),
    '"': re.compile(r"(?:\\.|[^\"$\\]|\$(?!\()|\\)+", re.DOTALL),
}


def parse_substitution(string_value: str) -> list[Substitution]:
    r"""Turn text into substitutions: what stands in `$(name argument ...)`, and the text around it.

    Arguments are separated by spaces, may be quoted, and may hold substitutions; a backslash takes from the character
    behind it what it means.

    Raises:
        SubstitutionFailure: a substitution is unknown, not closed, or takes other arguments.
    """
    return _Reader(string_value).read_all() if string_value else [TextSubstitution(text="")]


class _Reader:
    def __init__(self, text: str) -> None:
        self.__text = text
        self.__at = 0

    def read_all(self) -> list[Substitution]:
        """Read the whole text."""
        pieces = self.__pieces(_ANYWHERE)
        if self.__at < len(self.__text):
            raise self.__failure()
        return pieces

    def __pieces(self, plain: re.Pattern[str]) -> list[Substitution]:
        """Read plain text and substitutions as long as there are any."""
        pieces: list[Substitution] = []
        while True:
            if (text := self.__take(plain)) is not None:
                pieces.append(TextSubstitution(text=_ESCAPED.sub(r"\1", text[0])))
            elif (opened := self.__take(_OPEN)) is not None:
                pieces.append(make_substitution(opened[1], self.__arguments()))
            else:
                return pieces

    def __arguments(self) -> list[Argument]:
        """Read up to the closing parenthesis."""
        arguments = []
        while self.__take(re.compile(r"\s*\)")) is None:
            if self.__take(re.compile(r"\s+")) is None:
                raise self.__failure()
            arguments.append(self.__argument())
        return arguments

    def __argument(self) -> Argument:
        quote = self.__take(re.compile("['\"]"))
        argument = self.__pieces(_IN_ARGUMENT if quote is None else _IN_QUOTES[quote[0]])
        closed = argument if quote is None else self.__take(re.compile(quote[0]))
        if not closed:
            raise self.__failure()
        return argument

    def __take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.__text, self.__at)
        if found is not None:
            self.__at = found.end()
        return found

    def __failure(self) -> SubstitutionFailure:
        line = self.__text.count("\n", 0, self.__at) + 1
        rest = self.__text[self.__at :].split("\n", 1)[0]
        return SubstitutionFailure(f"cannot read the substitution in line {line} from here on: '{rest}'")
