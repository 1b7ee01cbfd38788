"""The two halves of the policy as the nodes run them: raw units in and out."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from arvla_ros.policy.backbones import Backbone
from arvla_ros.policy.capture import Captured
from arvla_ros.policy.checkpoint import Manifest, load_backbone, load_expert, load_manifest
from arvla_ros.policy.devices import check_device, check_dtype
from arvla_ros.policy.expert import ActionExpert
from arvla_ros.policy.prefix import DTYPES, Prefix, Seen
from arvla_ros.policy.stepper import ExpertStepper
from arvla_ros.robots.contract import RobotContract

# Longest history that can be asked for while running, in steps, unless the checkpoint was trained with a longer one.
CAPACITY = 64
_WARM_UP_STEPS = 10


class StreamingPolicy:
    """The action expert's side: takes in one measured state a control step and returns one action.

    Attributes:
        manifest: what the checkpoint is: normalisation, robot contract, model_id.
    """

    def __init__(self, expert: ActionExpert, manifest: Manifest) -> None:
        """Give an expert its normalisation and an empty cache."""
        self.manifest = manifest
        capacity = max(CAPACITY, expert.config.history_length)
        self._cache = expert.new_cache(manifest.backbone.prefix_tokens, capacity)
        self._stepper = ExpertStepper(expert, self._cache)
        self._state = manifest.state.offset.numpy(), manifest.state.scale.numpy()
        self._action = manifest.action.offset.numpy(), manifest.action.scale.numpy()
        self._step = np.zeros(1, dtype=np.int64)

    @classmethod
    def load(cls, folder: str | Path, device: torch.device | str = "cpu", dtype: str = "float32") -> StreamingPolicy:
        """Return the policy of a checkpoint folder, warmed up.

        Args:
            folder: the checkpoint.
            device: where it computes.
            dtype: in which it computes, a name of ``DTYPES``.

        Raises:
            CheckpointError: the checkpoint cannot be used.
            ValueError: there is no such device or dtype.
        """
        policy = cls(load_expert(folder, check_device(device), check_dtype(dtype)), load_manifest(folder))
        policy.warm_up()
        return policy

    @property
    def contract(self) -> RobotContract:
        """The robot that the policy was trained on."""
        return self.manifest.contract

    @property
    def model_id(self) -> str:
        """Fingerprint of the backbone whose prefixes the expert was trained with."""
        return self.manifest.model_id

    @property
    def history_length(self) -> int:
        """Steps that the policy remembers, the current one included; a change takes effect at the next step."""
        return self._cache.history_length

    @history_length.setter
    def history_length(self, steps: int) -> None:
        self._cache.history_length = steps

    @property
    def longest_history(self) -> int:
        """Largest ``history_length`` that can be set."""
        return self._cache.capacity

    def reset(self) -> None:
        """Forget the history and the prefix."""
        self._cache.reset()

    def set_prefix(self, prefix: Prefix, anchor_step: int) -> None:
        """Replace the prefix by one whose image was captured at ``anchor_step``.

        Raises:
            PrefixError: it does not fit the expert.
        """
        self._cache.set_prefix(prefix, anchor_step)

    def step(self, step: int, state: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
        """Take in the state ``[S]`` measured at ``step`` and return the action ``[A]``, both in raw units.

        Raises:
            ValueError: ``step`` does not follow the step before, or the state has the wrong length.
        """
        if state.shape != self._state[0].shape:
            raise ValueError(f"state must have shape {list(self._state[0].shape)}, got {list(state.shape)}")
        self._step[0] = step
        offset, scale = self._state
        normalized = self._stepper.step((state[None] - offset) / scale, self._step)[0]
        offset, scale = self._action
        action: npt.NDArray[np.float32] = normalized * scale + offset
        return action

    def warm_up(self) -> None:
        """Run a few steps, so that the first real one is as fast as the others; forgets everything."""
        state = np.zeros_like(self._state[0])
        self.reset()
        for step in range(_WARM_UP_STEPS):
            self.step(step, state)
        self.reset()


class Perceiver:
    """Perception's side: turns an image and an instruction into the prefix that the expert attends to.

    Attributes:
        manifest: what the checkpoint is: instructions, robot contract, model_id.
    """

    def __init__(self, backbone: Backbone, manifest: Manifest, dtype: str = "float32") -> None:
        """Let a backbone make prefixes of ``dtype``, a name of ``DTYPES``.

        Raises:
            ValueError: there is no such dtype.
        """
        self.manifest = manifest
        self._dtype = DTYPES[check_dtype(dtype)]
        self._backbone = backbone
        module = cast("nn.Module", backbone).eval()
        device = next(module.parameters()).device
        config = backbone.config
        shape = (1, config.cameras, config.image_height, config.image_width, 3)
        self._images = torch.zeros(shape, dtype=torch.uint8, device=device)
        # Kept: someone who rewords an instruction while the arm moves should not wait for a tokenizer again.
        self._encode = functools.lru_cache(maxsize=32)(backbone.encode)
        self._words = self._encode((manifest.instructions or ("look",))[0])[None].to(device)
        with torch.inference_mode():
            self._look = Captured(self._compute, device)

    @classmethod
    def load(cls, folder: str | Path, device: torch.device | str = "cpu", dtype: str = "float32") -> Perceiver:
        """Return the perceiver of a checkpoint folder.

        Args:
            folder: the checkpoint.
            device: where it computes.
            dtype: of the prefix, a name of ``DTYPES``; a pretrained backbone computes in it too.

        Raises:
            CheckpointError: the checkpoint cannot be used.
            ValueError: there is no such device or dtype.
        """
        backbone = load_backbone(folder, check_device(device), check_dtype(dtype))
        perceiver = cls(backbone, load_manifest(folder), dtype)
        perceiver.warm_up()
        return perceiver

    @property
    def contract(self) -> RobotContract:
        """The robot that the backbone was trained on."""
        return self.manifest.contract

    @property
    def model_id(self) -> str:
        """Fingerprint of the backbone's weights."""
        return self.manifest.model_id

    def check_instruction(self, instruction: str) -> None:
        """Raise ``InstructionError`` if the backbone does not know this instruction."""
        self._encode(instruction)

    @torch.inference_mode()
    def perceive(self, images: npt.NDArray[np.uint8], instruction: str) -> Prefix:
        """Return the prefix of RGB images ``[cameras, H, W, 3]`` under an instruction.

        Raises:
            InstructionError: the backbone cannot follow this instruction.
            ValueError: the images have another size, number or type than the backbone was trained on.
        """
        expected = list(self._images.shape[1:])
        if images.dtype != np.uint8 or list(images.shape) != expected:
            raise ValueError(f"images must be uint8 {expected}, got {images.dtype} {list(images.shape)}")
        self._words.copy_(self._encode(instruction)[None])
        self._images.copy_(torch.from_numpy(np.ascontiguousarray(images))[None])
        self._look()
        keys, values, token_mask = self._seen
        # What a graph computes it overwrites the next time.
        take = functools.partial(torch.Tensor.to, dtype=self._dtype, copy=keys.is_cuda)
        return Prefix(take(keys[:, 0]), take(values[:, 0]), token_mask[0].clone())

    def warm_up(self) -> None:
        """Run once, so that the first real look is as fast as the others."""
        self._look()

    def _compute(self) -> None:
        self._seen: Seen = self._backbone.look(self._images, self._words)
