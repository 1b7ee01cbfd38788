"""Instructions as token ids, for backbones whose vocabulary is closed."""

from __future__ import annotations

import torch
from torch import Tensor

PADDING = 0


class InstructionError(ValueError):
    """An instruction that the checkpoint was not trained on; the message says which are."""


class InstructionTokenizer:
    """Turns an instruction into word ids: 0 is padding, then the words in alphabetical order from 1 on.

    Args:
        instructions: every instruction that the backbone knows.

    Attributes:
        words: the vocabulary.
        length: ids of an encoded instruction, the number of words of the longest.
    """

    def __init__(self, instructions: tuple[str, ...]) -> None:
        self._known = {" ".join(_words(instruction)): None for instruction in instructions}
        self.words = tuple(sorted({word for instruction in instructions for word in _words(instruction)}))
        self.length = max((len(_words(instruction)) for instruction in instructions), default=0)
        self._ids = {word: index for index, word in enumerate(self.words, start=1)}

    def encode(self, instruction: str) -> Tensor:
        """Return the word ids ``[length]`` (int64) of an instruction; case, spacing and a full stop do not matter.

        Raises:
            InstructionError: it has an unknown word, or says nothing that the backbone was trained on.
        """
        words = _words(instruction)
        unknown = [word for word in words if word not in self._ids]
        if unknown:
            raise InstructionError(
                f"instruction {instruction!r}: unknown {', '.join(map(repr, unknown))}; "
                f"this checkpoint knows: {', '.join(self._known)}"
            )
        if " ".join(words) not in self._known:
            raise InstructionError(
                f"instruction {instruction!r} is none that this checkpoint knows: {', '.join(self._known)}"
            )
        ids = [self._ids[word] for word in words]
        return torch.tensor(ids + [PADDING] * (self.length - len(ids)), dtype=torch.int64)


def _words(instruction: str) -> list[str]:
    return instruction.lower().rstrip(" .!").split()
