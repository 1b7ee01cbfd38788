"""The small backbone: prefix shapes, the closed vocabulary, knowledge insulation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from arvla_ros.policy.expert import ActionExpert, ExpertConfig
from arvla_ros.policy.instructions import InstructionError, InstructionTokenizer
from arvla_ros.policy.small import SmallBackbone, SmallConfig
from arvla_ros.training.objectives import action_loss, anchored_prefix, causal_attention, sight_loss, window_steps
from arvla_ros.training.windows import SightBatch

INSTRUCTIONS = ("reach the red cup", "reach the blue battery", "move the hand to the red cup")


def make_backbone() -> SmallBackbone:
    torch.manual_seed(0)
    return SmallBackbone(
        SmallConfig(
            INSTRUCTIONS, layers=2, width=16, mlp_width=24, heads=2, stem_widths=(8, 8, 8), kv_heads=1, head_dim=8
        )
    )


def look(backbone: SmallBackbone, instruction: str = INSTRUCTIONS[0]) -> tuple[Tensor, Tensor]:
    images = torch.randint(256, (3, 96, 128, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return images, backbone.tokenizer.encode(instruction).expand(3, -1)


def losses(backbone: SmallBackbone) -> tuple[Tensor, Tensor]:
    """Return action loss and sight loss of one batch under phase 2's layout."""
    torch.manual_seed(1)
    expert = ActionExpert(ExpertConfig(layers=2, width=16, mlp_width=24, query_heads=2, kv_heads=1, head_dim=8))
    images, words = look(backbone)
    seen = backbone(images, words)
    inside = torch.ones(3, 6, dtype=torch.bool)
    visible = causal_attention(inside, 4)
    predicted = expert(torch.randn(3, 6, 7), window_steps(inside), visible, anchored_prefix(seen, 6, 3))
    objects = torch.randn(3, 3, 2)
    batch = SightBatch(images, words, torch.zeros(3, dtype=torch.int64), objects)
    return action_loss(expert.action_out, predicted, torch.randn(3, 6, 7), inside), sight_loss(seen, batch, objects)


def test_a_prefix_has_keys_and_values_of_every_layer_for_readout_words_and_image() -> None:
    backbone = make_backbone()
    seen = backbone(*look(backbone))
    tokens = 1 + 7 + 6 * 8
    assert seen.keys.shape == seen.values.shape == (2, 3, 1, tokens, 8)
    assert seen.told.shape == (2, 3, 4, 2)
    assert seen.located.shape == (3, 3, 2)
    assert seen.token_mask[0].tolist() == [True] * 5 + [False] * 3 + [True] * 48


def test_no_gradient_of_the_action_loss_reaches_stem_and_encoder() -> None:
    backbone = make_backbone()
    losses(backbone)[0].backward()
    assert all(parameter.grad is None for parameter in backbone.insulated_parameters())
    assert all(
        parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in backbone.projections.parameters()
    )


def test_the_position_loss_trains_all_that_is_insulated_and_not_the_projections() -> None:
    backbone = make_backbone()
    losses(backbone)[1].backward()
    untouched = [name for name, parameter in backbone.named_parameters() if parameter.grad is None]
    assert untouched
    assert all(name.startswith("projections.") for name in untouched)
    assert len(backbone.insulated_parameters()) == len(list(backbone.parameters())) - len(untouched)


def test_the_prefix_depends_on_image_and_instruction() -> None:
    backbone = make_backbone().eval()
    images, words = look(backbone)
    reference = backbone(images, words).values
    assert (backbone(255 - images, words).values - reference).abs().max() > 1e-3
    assert (backbone(images, look(backbone, INSTRUCTIONS[1])[1]).values - reference).abs().max() > 1e-3


def test_padding_of_a_short_instruction_does_not_change_what_is_seen() -> None:
    backbone = make_backbone().eval()
    images, words = look(backbone)
    reference = backbone(images, words)
    with torch.no_grad():
        backbone.word_place[4:] += 5.0
    padded = backbone(images, words)
    torch.testing.assert_close(padded.told, reference.told, atol=1e-6, rtol=0)


@pytest.mark.parametrize("instruction", ["reach the red cup", "  Reach the RED cup. ", "reach  the red cup!"])
def test_case_spacing_and_a_full_stop_do_not_matter(instruction: str) -> None:
    tokenizer = InstructionTokenizer(INSTRUCTIONS)
    assert torch.equal(tokenizer.encode(instruction), tokenizer.encode(INSTRUCTIONS[0]))


def test_an_unknown_word_is_named_with_the_instruction_and_what_is_known() -> None:
    with pytest.raises(InstructionError, match=r"'reach the pink mug': unknown 'pink', 'mug'; .* reach the red cup, "):
        InstructionTokenizer(INSTRUCTIONS).encode("reach the pink mug")


@pytest.mark.parametrize("instruction", ["", "reach the red battery", "red red red"])
def test_known_words_that_were_never_an_instruction_are_refused(instruction: str) -> None:
    with pytest.raises(InstructionError, match=rf"'{instruction}' is none that this checkpoint knows: reach the red"):
        InstructionTokenizer(INSTRUCTIONS).encode(instruction)


def test_an_image_that_does_not_divide_into_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="image 100x96 is not a multiple of 16"):
        SmallConfig(INSTRUCTIONS, image_width=100)
