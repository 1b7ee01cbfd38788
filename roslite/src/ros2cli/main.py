"""Entry point of `ros2`."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from roslite.settings import SettingsError

from .command import Command, Verb
from .commands import COMMANDS

_USAGE_HINT = "Call `{prog} <{kind}> -h` for more detailed usage."


def main(argv: Sequence[str] | None = None) -> int | str | None:
    """Run `ros2`.

    Args:
        argv: the arguments behind `ros2`, default those of this process.

    Returns:
        What `sys.exit` takes: an exit code, None for 0, or an error message for 1.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["--use-python-default-buffering"]:
        del arguments[0]
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    _put_own_python_first_on_path()
    try:
        return _run(arguments)
    except (RuntimeError, SettingsError) as error:
        return str(error)
    except KeyboardInterrupt:
        return int(signal.SIGINT)
    except BrokenPipeError:
        # The reader, `head` for one, has seen enough; nothing is left to be flushed into its pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(signal.SIGPIPE)


def _put_own_python_first_on_path() -> None:
    """Executables begin with `#!/usr/bin/env python3`: let that be this Python, its environment activated or not."""
    own = os.path.dirname(sys.executable)
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder != own]
    os.environ["PATH"] = os.pathsep.join([own, *folders])


def _run(arguments: list[str]) -> int | str | None:
    description = "ros2 is an extensible command-line tool for ROS 2."
    lines = {name: command.description for name, command in COMMANDS.items()}
    name, rest = _choose("ros2", "command", description, lines, arguments)
    if name is None:
        return 0
    command = COMMANDS[name]
    if command.module is not None:
        return _run_verb(f"ros2 {name}", Verb(command.module, command.description), rest)
    return _run_command(f"ros2 {name}", command, rest)


def _run_command(prog: str, command: Command, arguments: list[str]) -> int | str | None:
    lines = {name: verb.description for name, verb in command.verbs.items()}
    name, rest = _choose(prog, "verb", command.description, lines, arguments)
    return 0 if name is None else _run_verb(f"{prog} {name}", command.verbs[name], rest)


def _choose(
    prog: str, kind: str, description: str, lines: Mapping[str, str], arguments: list[str]
) -> tuple[str | None, list[str]]:
    """Split off the name of a command or verb; print the help and return None if there is none."""
    width = max(map(len, lines))
    listed = "\n".join(f"  {name:<{width}}  {text}" for name, text in sorted(lines.items()))
    hint = _USAGE_HINT.format(prog=prog, kind=kind)
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} [-h] {hint} ...",
        description=description,
        epilog=f"{kind.capitalize()}s:\n{listed}\n\n  {hint}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if not arguments:
        parser.print_help()
        return None, []
    name, rest = arguments[0], arguments[1:]
    if name in lines:
        return name, rest
    parser.parse_args([name] if name.startswith("-") else [])
    parser.error(f"invalid choice: '{name}' (choose from {', '.join(sorted(lines))})")


def _run_verb(prog: str, verb: Verb, arguments: list[str]) -> int | str | None:
    implementation = verb.load()
    parser = argparse.ArgumentParser(prog=prog, description=verb.description)
    implementation.add_arguments(parser)
    return implementation.main(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
