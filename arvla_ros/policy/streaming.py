"""The two halves of the policy as the nodes run them: raw units in and out."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from arvla_ros.policy.backbone import SmallBackbone
from arvla_ros.policy.checkpoint import Manifest, load_backbone, load_expert, load_manifest
from arvla_ros.policy.expert import ActionExpert
from arvla_ros.policy.prefix import DTYPES, Prefix
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
        device = expert.token_in.weight.device
        self.manifest = manifest
        self._expert = expert.eval()
        self._state, self._action = manifest.state.to(device), manifest.action.to(device)
        self._cache = expert.new_cache(max(CAPACITY, expert.config.history_length))
        self._device = device

    @classmethod
    def load(cls, folder: str | Path, device: torch.device | str = "cpu") -> StreamingPolicy:
        """Return the policy of a checkpoint folder, warmed up.

        Raises:
            CheckpointError: the checkpoint cannot be used.
        """
        policy = cls(load_expert(folder, device), load_manifest(folder))
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

    @torch.inference_mode()
    def step(self, step: int, state: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
        """Take in the state ``[S]`` measured at ``step`` and return the action ``[A]``, both in raw units.

        Raises:
            ValueError: ``step`` does not follow the step before, or the state has the wrong length.
        """
        if state.shape != (self._expert.config.state_size,):
            raise ValueError(f"state must have shape [{self._expert.config.state_size}], got {list(state.shape)}")
        token = self._state.normalize(torch.from_numpy(state.astype(np.float32)).to(self._device))
        action = self._action.denormalize(self._expert.step(token, step, self._cache))
        result: npt.NDArray[np.float32] = action.float().cpu().numpy()
        return result

    def warm_up(self) -> None:
        """Run a few steps, so that the first real one is as fast as the others; forgets everything."""
        state = np.zeros(self._expert.config.state_size, dtype=np.float32)
        self.reset()
        for step in range(_WARM_UP_STEPS):
            self.step(step, state)
        self.reset()


class Perceiver:
    """Perception's side: turns an image and an instruction into the prefix that the expert attends to.

    Attributes:
        manifest: what the checkpoint is: instructions, robot contract, model_id.
    """

    def __init__(self, backbone: SmallBackbone, manifest: Manifest, dtype: str = "float32") -> None:
        """Let a backbone make prefixes of ``dtype``, a name of ``DTYPES``.

        Raises:
            ValueError: there is no such dtype.
        """
        if dtype not in DTYPES:
            raise ValueError(f"dtype {dtype!r} is none of {', '.join(DTYPES)}")
        self.manifest = manifest
        self._backbone = backbone.eval()
        self._dtype = DTYPES[dtype]
        self._device = backbone.readout.device
        self._encode = functools.lru_cache(maxsize=32)(self._encode_uncached)

    @classmethod
    def load(cls, folder: str | Path, device: torch.device | str = "cpu", dtype: str = "float32") -> Perceiver:
        """Return the perceiver of a checkpoint folder, warmed up.

        Raises:
            CheckpointError: the checkpoint cannot be used.
            ValueError: there is no such dtype.
        """
        perceiver = cls(load_backbone(folder, device), load_manifest(folder), dtype)
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
    def perceive(self, image: npt.NDArray[np.uint8], instruction: str) -> Prefix:
        """Return the prefix of an RGB image ``[H, W, 3]`` under an instruction.

        Raises:
            InstructionError: the backbone does not know this instruction.
            ValueError: the image has another size or type than the backbone was trained on.
        """
        config = self._backbone.config
        if image.dtype != np.uint8 or image.shape != (config.image_height, config.image_width, 3):
            raise ValueError(
                f"image must be uint8 [{config.image_height}, {config.image_width}, 3], "
                f"got {image.dtype} {list(image.shape)}"
            )
        pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self._device)
        seen = self._backbone(pixels[None], self._encode(instruction)[None])
        return Prefix(seen.keys[:, 0].to(self._dtype), seen.values[:, 0].to(self._dtype), seen.token_mask[0])

    def warm_up(self) -> None:
        """Run once, so that the first real look is as fast as the others."""
        config = self._backbone.config
        blank = np.zeros((config.image_height, config.image_width, 3), dtype=np.uint8)
        self.perceive(blank, config.instructions[0])

    def _encode_uncached(self, instruction: str) -> Tensor:
        return self._backbone.tokenizer.encode(instruction).to(self._device)
