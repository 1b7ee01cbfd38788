"""FAST action tokens: chunks of actions as short sequences of integers (Pertsch et al. 2025, arXiv:2501.09747).

A chunk ``[T, A]``, normalised to about -1 … 1, goes through

1. a cosine transform (DCT-II, orthonormal) of each dimension along time: smooth motion needs few coefficients;
2. ``round(scale * coefficient)``: most become 0;
3. flattening ``[T, A]`` row by row: the lowest frequency of every dimension first;
4. byte pair encoding, trained on data: frequent runs, of zeros above all, become one token.

On disk it is one JSON file: the sizes, the range of coefficients and the merges. Letters: T steps of a chunk, A action
dimensions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

FILE = "fast.json"
FORMAT = "arvla_ros fast 1"

# Byte pair encoding works on text: coefficients become letters of a private Unicode plane, 65534 that mean nothing.
_FIRST_LETTER, _LETTERS = 0xF0000, 0xFFFE


class FastError(ValueError):
    """Chunks, tokens or a file that FAST cannot use; the message says why."""


@dataclass(frozen=True)
class FastConfig:
    """What a tokenizer is, apart from its merges.

    Attributes:
        horizon: steps T of a chunk.
        action_size: dimensions A of an action.
        scale: integers per unit of a coefficient; the reconstruction is off by at most ``0.5 / scale`` (RMS over time).
        lowest: least integer of the data.
        highest: greatest integer of the data; others are clipped to this range.

    Raises:
        FastError: a value is of another type, not positive, or the range is empty or too wide.
    """

    horizon: int
    action_size: int
    scale: float
    lowest: int
    highest: int

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if type(value) is not int and not (name == "scale" and type(value) is float):
                raise FastError(f"{name} must be {'a number' if name == 'scale' else 'an integer'}, got {value!r}")
        for name in ("horizon", "action_size", "scale"):
            if not 0 < getattr(self, name) < float("inf"):
                raise FastError(f"{name} must be positive and finite, got {getattr(self, name)}")
        if not 0 < self.alphabet_size <= _LETTERS:
            raise FastError(
                f"coefficients from {self.lowest} to {self.highest} are not 1 to {_LETTERS} values; "
                "normalise the chunks"
            )

    @property
    def alphabet_size(self) -> int:
        """How many integers there are; so many tokens stand for one coefficient each."""
        return self.highest - self.lowest + 1


class FastTokenizer:
    """Turns chunks of normalised actions into token ids ``0 … vocab_size - 1`` and back.

    Attributes:
        config: sizes, scale and range.
        merges: which two tokens each further token stands for, by their ids.
        clipped: how many coefficients ``encode`` has clipped to the range of the data it was fitted to.

    Raises:
        FastError: a merge names a token that does not exist before it.
    """

    def __init__(self, config: FastConfig, merges: Sequence[tuple[int, int]]) -> None:
        self.config = config
        self.merges = tuple((first, second) for first, second in merges)
        self.clipped = 0
        self._texts = [chr(_FIRST_LETTER + index) for index in range(config.alphabet_size)]
        ids = {text: index for index, text in enumerate(self._texts)}
        pairs = []
        for first, second in self.merges:
            if not (0 <= first < len(self._texts) and 0 <= second < len(self._texts)):
                raise FastError(f"merge of tokens {first} and {second}, but only {len(self._texts)} come before it")
            pair = self._texts[first], self._texts[second]
            pairs.append(pair)
            # Two merges may spell the same run of coefficients: that is one token.
            if (text := "".join(pair)) not in ids:
                ids[text] = len(ids)
                self._texts.append(text)
        self._encoder = Tokenizer(BPE(vocab=ids, merges=pairs))

    @classmethod
    def fit(cls, chunks: npt.ArrayLike, vocab_size: int, scale: float = 10.0) -> FastTokenizer:
        """Learn the range of coefficients and the merges from data; the same data give the same tokens.

        Args:
            chunks: ``[n, T, A]``, normalised.
            vocab_size: most tokens; there are fewer where the data repeat too little.
            scale: see ``FastConfig``.

        Raises:
            FastError: chunks of another shape, none, not finite, or with more distinct values than tokens.
        """
        chunks = np.asarray(chunks, dtype=np.float64)
        if chunks.ndim != 3 or not chunks.size:
            raise FastError(f"fitting needs chunks [n, T, A] with n > 0, got {list(chunks.shape)}")
        coefficients = _coefficients(chunks, scale)
        lowest, highest = int(coefficients.min()), int(coefficients.max())
        config = FastConfig(chunks.shape[1], chunks.shape[2], float(scale), lowest, highest)
        if vocab_size < config.alphabet_size:
            raise FastError(
                f"vocab_size {vocab_size} is less than the {config.alphabet_size} values of coefficients, {lowest} to "
                f"{highest}; take more tokens, a smaller scale than {scale:g}, or normalise the outliers away"
            )
        letters = [chr(_FIRST_LETTER + index) for index in range(config.alphabet_size)]
        learner = Tokenizer(BPE())
        trainer = BpeTrainer(vocab_size=vocab_size, min_frequency=2, initial_alphabet=letters, show_progress=False)
        learner.train_from_iterator(_spell(coefficients, config), trainer)
        ids = learner.get_vocab()
        merges = json.loads(learner.to_str())["model"]["merges"]
        return cls(config, [(ids[first], ids[second]) for first, second in merges])

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return len(self._texts)

    def encode(self, chunk: npt.ArrayLike) -> list[int]:
        """Return the token ids of a chunk ``[T, A]``: see ``encode_batch``."""
        return self.encode_batch(np.asarray(chunk)[None])[0]

    def encode_batch(self, chunks: npt.ArrayLike) -> list[list[int]]:
        """Return the token ids of each of ``chunks [n, T, A]``, normalised. Coefficients out of range are clipped.

        Raises:
            FastError: chunks of another shape, or not finite.
        """
        chunks, config = np.asarray(chunks, dtype=np.float64), self.config
        if chunks.shape[1:] != (config.horizon, config.action_size):
            raise FastError(f"chunk is {list(chunks.shape[1:])}, expected {[config.horizon, config.action_size]}")
        coefficients = _coefficients(chunks, config.scale)
        inside = coefficients.clip(config.lowest, config.highest)
        self.clipped += int((inside != coefficients).sum())
        return [encoding.ids for encoding in self._encoder.encode_batch(_spell(inside, config))]

    def decode(self, ids: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return the chunk ``[T, A]`` of token ids.

        Raises:
            FastError: an id that is no token, or tokens that are not ``T * A`` coefficients together, as those of a
                model that is not trained yet.
        """
        config = self.config
        if unknown := [index for index in ids if not 0 <= index < self.vocab_size]:
            raise FastError(f"token {unknown[0]} is none of 0 to {self.vocab_size - 1}")
        text = "".join(self._texts[index] for index in ids)
        if len(text) != config.horizon * config.action_size:
            raise FastError(
                f"{len(ids)} tokens are {len(text)} coefficients, expected {config.horizon} steps x "
                f"{config.action_size} dimensions = {config.horizon * config.action_size}"
            )
        coefficients = np.array([ord(letter) for letter in text]) - _FIRST_LETTER + config.lowest
        scaled = coefficients.reshape(config.horizon, config.action_size) / config.scale
        chunk: npt.NDArray[np.float32] = scipy.fft.idct(scaled, axis=0, norm="ortho").astype(np.float32)
        return chunk

    def save(self, folder: str | Path) -> None:
        """Write ``fast.json`` into a folder."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        fields = {"format": FORMAT, **asdict(self.config), "merges": self.merges}
        (Path(folder) / FILE).write_text(json.dumps(fields) + "\n")

    @classmethod
    def load(cls, folder: str | Path) -> FastTokenizer:
        """Read what ``save`` wrote.

        Raises:
            FastError: no such file, or one that is damaged, of another program or of another version.
        """
        file = Path(folder) / FILE
        try:
            fields = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise FastError(f"{file}: not readable as JSON ({error}); copy the folder again") from error
        if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
            raise FastError(f"{file}: not of format {FORMAT!r}; fit the tokenizer anew")
        try:
            merges = [_pair(merge) for merge in fields.pop("merges")]
            return cls(FastConfig(**fields), merges)
        except (KeyError, TypeError, FastError) as error:
            raise FastError(f"{file}: {error}; copy the folder again or fit the tokenizer anew") from error


def _coefficients(chunks: npt.NDArray[np.float64], scale: float) -> npt.NDArray[np.int64]:
    """Return the rounded coefficients ``[n, T, A]`` of ``chunks [n, T, A]``, frequency by frequency."""
    if not np.isfinite(chunks).all():
        wrong = np.flatnonzero(~np.isfinite(chunks).all(axis=(0, 1)))
        raise FastError(f"chunks are not finite in dimension {wrong[0]}")
    transformed = scipy.fft.dct(chunks, axis=1, norm="ortho")
    # Wider than any range of coefficients, and within int64.
    rounded: npt.NDArray[np.int64] = np.rint(np.clip(scale * transformed, -1e9, 1e9)).astype(np.int64)
    return rounded


def _spell(coefficients: npt.NDArray[np.int64], config: FastConfig) -> list[str]:
    """Return one text of ``T * A`` letters for each of ``coefficients [n, T, A]``, the lowest frequencies first."""
    letters = coefficients.reshape(len(coefficients), -1) - config.lowest + _FIRST_LETTER
    return ["".join(map(chr, row)) for row in letters.tolist()]


def _pair(merge: Any) -> tuple[int, int]:
    if not (isinstance(merge, list) and [type(index) for index in merge] == [int, int]):
        raise FastError(f"merge {merge!r} is not a pair of token ids")
    return merge[0], merge[1]
