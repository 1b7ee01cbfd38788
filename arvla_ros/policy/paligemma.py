"""The generalist's backbone: a PaliGemma or PaliGemma 2 whose per-layer keys and values are the expert's prefix.

The prefix holds the image tokens of every camera, then ``<bos>``, the instruction and a newline (the format of Hugging
Face's ``PaliGemmaProcessor`` and of openpi's ``PaligemmaTokenizer``), then padding up to a fixed length; all of it sees
all of it. AR-VLA section V-A; Beyer et al., PaliGemma (arXiv 2407.07726).

Knowledge insulation: keys and values are detached, so no action loss of the expert reaches the backbone. It learns from
FAST action tokens as a causal suffix of its own (``fast_loss``), as π0-FAST does.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import PaliGemmaForConditionalGeneration

from arvla_ros.policy.gemma import Decoded, decode
from arvla_ros.policy.images import check_images, letterbox
from arvla_ros.policy.instructions import InstructionError
from arvla_ros.policy.paligemma_config import PaliGemmaConfig
from arvla_ros.policy.paligemma_files import load_model, load_tokenizer, shape
from arvla_ros.policy.prefix import DTYPES, Seen
from arvla_ros.policy.pretrained import TOKENIZER, PretrainedError, find_pretrained

RESERVED_TOKENS = 128
"""Ids at the end of PaliGemma's vocabulary that segment images; FAST tokens count down from those before them."""
ACTION_PROMPT = "Action: "
"""What comes between prefix and FAST tokens."""


class PaliGemmaBackbone(nn.Module):
    """See the module.

    Args:
        config: what it looks at.
        model: the weights, whose shape is the config's.
        tokenizer: the model's own.

    Raises:
        PretrainedError: the model's shape is not the config's, or the tokenizer is not a Gemma's.
    """

    embedding_scale: Tensor
    action_prompt: Tensor

    def __init__(self, config: PaliGemmaConfig, model: PaliGemmaForConditionalGeneration, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.config = config
        self.language_model = model
        self.tokenizer = tokenizer
        # What a person says is text, also where it spells a token that marks something.
        tokenizer.encode_special_tokens = True
        for name, found in shape(model.config).items():
            if found != getattr(config, name):
                raise PretrainedError(
                    f"pretrained model {config.source}: {name} is {found}, config says {getattr(config, name)}; "
                    "give the model that the checkpoint was trained with"
                )
        self.padding, self.start = (_special(tokenizer, token, config.source) for token in ("<pad>", "<bos>"))
        text = model.config.text_config
        # The tokenizer's own ids end where <image> was appended; the rows of the embedding go on, unused.
        self.vocabulary = min(model.config.image_token_index, text.vocab_size)
        # A buffer, so that it is rounded to the model's dtype as the scale was in pretraining.
        self.register_buffer("embedding_scale", torch.tensor(text.hidden_size**0.5), persistent=False)
        self.register_buffer("action_prompt", torch.tensor(self._tokens(ACTION_PROMPT)), persistent=False)

    @classmethod
    def load(
        cls,
        config: PaliGemmaConfig,
        device: torch.device | str = "cpu",
        dtype: str = "bfloat16",
        relative_to: Path | None = None,
    ) -> PaliGemmaBackbone:
        """Load a model, ready to look; nothing in it requires a gradient.

        Args:
            config: what to load.
            device: where to.
            dtype: ``float32``, ``float16`` or ``bfloat16``, whatever the files hold.
            relative_to: the folder from which a relative ``source`` starts.

        Raises:
            PretrainedError: no such model, no PaliGemma, or weights that are missing, damaged or not finite.
        """
        if dtype not in DTYPES:
            raise PretrainedError(f"dtype {dtype!r} is none of {', '.join(DTYPES)}")
        folder = find_pretrained(config.source, relative_to)
        model = load_model(folder, DTYPES[dtype])
        backbone = cls(config, model, load_tokenizer(folder))
        return backbone.to(device, DTYPES[dtype]).eval().requires_grad_(False)

    def save(self, folder: Path) -> None:
        """Write weights, config and tokenizer to a folder that ``load`` and transformers read."""
        self.language_model.save_pretrained(folder)
        self.tokenizer.save(str(folder / TOKENIZER))

    def encode(self, instruction: str) -> Tensor:
        """Return the token ids ``[instruction_tokens]`` (int64) of an instruction, padded.

        Raises:
            InstructionError: it is empty, or longer than the prefix has room for.
        """
        room = self.config.instruction_tokens
        text = " ".join(instruction.replace("_", " ").split())
        if not text:
            raise InstructionError(f"instruction {instruction!r} is empty: 0 of {room} tokens; say what to do")
        ids = [self.start, *self._tokens(text), *self._tokens("\n")]
        if len(ids) > room:
            raise InstructionError(
                f"instruction {instruction!r} has {len(ids)} tokens, start and end included, of {room}; shorten it"
            )
        return torch.tensor(ids + [self.padding] * (room - len(ids)), dtype=torch.int64)

    @torch.no_grad()
    def look(self, images: Tensor, words: Tensor) -> Seen:
        """Look at a batch; a function of tensors alone that a CUDA graph can capture.

        Args:
            images: ``[B, cameras, H, W, 3]`` uint8, RGB, on the model's device.
            words: ``[B, W]`` int64 as ``encode`` gives, likewise.

        Returns:
            The prefix of every layer, in the model's dtype.

        Raises:
            ImageError: images of another size, number or dtype.
        """
        decoded, token_mask = self._decode(images, words)
        return Seen(decoded.keys, decoded.values, token_mask)

    def forward(self, images: Tensor, words: Tensor, suffix: Tensor, suffix_mask: Tensor) -> tuple[Seen, Tensor]:
        """Look, and predict what follows each token of a suffix, which sees the prefix and itself up to each token.

        Args:
            images: ``[B, cameras, H, W, 3]`` uint8, RGB.
            words: ``[B, W]`` int64.
            suffix: ``[B, S]`` int64, ids of the model's vocabulary.
            suffix_mask: ``[B, S]`` bool, False where padded.

        Returns:
            What ``look`` gives, and logits ``[B, S, vocabulary]`` with gradient; keys and values carry none.

        Raises:
            ImageError: images of another size, number or dtype.
        """
        decoded, token_mask = self._decode(images, words, suffix, suffix_mask)
        logits: Tensor = self.language_model.lm_head(decoded.suffix)
        softcap = getattr(self.language_model.config.text_config, "final_logit_softcapping", None)
        if softcap is not None:
            logits = softcap * torch.tanh(logits / softcap)
        return Seen(decoded.keys, decoded.values, token_mask), logits

    def fast_loss(self, images: Tensor, words: Tensor, tokens: Tensor, token_mask: Tensor) -> tuple[Seen, Tensor]:
        """Look, and return how badly the actions were foretold: the auxiliary loss that trains the backbone.

        Args:
            images: ``[B, cameras, H, W, 3]`` uint8, RGB.
            words: ``[B, W]`` int64.
            tokens: ``[B, S]`` int64, FAST tokens of the actions, from 0 on; anything where padded.
            token_mask: ``[B, S]`` bool, False where padded, which is at the end.

        Returns:
            What ``look`` gives, and the mean cross entropy of the tokens, a scalar in float32.

        Raises:
            ImageError: images of another size, number or dtype.
        """
        targets = self.fast_ids(tokens)
        prompt = self.action_prompt.expand(len(tokens), -1)
        suffix = torch.cat((prompt, targets[:, :-1]), 1)
        suffix_mask = torch.cat((torch.ones_like(prompt, dtype=torch.bool), token_mask[:, :-1]), 1)
        seen, logits = self(images, words, suffix, suffix_mask)
        foretold = logits[:, prompt.shape[1] - 1 :].float()
        surprise = functional.cross_entropy(foretold.transpose(1, 2), targets, reduction="none")
        return seen, (surprise * token_mask).sum() / token_mask.sum().clamp(min=1)

    def fast_ids(self, tokens: Tensor) -> Tensor:
        """Return the vocabulary's ids of FAST tokens: from its end down, as π0-FAST (openpi ``FASTTokenizer``) does."""
        ids: Tensor = self.vocabulary - 1 - RESERVED_TOKENS - tokens
        return ids

    def _decode(
        self, images: Tensor, words: Tensor, suffix: Tensor | None = None, suffix_mask: Tensor | None = None
    ) -> tuple[Decoded, Tensor]:
        config, model = self.config, self.language_model.model
        check_images(images, config.cameras, config.image_height, config.image_width)
        pixels = letterbox(images.flatten(0, 1), model.config.vision_config.image_size).to(self.embedding_scale.dtype)
        patches = model.multi_modal_projector(model.vision_tower(pixels).last_hidden_state)
        ids, present = words, words != self.padding
        if suffix is not None and suffix_mask is not None:
            ids, present = torch.cat((words, suffix), 1), torch.cat((present, suffix_mask), 1)
        # The table itself, since transformers 5 scales in its module and 4 in the decoder. Images are not scaled.
        text = functional.embedding(ids, model.get_input_embeddings().weight) * self.embedding_scale
        x = torch.cat((patches.unflatten(0, (-1, config.cameras)).flatten(1, 2), text), 1)
        image_tokens = x.shape[1] - ids.shape[1]
        present = functional.pad(present, (image_tokens, 0), value=True)
        return decode(model.language_model, x, present, config.prefix_tokens), present[:, : config.prefix_tokens]

    def _tokens(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)


def _special(tokenizer: Tokenizer, token: str, source: str) -> int:
    identity = tokenizer.token_to_id(token)
    if identity is None:
        raise PretrainedError(f"pretrained model {source}: its tokenizer has no {token}; give a Gemma's {TOKENIZER}")
    return int(identity)
