"""The training run: sight, motion, alignment; then the checkpoint, and how well it does on fresh seeds."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from arvla_ros.episodes.lerobot_reader import LeRobotDataset
from arvla_ros.evaluation.rollout import EvalConfig, run_evaluation, table
from arvla_ros.evaluation.timing import machine
from arvla_ros.policy.checkpoint import Manifest, save_checkpoint
from arvla_ros.policy.expert import ActionExpert
from arvla_ros.policy.heads import BinnedHead, fit_centers
from arvla_ros.policy.normalization import Normalizer
from arvla_ros.policy.small import SmallBackbone, SmallConfig, SmallOutput
from arvla_ros.sim.demonstrations import Source
from arvla_ros.sim.tasks import make_task
from arvla_ros.training.card import model_card
from arvla_ros.training.config import PhaseConfig, TrainConfig
from arvla_ros.training.objectives import (
    action_loss,
    aligned_attention,
    anchored_prefix,
    causal_attention,
    sight_loss,
    window_steps,
)
from arvla_ros.training.scenes import render_scenes
from arvla_ros.training.windows import DemonstrationWindows, SightBatch, WindowBatch

# Steps between two lines of metrics.jsonl.
_LOG_EVERY = 20
# Where the cosine ends, as a share of the peak learning rate.
_LAST_RATE = 0.02

Losses = dict[str, Tensor]


def train(config: TrainConfig) -> int:
    """Train a policy, write its checkpoint folder, count its successes, and return the exit code.

    Raises:
        DatasetError: there are no demonstrations, or they are damaged or not from the simulation.
        TaskError: they are of a task that there is no simulation of.
    """
    started = time.perf_counter()
    torch.manual_seed(config.seed)
    if config.threads:
        torch.set_num_threads(config.threads)
    demonstrations = LeRobotDataset(config.demonstrations)
    print(f"reading {len(demonstrations)} episodes from {config.demonstrations}")
    training = Training(config, demonstrations)
    config.out.mkdir(parents=True, exist_ok=True)
    metrics = config.out / "metrics.jsonl"
    metrics.write_text("")
    seconds = {"reading": time.perf_counter() - started}
    for name, phase, losses in training.phases():
        phase_started = time.perf_counter()
        _run_phase(name, phase, losses, training, metrics)
        seconds[name] = time.perf_counter() - phase_started
    seconds["total"] = time.perf_counter() - started
    manifest = training.manifest(seconds)
    manifest = training.save(manifest)
    if config.episodes:
        rows = run_evaluation(
            EvalConfig(checkpoint=config.out, episodes=config.episodes, refresh_every=(4, 10), latency=(2,))
        )
        manifest.training["evaluation"] = [row.to_dict() for row in rows]
        print(table(manifest.training["evaluation"]))
        training.save(manifest)
    print(f"{config.out}: trained in {seconds['total']:.0f} s")
    return 0


class Training:
    """Data and models of one run, and the losses of its phases."""

    def __init__(self, config: TrainConfig, demonstrations: LeRobotDataset) -> None:
        """Load the data and draw fresh weights; the demonstrations fix vocabulary, sizes and normalisation."""
        self.config = config
        self._generator = torch.Generator().manual_seed(config.seed)
        source = self._source = Source.read(demonstrations)
        instructions = make_task(source.task).instructions
        scenes = render_scenes(source.task, source.contract, config.scenes, config.seed)
        self._data = DemonstrationWindows(demonstrations, scenes, instructions, self._generator)
        self._state = Normalizer.mean_std(self._data.states)
        self._action = Normalizer.mean_std(self._data.actions)
        self._position = Normalizer.mean_std(self._data.objects.flatten(0, 1))
        contract, expert = source.contract, config.expert
        self.backbone = SmallBackbone(
            SmallConfig(
                instructions=instructions,
                layers=expert.layers,
                **vars(config.backbone),
                image_height=contract.image_height,
                image_width=contract.image_width,
                kv_heads=expert.kv_heads,
                head_dim=expert.head_dim,
                objects=self._data.objects.shape[1],
            )
        )
        self.expert = ActionExpert(expert)
        if isinstance(self.expert.action_out, BinnedHead):
            self.expert.action_out.set_centers(fit_centers(self._action.normalize(self._data.actions), expert.bins))

    def phases(self) -> Iterator[tuple[str, PhaseConfig, Callable[[int], Losses]]]:
        """Yield name, settings and loss (of a batch of the given size) of every phase, in order."""
        yield "sight", self.config.sight, self.sight_losses
        yield "motion", self.config.motion, self.motion_losses
        yield "alignment", self.config.alignment, self.alignment_losses

    def sight_losses(self, batch_size: int) -> Losses:
        """Single images, each under an instruction for any of its objects."""
        batch = self._data.sight(batch_size)
        return {"position": sight_loss(self._look(batch), batch, self._position.normalize(batch.objects))}

    def motion_losses(self, batch_size: int) -> Losses:
        """Phase 1: without sight, every token predicts its action from the motion so far."""
        expert = self.config.expert
        batch = self._windows(batch_size)
        visible = causal_attention(batch.inside, expert.history_length)
        predicted = self.expert(self._state.normalize(batch.states), window_steps(batch.inside), visible)
        return {
            "action": action_loss(
                self.expert.action_out, predicted, self._action.normalize(batch.actions), batch.inside
            )
        }

    def alignment_losses(self, batch_size: int) -> Losses:
        """Phase 2: the history primes, the prefix is anchored after it, the horizon is supervised.

        The prefix is detached from stem and encoder, so this moves the expert and the projections only.
        """
        expert = self.config.expert
        batch = self._windows(batch_size)
        visible = aligned_attention(
            batch.inside, expert.history_length, expert.horizon, self.config.mask_rate, self._generator
        )
        prefix = anchored_prefix(self._look(batch.sight), batch.inside.shape[1], expert.horizon)
        predicted = self.expert(self._state.normalize(batch.states), window_steps(batch.inside), visible, prefix)
        future = slice(-expert.horizon, None)
        wanted = self._action.normalize(batch.actions)
        return {
            "action": action_loss(
                self.expert.action_out, predicted[:, future], wanted[:, future], batch.inside[:, future]
            )
        }

    def manifest(self, seconds: dict[str, float]) -> Manifest:
        """Return what the checkpoint's ``config.json`` is to say."""
        return Manifest(
            task=self._source.task,
            contract=self._source.contract,
            backbone=self.backbone.config,
            expert=self.expert.config,
            state=self._state,
            action=self._action,
            position=self._position,
            training={
                "demonstrations": {
                    "episodes": self._data.episodes,
                    "steps": len(self._data),
                    "seed": self._source.seed,
                },
                "scenes": self.config.scenes,
                "evaluation": [],
                "phases": {name: vars(phase) for name, phase, _ in self.phases()},
                "mask_rate": self.config.mask_rate,
                "seed": self.config.seed,
                "seconds": {name: round(value, 1) for name, value in seconds.items()},
                "machine": f"{machine(torch.device('cpu'))}, torch {torch.__version__}",
            },
        )

    def save(self, manifest: Manifest) -> Manifest:
        """Write the checkpoint folder with its model card, and return the manifest with its ``model_id``."""
        return save_checkpoint(self.config.out, manifest, self.backbone, self.expert, model_card)

    def _look(self, batch: SightBatch) -> SmallOutput:
        seen: SmallOutput = self.backbone(_brighten(batch.images, self.config.brightness, self._generator), batch.words)
        return seen

    def _windows(self, batch_size: int) -> WindowBatch:
        expert = self.config.expert
        return self._data.windows(batch_size, expert.history_length, expert.horizon, self.config.longest_pause)


def _run_phase(
    name: str, phase: PhaseConfig, losses_of: Callable[[int], Losses], training: Training, metrics: Path
) -> None:
    """Run a phase's optimiser steps, with a progress bar and a line of metrics now and then."""
    config = training.config
    modules = [training.backbone, training.expert]
    optimizer = torch.optim.AdamW(
        [parameter for module in modules for parameter in module.parameters()],
        lr=phase.learning_rate,
        weight_decay=config.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, phase))
    smoothed: dict[str, float] = {}
    with tqdm(total=phase.steps, desc=name, unit="step") as progress, metrics.open("a", buffering=1) as log:
        for step in range(1, phase.steps + 1):
            losses = losses_of(phase.batch_size)
            optimizer.zero_grad(set_to_none=True)
            torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
            for module in modules:
                nn.utils.clip_grad_norm_(module.parameters(), config.clip_norm)
            optimizer.step()
            schedule.step()
            for key, loss in losses.items():
                smoothed[key] = 0.95 * smoothed.get(key, loss.item()) + 0.05 * loss.item()
            progress.update()
            if step % _LOG_EVERY == 0 or step == phase.steps:
                progress.set_postfix({key: f"{value:.4f}" for key, value in smoothed.items()})
                log.write(json.dumps({"phase": name, "step": step, **smoothed}) + "\n")


def _rate(step: int, phase: PhaseConfig) -> float:
    """Return the share of the peak learning rate at ``step``: linear warm-up, then a cosine."""
    if step < phase.warmup_steps:
        return (step + 1) / phase.warmup_steps
    done = (step - phase.warmup_steps) / max(1, phase.steps - phase.warmup_steps)
    return _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done))


def _brighten(images: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """Return ``images [B, H, W, 3]`` with a random gain each, and another on each colour."""
    if deviation == 0:
        return images
    gain = 1 + deviation * torch.randn(len(images), 1, 1, 1, generator=generator)
    colour = 1 + deviation / 2 * torch.randn(len(images), 1, 1, 3, generator=generator)
    return (images * gain * colour).clamp_(0, 255)
