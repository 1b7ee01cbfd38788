"""How far actions move if a cache's unfilled slots are attended to as zeros instead of being masked.

The official AR-VLA release does so: its static cache starts as zeros, holds ``test_time_history`` slots (100 unless
configured) and is read without a mask (insait-institute/AR-VLA-lerobot at e4230e4, model_art.py, update_vision_prefix
and generate_next_action). A key of zeros scores 0, which is no small score, and a value of zeros says nothing: until
the ring has filled, each slot draws attention away from what there is.

python benchmarks/unfilled_slots.py --out docs/images/unfilled_slots.png
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
import tyro
from torch import Tensor

from arvla_ros.evaluation.policy_sizes import specialist
from arvla_ros.paths import share_directory
from arvla_ros.policy.checkpoint import load_expert
from arvla_ros.policy.expert import ActionExpert, PrefixBatch, banded
from arvla_ros.policy.prefix import Prefix
from arvla_ros.policy.streaming import Perceiver
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.expert import ReachExpert
from arvla_ros.sim.tasks import make_task

STEPS = 20
LOOK_EVERY = 4
RELEASE_SLOTS = 100
"""Slots of the official release's cache, by default."""


@dataclass(frozen=True)
class UnfilledSlotsConfig:
    """What to run."""

    seed: int = 0
    """Layout of *reach* that the shipped policy is shown, and of the specialist's random weights."""
    out: Path = Path("runs/bench/unfilled_slots.png")
    """Figure."""


class Episode(NamedTuple):
    """The beginning of an episode: an expert, its normalised states ``[T, S]``, a prefix every ``LOOK_EVERY`` steps."""

    expert: ActionExpert
    states: Tensor
    prefixes: tuple[Prefix, ...]


def main(config: UnfilledSlotsConfig) -> None:
    """Print the relative change of each action and save a figure."""
    episodes = {"reach, as shipped": _reach(config.seed), "specialist, random weights": _specialist(config.seed)}
    columns: dict[str, Tensor] = {}
    for name, episode in episodes.items():
        history = episode.expert.config.history_length
        masked = actions(episode, unfilled_slots=0)
        for slots in (history, RELEASE_SLOTS):
            change = (actions(episode, slots) - masked).norm(dim=-1) / masked.norm(dim=-1)
            columns[f"{name}, {slots} slots"] = change
    print("| step | " + " | ".join(columns) + " |\n|---" + "|---" * len(columns) + "|")
    for step in range(STEPS):
        print(f"| {step} | " + " | ".join(f"{100 * change[step]:.1f} %" for change in columns.values()) + " |")
    print("| mean | " + " | ".join(f"{100 * change.mean():.1f} %" for change in columns.values()) + " |")
    _plot(columns, config.out)


@torch.inference_mode()
def actions(episode: Episode, unfilled_slots: int) -> Tensor:
    """Return the normalised actions ``[T, A]`` of an episode, each token seeing a ring that is still empty in part.

    Args:
        episode: what the expert takes in.
        unfilled_slots: slots of the ring that are read as zeros until a token fills them; 0 masks them, as we do.
    """
    expert, states, prefixes = episode
    count = len(states)
    keys, values = ([getattr(prefix, part) for prefix in prefixes] for part in ("keys", "values"))
    # A key of zeros is a key of zeros at any rotation: unfilled slots are tokens of a prefix that holds nothing.
    nothing = keys[0].new_zeros(*keys[0].shape[:2], unfilled_slots, keys[0].shape[-1])
    looks = torch.arange(len(prefixes)).repeat_interleave(keys[0].shape[2])
    current = looks == torch.arange(count)[:, None] // LOOK_EVERY
    still_empty = torch.arange(unfilled_slots) > torch.arange(count)[:, None]
    seen = PrefixBatch(
        torch.cat((*keys, nothing), -2)[:, None],
        torch.cat((*values, nothing), -2)[:, None],
        torch.cat((LOOK_EVERY * looks, torch.zeros(unfilled_slots, dtype=torch.int64)))[None],
        torch.cat((current & torch.cat([prefix.token_mask for prefix in prefixes]), still_empty), -1)[None],
    )
    steps = torch.arange(count)[None]
    predicted: Tensor = expert(states[None], steps, banded(steps, expert.config.history_length), seen)
    return expert.action_out.decode(predicted)[0]


def _reach(seed: int) -> Episode:
    """Return what the shipped policy meets while the scripted expert moves the simulated arm."""
    folder = share_directory() / "checkpoints" / "reach"
    perceiver = Perceiver.load(folder)
    manifest = perceiver.manifest
    env = RolloutEnv(make_task(manifest.task), manifest.contract)
    demonstrator = ReachExpert()
    observation = env.reset(seed)
    states, prefixes = [], []
    for step in range(STEPS):
        if step % LOOK_EVERY == 0:
            prefixes.append(perceiver.perceive(env.render_policy_image()[None], observation.instruction))
        states.append(observation.state)
        observation = env.step(demonstrator.action(env.world))
    env.close()
    normalized = manifest.state.normalize(torch.from_numpy(np.stack(states)))
    return Episode(load_expert(folder), normalized, tuple(prefixes))


def _specialist(seed: int) -> Episode:
    """Return a specialist of random weights on a smooth random walk."""
    size = specialist()
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    expert = ActionExpert(size.expert).eval().requires_grad_(False)
    shape = (size.expert.layers, size.expert.kv_heads, size.prefix_tokens, size.expert.head_dim)
    everything = torch.ones(size.prefix_tokens, dtype=torch.bool)
    looks = torch.randn(STEPS // LOOK_EVERY, 2, *shape, generator=generator)
    prefixes = (Prefix(keys, values, everything) for keys, values in looks)
    walk = (0.1 * torch.randn(STEPS, size.expert.state_size, generator=generator)).cumsum(0)
    start = torch.randn(size.expert.state_size, generator=generator)
    return Episode(expert, start + walk, tuple(prefixes))


def _plot(columns: dict[str, Tensor], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(figsize=(8, 4), constrained_layout=True)
    for index, (name, change) in enumerate(columns.items()):
        colour, style = ("tab:blue", "tab:orange")[index // 2], ("-", "--")[index % 2]
        axes.plot(100 * change, style, color=colour, marker=".", label=name)
    axes.set_xlabel("step since the reset")
    axes.set_ylabel("change of the action, %")
    axes.set_xticks(range(0, STEPS, 2))
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)
    axes.set_title("Attending to unfilled slots as zeros, against masking them", fontsize=10)
    figure.savefig(path, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    main(tyro.cli(UnfilledSlotsConfig, description=__doc__))
