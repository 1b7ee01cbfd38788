"""Commands and verbs: what `ros2 <command> <verb>` runs."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast


class Implementation(Protocol):
    """A module that carries out a command without verbs, or a verb."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""

    def main(self, args: argparse.Namespace) -> int | str | None:
        """Carry it out; return an exit code, or an error message for exit code 1."""


@dataclass(frozen=True)
class Verb:
    """A module of this package that is imported when it is used, and its line in the help."""

    module: str
    description: str

    def load(self) -> Implementation:
        """Import the module."""
        return cast(Implementation, importlib.import_module(f"ros2cli.{self.module}"))


@dataclass(frozen=True)
class Command:
    """A command: either a module of its own or verbs."""

    description: str
    module: str | None = None
    verbs: Mapping[str, Verb] = field(default_factory=dict)


class CommandError(RuntimeError):
    """What was asked for cannot be done; the message is for the user, the exit code is 1."""
