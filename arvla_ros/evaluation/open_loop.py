"""``arvla episodes eval``: what a policy would have done at every step of a recorded episode, beside what was done."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import tyro

from arvla_ros.episodes.episode_folder import INFO_FILE, EpisodeInfo
from arvla_ros.episodes.from_bag import ACTION, STATE, Converted, camera_feature, convert
from arvla_ros.policy.streaming import Perceiver, StreamingPolicy


@dataclass(frozen=True)
class OpenLoopConfig:
    """Which policy, over what."""

    episode: tyro.conf.Positional[Path]
    """Folder of a recorded episode, or any bag."""
    checkpoint: Path
    """Checkpoint folder."""
    out: Path = Path("open_loop.png")
    """Plot; the figures go beside it as JSON."""
    refresh_every: int = 4
    """Steps between two looks."""
    latency: int = 2
    """Steps from a look until its prefix is used."""
    instruction: str = ""
    """What to tell the policy; empty: what the episode says."""


def evaluate_open_loop(config: OpenLoopConfig) -> int:
    """Plot predicted and recorded actions, print the errors by dimension, and return the exit code.

    Raises:
        DatasetError: the bag cannot be converted.
        CheckpointError: the checkpoint cannot be used.
        InstructionError: the policy does not know the instruction.
    """
    policy, perceiver = StreamingPolicy.load(config.checkpoint), Perceiver.load(config.checkpoint)
    told = EpisodeInfo.read(config.episode).instruction if (config.episode / INFO_FILE).exists() else ""
    converted = convert(config.episode, policy.contract, config.instruction or told)
    perceiver.check_instruction(converted.episode.task)
    predicted = predict(converted, policy, perceiver, config.refresh_every, config.latency)
    recorded = converted.episode.columns[ACTION]
    names = [
        f"{each.name}, {each.unit}" if each.unit else each.name for each in policy.contract.space.action_dimensions
    ]
    seen = np.isfinite(predicted).all(1)
    errors = np.abs(predicted - recorded)[seen]
    config.out.parent.mkdir(parents=True, exist_ok=True)
    _plot(config.out, names, predicted, recorded, policy.contract.control_rate_hz, converted.episode.task)
    figures = {
        name: {"mean": float(error.mean()), "max": float(error.max())}
        for name, error in zip(names, errors.T, strict=True)
    }
    config.out.with_suffix(".json").write_text(
        json.dumps({"steps": int(seen.sum()), "errors": figures}, indent=1) + "\n"
    )
    print(f"{'':<20}{'mean error':>12}{'max':>12}")
    for name, error in figures.items():
        print(f"{name:<20}{error['mean']:>12.4f}{error['max']:>12.4f}")
    print(f"{seen.sum()} steps; {config.out}")
    return 0


def predict(
    converted: Converted, policy: StreamingPolicy, perceiver: Perceiver, refresh_every: int, latency: int
) -> npt.NDArray[np.float32]:
    """Return the actions ``[T, A]`` of a policy that only looks on; NaN before its first prefix."""
    states = converted.episode.columns[STATE]
    frames = [converted.episode.frames[camera_feature(camera.name)] for camera in policy.contract.cameras]
    actions = np.full((len(states), policy.contract.action_size), np.nan, dtype=np.float32)
    policy.reset()
    for step, state in enumerate(states):
        captured = step - latency
        if captured >= 0 and captured % refresh_every == 0:
            images = np.stack([camera[captured] for camera in frames])
            policy.set_prefix(perceiver.perceive(images, converted.episode.task), captured)
        action = policy.step(step, state)
        if captured >= 0:
            actions[step] = action
    return actions


def _plot(
    path: Path,
    names: list[str],
    predicted: npt.NDArray[np.float32],
    recorded: npt.NDArray[np.float32],
    rate_hz: float,
    task: str,
) -> None:
    seconds = np.arange(len(recorded)) / rate_hz
    figure, rows = plt.subplots(
        len(names), 1, figsize=(12, 1.5 * len(names) + 1), sharex=True, constrained_layout=True, squeeze=False
    )
    for axes, name, was, would in zip(rows[:, 0], names, recorded.T, predicted.T, strict=True):
        axes.plot(seconds, was, color="black", linewidth=1.2, label="recorded")
        axes.plot(seconds, would, color="tab:orange", linewidth=1.2, label="predicted")
        axes.set_ylabel(name)
        axes.margins(x=0.01)
    rows[0, 0].set_title(f"actions: {task}")
    rows[0, 0].legend(fontsize=8, frameon=False, ncol=2)
    rows[-1, 0].set_xlabel("time, s")
    figure.savefig(path, dpi=130)
    plt.close(figure)
