"""What ``arvla bench policy`` times: each way of making actions as one call, from the host and back to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from arvla_ros.evaluation.baselines import FlowMatchingChunk, reencode
from arvla_ros.evaluation.bench_report import CHUNK, EULER_STEPS, HORIZON, REENCODE
from arvla_ros.policy.backbones import Backbone
from arvla_ros.policy.capture import Captured
from arvla_ros.policy.expert import ActionExpert
from arvla_ros.policy.prefix import DTYPES, Prefix, Seen
from arvla_ros.policy.stepper import ExpertStepper
from arvla_ros.policy.streaming import CAPACITY


class Stream:
    """The streaming expert, as the action-expert node runs it.

    Attributes:
        prefix: one of random keys and values, which it attends to until the first refresh.
    """

    def __init__(self, expert: ActionExpert, prefix_tokens: int) -> None:
        config, weight = expert.config, expert.token_in.weight
        keys, values = torch.randn(2, config.layers, config.kv_heads, prefix_tokens, config.head_dim).to(weight)
        self.prefix = Prefix(keys, values, torch.ones(prefix_tokens, dtype=torch.bool, device=weight.device))
        self._cache = expert.new_cache(prefix_tokens, max(CAPACITY, config.history_length))
        self._stepper = ExpertStepper(expert, self._cache)
        self._state = torch.randn(1, config.state_size).numpy()
        self._step = np.zeros(1, dtype=np.int64)
        self.refresh(self.prefix)

    def step(self) -> npt.NDArray[np.float32]:
        """Take in a state and return when the action is there."""
        self._step += 1
        return self._stepper.step(self._state, self._step)

    def refresh(self, prefix: Prefix) -> Tensor:
        """Attend to a prefix of the current step from now on; return when it is there."""
        self._cache.set_prefix(prefix, int(self._step[0]))
        return prefix.token_mask.cpu()


class Look:
    """A backbone, as the perception node runs it."""

    def __init__(self, backbone: Backbone, instruction: str, device: torch.device) -> None:
        config = backbone.config
        shape = (1, config.cameras, config.image_height, config.image_width, 3)
        self._taken = torch.randint(256, shape, dtype=torch.uint8)
        self._images = torch.empty(shape, dtype=torch.uint8, device=device)
        self._words = backbone.encode(instruction)[None].to(device)
        self._backbone = backbone
        self._look = Captured(self._compute, device)

    def see(self) -> Prefix:
        """Take in a picture and return its prefix, which a GPU may still be working on."""
        self._images.copy_(self._taken)
        self._look()
        keys, values, token_mask = self._seen
        return Prefix(keys[:, 0], values[:, 0], token_mask[0])

    def _compute(self) -> None:
        self._seen: Seen = self._backbone.look(self._images, self._words)


def baselines(expert: ActionExpert, prefix: Prefix) -> dict[str, Callable[[], object]]:
    """Return the calls that the streaming step is compared with, by ``CHUNK`` and ``REENCODE``."""
    config, weight = expert.config, expert.token_in.weight
    head = FlowMatchingChunk(expert, HORIZON, EULER_STEPS)
    measured = torch.randn(config.history_length, config.state_size)
    states = measured.to(weight)
    noise = weight.new_empty(HORIZON, config.action_size)
    staleness = torch.zeros((), dtype=torch.int64, device=weight.device)

    def as_used(compute: Callable[[], Tensor], *shape: int) -> Callable[[], Tensor]:
        """Return a call that takes states from the host and brings actions there, on a GPU by one graph."""
        actions = weight.new_empty(shape)

        def run() -> None:
            actions.copy_(compute())

        captured = Captured(run, weight.device)

        def call() -> Tensor:
            states.copy_(measured)
            captured()
            return actions.cpu()

        return call

    return {
        CHUNK: as_used(lambda: head(states[-1], noise.normal_(), prefix, staleness), *noise.shape),
        REENCODE: as_used(lambda: reencode(expert, states, prefix, staleness), config.action_size),
    }


def with_random_weights(construct: Callable[[], nn.Module], dtype: str, device: torch.device) -> Any:
    """Return a module with random weights, made where and in the precision in which it is to run."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(DTYPES[dtype])
    try:
        with device:
            return construct().to(DTYPES[dtype]).eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(default)
