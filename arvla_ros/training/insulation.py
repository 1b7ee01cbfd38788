"""Knowledge insulation for a PaliGemma backbone: two losses, two sets of weights, one look (AR-VLA section V-A).

The backbone learns to foretell the horizon's actions as FAST tokens; the expert learns to predict them from its history
and the backbone's keys and values, which reach it detached. Neither loss moves the other's weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from arvla_ros.policy.expert import ActionExpert
from arvla_ros.policy.fast import FastTokenizer
from arvla_ros.training.objectives import action_loss, aligned_attention, anchored_prefix, window_steps

if TYPE_CHECKING:  # it needs transformers, which this module does not
    from arvla_ros.policy.paligemma import PaliGemmaBackbone


@dataclass(frozen=True)
class GeneralistBatch:
    """Stretches of episodes of ``T = history + horizon`` steps; the step after the history is the anchor.

    Attributes:
        images: ``[B, cameras, H, W, 3]`` uint8, what was seen at the anchor.
        words: ``[B, W]`` int64, the instructions as the backbone encodes them.
        states: ``[B, T, S]`` normalised.
        actions: ``[B, T, A]`` normalised.
        inside: ``[B, T]`` bool, which steps belong to the episode.
    """

    images: Tensor
    words: Tensor
    states: Tensor
    actions: Tensor
    inside: Tensor


def insulated_losses(
    backbone: PaliGemmaBackbone,
    expert: ActionExpert,
    tokenizer: FastTokenizer,
    batch: GeneralistBatch,
    mask_rate: float,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Return the loss ``fast``, whose gradient reaches the backbone alone, and ``action``, the expert alone.

    Args:
        backbone: perception's side.
        expert: the action expert's side; its horizon is the tokenizer's chunk.
        tokenizer: of normalised actions.
        batch: what to learn from.
        mask_rate: probability that a supervised token does not see an earlier one.
        generator: of the masks.

    Raises:
        FastError: the tokenizer's chunk is not the expert's horizon of its actions.
    """
    config = expert.config
    future = slice(-config.horizon, None)
    tokens, token_mask = fast_tokens(tokenizer, batch.actions[:, future])
    device = batch.words.device
    seen, fast = backbone.fast_loss(batch.images, batch.words, tokens.to(device), token_mask.to(device))
    visible = aligned_attention(batch.inside, config.history_length, config.horizon, mask_rate, generator)
    prefix = anchored_prefix(seen, batch.inside.shape[1], config.horizon)
    predicted = expert(batch.states, window_steps(batch.inside), visible, prefix)
    action = action_loss(expert.action_out, predicted[:, future], batch.actions[:, future], batch.inside[:, future])
    return {"fast": fast, "action": action}


def fast_tokens(tokenizer: FastTokenizer, chunks: Tensor) -> tuple[Tensor, Tensor]:
    """Return the FAST tokens ``[B, longest]`` (int64) of ``chunks [B, T, A]``, and the mask of those not padding."""
    encoded = [torch.tensor(ids, dtype=torch.int64) for ids in tokenizer.encode_batch(chunks.cpu().numpy())]
    lengths = torch.tensor([len(ids) for ids in encoded])
    tokens = torch.nn.utils.rnn.pad_sequence(encoded, batch_first=True)
    return tokens, torch.arange(tokens.shape[1]) < lengths[:, None]
