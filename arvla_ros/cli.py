"""The ``arvla`` command: everything that needs no running robot."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Any, NamedTuple

import tyro


class Command(NamedTuple):
    """Where a subcommand lives: a config data class for its options and a function that takes it."""

    module: str
    config: str
    function: str
    help: str


_EPISODES = "arvla_ros.episodes.management"

COMMANDS = {
    "sim watch": Command("arvla_ros.sim.watch", "WatchConfig", "watch", "watch the scripted expert do a task"),
    "sim score": Command("arvla_ros.sim.score", "ScoreConfig", "score", "count how often it succeeds, on all cores"),
    "sim guess": Command(
        "arvla_ros.sim.guess", "GuessConfig", "guess", "check that stack3's observations hide what must be remembered"
    ),
    "sim record": Command("arvla_ros.sim.record", "RecordConfig", "record", "record demonstrations of it"),
    "sim teleop": Command("arvla_ros.sim.pusht2.teleop", "TeleopConfig", "teleop", "drive PushT2 with the mouse"),
    "episodes list": Command(_EPISODES, "DirectoryConfig", "list_episodes", "list recorded episodes"),
    "episodes info": Command(_EPISODES, "EpisodeConfig", "show", "tell all that is known of one"),
    "episodes verify": Command(_EPISODES, "DirectoryConfig", "verify", "read every message of every episode"),
    "episodes score": Command(_EPISODES, "ScoreEpisodeConfig", "score", "say how well one went, and keep it or not"),
    "episodes recover": Command(_EPISODES, "DirectoryConfig", "recover_all", "repair what a crash left"),
    "episodes merge": Command(_EPISODES, "MergeConfig", "merge", "put folders of episodes together"),
    "episodes eval": Command(
        "arvla_ros.evaluation.open_loop", "OpenLoopConfig", "evaluate_open_loop", "what a policy would have done in one"
    ),
    "episodes rerun": Command("arvla_ros.evaluation.rerun", "RerunConfig", "rerun", "compute a policy's run again"),
    "episodes to-lerobot": Command(
        "arvla_ros.episodes.to_lerobot", "ToLeRobotConfig", "to_lerobot", "make a dataset of recorded episodes"
    ),
    "train": Command("arvla_ros.training.train", "TrainConfig", "train", "train a policy from demonstrations"),
    "seed": Command(
        "arvla_ros.policy.seed_command", "SeedConfig", "seed", "start an action expert from a π0 checkpoint"
    ),
    "eval": Command("arvla_ros.evaluation.rollout", "EvalConfig", "evaluate", "score a checkpoint in simulation"),
    "bench policy": Command(
        "arvla_ros.evaluation.bench_policy", "BenchConfig", "bench", "time an action beside others"
    ),
    "plot run": Command(
        "arvla_ros.evaluation.plot_run", "PlotRunConfig", "plot_run", "a recorded bag as one picture, and its figures"
    ),
    "view": Command("arvla_ros.evaluation.view", "ViewConfig", "view", "a recorded or the running run in rerun"),
    "report": Command("arvla_ros.evaluation.report", "ReportConfig", "report", "figures, film and plot of a run"),
}


def main() -> int:
    """Run ``arvla COMMAND [options]``; an error that the user can mend is one line and exit code 1."""
    words = sys.argv[1:]
    name = next((name for name in COMMANDS if words[: len(name.split())] == name.split()), None)
    if name is None:
        print(_usage(), file=sys.stdout if not words or words[0] in ("-h", "--help") else sys.stderr)
        return 0 if words and words[0] in ("-h", "--help") else 2
    command = COMMANDS[name]
    try:
        # Imported now, not above: `arvla --help` needs neither torch nor MuJoCo.
        module = importlib.import_module(command.module)
        config = _parse(getattr(module, command.config), f"arvla {name}", command.help, words[len(name.split()) :])
        return int(getattr(module, command.function)(config) or 0)
    except (ValueError, OSError, RuntimeError) as error:
        # Only errors that this package raises on purpose, and the system's, are the user's to mend.
        if not type(error).__module__.startswith("arvla_ros") and not isinstance(error, OSError):
            raise
        print(f"arvla {name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parse(kind: type[Any], prog: str, description: str, words: list[str]) -> Any:
    """Fill a config from the command line; where it can be loaded, ``--config FILE`` gives the defaults."""
    if not hasattr(kind, "load"):
        return tyro.cli(kind, prog=prog, description=description, args=words)
    files = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    files.add_argument("--config")
    chosen, rest = files.parse_known_args(words)
    default = kind.load(chosen.config) if chosen.config else kind()
    description += "; --config FILE reads the options from YAML, those given beside it win"
    return tyro.cli(kind, prog=prog, description=description, args=rest, default=default)


def _usage() -> str:
    rows = "\n".join(f"  arvla {name:<19} {command.help}" for name, command in COMMANDS.items())
    return f"usage: arvla COMMAND [options]; arvla COMMAND --help tells the options\n\n{rows}"
