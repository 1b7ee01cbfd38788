"""Python expressions over messages, as `--filter` takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .command import CommandError


def message_filter(expression: str | None) -> Callable[[Any], bool]:
    """Return whether an expression, in which `m` is the message, holds; without an expression it always does.

    Raises:
        CommandError: it is no expression, or (from what is returned) it cannot be worked out.
    """
    if expression is None:
        return lambda message: True
    try:
        code = compile(expression, "<filter>", "eval")
    except SyntaxError as error:
        raise CommandError(f"Invalid filter '{expression}': {error.msg}") from error

    def holds(message: Any) -> bool:
        try:
            return bool(eval(code, {"m": message}))
        except (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError) as error:
            raise CommandError(f"Invalid filter '{expression}': {error}") from error

    return holds
