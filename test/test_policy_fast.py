"""FAST action tokens: short for smooth chunks, exact up to rounding, and errors where tokens make no chunk."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from arvla_ros.policy.fast import FILE, FastConfig, FastError, FastTokenizer

HORIZON, ACTION_SIZE = 16, 3


def make_chunks(seed: int, count: int = 300) -> np.ndarray:
    """Return smooth chunks: a few slow waves of random size and phase in each dimension, within -1 and 1."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, HORIZON)[None, :, None]
    shape = (count, 1, ACTION_SIZE)
    waves = [
        rng.uniform(-0.5, 0.5, shape) / 2**k * np.cos(np.pi * k * time + rng.uniform(0, np.pi, shape)) for k in range(3)
    ]
    return np.sum(waves, axis=0)


@pytest.fixture(scope="module")
def tokenizer() -> FastTokenizer:
    return FastTokenizer.fit(make_chunks(0), vocab_size=256)


@settings(deadline=None)
@given(st.integers(0, 1000), st.sampled_from([5.0, 10.0, 40.0]))
def test_a_chunk_comes_back_within_the_rounding_step(seed: int, scale: float) -> None:
    chunks = make_chunks(seed, 5)
    tokenizer = FastTokenizer.fit(chunks, vocab_size=512, scale=scale)
    for chunk, ids in zip(chunks, tokenizer.encode_batch(chunks), strict=True):
        error = tokenizer.decode(ids) - chunk
        # Each orthonormal coefficient is off by at most half a step, and so is their root mean square over time.
        assert (np.sqrt((error**2).mean(axis=0)) <= 0.5 / scale + 1e-6).all()
    assert tokenizer.clipped == 0


@settings(deadline=None)
@given(hnp.arrays(np.float64, (HORIZON, ACTION_SIZE), elements=st.floats(-1e12, 1e12)))
def test_any_finite_chunk_is_encoded_and_decoded(tokenizer: FastTokenizer, chunk: np.ndarray) -> None:
    ids = tokenizer.encode(chunk)
    decoded = tokenizer.decode(ids)
    assert decoded.shape == (HORIZON, ACTION_SIZE)
    assert decoded.dtype == np.float32
    # What was decoded lies on the grid of coefficients, so it says the same again.
    assert tokenizer.encode(decoded) == ids


@settings(deadline=None)
@given(st.data())
def test_any_tokens_that_make_a_chunk_are_decoded_and_one_more_is_refused(
    tokenizer: FastTokenizer, data: st.DataObject
) -> None:
    some = data.draw(st.lists(st.integers(0, tokenizer.config.alphabet_size - 1), min_size=48, max_size=48))
    chunk = tokenizer.decode(some)
    np.testing.assert_allclose(tokenizer.decode(tokenizer.encode(chunk)), chunk, atol=1e-5)
    extra = data.draw(st.integers(0, tokenizer.vocab_size - 1))
    with pytest.raises(FastError, match=r"49 tokens are .* coefficients, expected 16 steps x 3 dimensions = 48"):
        tokenizer.decode([*some, extra])


def test_coefficients_out_of_the_range_of_the_data_are_clipped_and_counted() -> None:
    tokenizer = FastTokenizer.fit(make_chunks(0), vocab_size=256)
    inside, outside = make_chunks(0)[0], make_chunks(0)[0]
    outside[:, 1] += 100.0
    decoded = tokenizer.decode(tokenizer.encode(outside))
    # A constant is one coefficient: the zeroth of its dimension.
    assert tokenizer.clipped == 1
    np.testing.assert_allclose(decoded[:, [0, 2]], tokenizer.decode(tokenizer.encode(inside))[:, [0, 2]], atol=1e-6)
    assert scipy.fft.dct(decoded[:, 1], norm="ortho")[0] == pytest.approx(tokenizer.config.highest / 10.0)


def test_smooth_chunks_take_far_fewer_tokens_than_one_a_number(tokenizer: FastTokenizer) -> None:
    lengths = [len(ids) for ids in tokenizer.encode_batch(make_chunks(1))]
    assert np.mean(lengths) < HORIZON * ACTION_SIZE / 3
    assert max(lengths) < HORIZON * ACTION_SIZE


def test_the_lowest_frequencies_of_all_dimensions_come_first() -> None:
    tokenizer = FastTokenizer.fit(make_chunks(0), vocab_size=256, scale=10.0)
    plain = FastTokenizer(tokenizer.config, merges=[])
    chunk = make_chunks(0)[4]
    coefficients = np.rint(10.0 * scipy.fft.dct(chunk, axis=0, norm="ortho")) - plain.config.lowest
    assert plain.encode(chunk) == [coefficients[k, a] for k in range(HORIZON) for a in range(ACTION_SIZE)]


def test_encoding_one_by_one_is_encoding_together(tokenizer: FastTokenizer) -> None:
    chunks = make_chunks(2, 20)
    assert [tokenizer.encode(chunk) for chunk in chunks] == tokenizer.encode_batch(chunks)


def test_ids_are_below_the_vocabulary_size(tokenizer: FastTokenizer) -> None:
    assert tokenizer.vocab_size <= 256
    used = {index for ids in tokenizer.encode_batch(make_chunks(0)) for index in ids}
    assert max(used) < tokenizer.vocab_size
    assert max(used) >= tokenizer.config.alphabet_size  # some are merges


def test_the_same_data_gives_the_same_tokenizer_in_every_process(tmp_path: Path, tokenizer: FastTokenizer) -> None:
    np.save(tmp_path / "chunks.npy", make_chunks(0))
    script = (
        "import sys, numpy; from arvla_ros.policy.fast import FastTokenizer; "
        "FastTokenizer.fit(numpy.load(sys.argv[1] + '/chunks.npy'), vocab_size=256).save(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    assert FastTokenizer.load(tmp_path).merges == tokenizer.merges


def test_a_saved_tokenizer_gives_the_same_tokens(tmp_path: Path, tokenizer: FastTokenizer) -> None:
    tokenizer.save(tmp_path / "new")
    loaded = FastTokenizer.load(tmp_path / "new")
    assert (loaded.config, loaded.merges) == (tokenizer.config, tokenizer.merges)
    chunks = make_chunks(3, 50)
    batch = tokenizer.encode_batch(chunks)
    assert loaded.encode_batch(chunks) == batch
    np.testing.assert_array_equal(loaded.decode(batch[0]), tokenizer.decode(batch[0]))


def test_two_merges_that_spell_the_same_are_one_token() -> None:
    config = FastConfig(horizon=1, action_size=3, scale=1.0, lowest=0, highest=2)
    # 0, 1, 2 are single; 3 = 0 1, 4 = 1 2, 5 = (0 1) 2 = 0 (1 2), 6 = 5 0
    tokenizer = FastTokenizer(config, [(0, 1), (1, 2), (3, 2), (0, 4), (5, 0)])
    assert tokenizer.vocab_size == 7
    np.testing.assert_allclose(tokenizer.decode([5]), [[0, 1, 2]])
    assert tokenizer.encode([[0, 1, 2]]) == [5]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "0 tokens are 0 coefficients, expected 16 steps x 3 dimensions = 48"),
        ([0] * 47, "47 tokens are 47 coefficients"),
        ([0] * 49, "49 tokens are 49 coefficients"),
        ([256], "token 256 is none of 0 to 255"),
        ([0, -1], "token -1 is none of 0 to 255"),
    ],
)
def test_tokens_that_make_no_chunk_are_refused(tokenizer: FastTokenizer, ids: list[int], message: str) -> None:
    with pytest.raises(FastError, match=message):
        tokenizer.decode(ids)


def with_value(value: float) -> np.ndarray:
    chunks = make_chunks(0, 10)
    chunks[3, 2, 1] = value
    return chunks


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        (with_value(np.nan), "not finite in dimension 1"),
        (with_value(np.inf), "not finite in dimension 1"),
        (with_value(100.0), "vocab_size 256 is less than the .* take more tokens, a smaller scale than 10"),
        (with_value(1e300), "coefficients from -1000000000 to 1000000000 are not 1 to 65534 values; normalise"),
        (make_chunks(0, 0), r"n > 0, got \[0, 16, 3\]"),
        (make_chunks(0)[0], r"got \[16, 3\]"),
    ],
)
def test_data_that_cannot_be_fitted_are_refused(chunks: np.ndarray, message: str) -> None:
    with pytest.raises(FastError, match=message):
        FastTokenizer.fit(chunks, vocab_size=256)


def test_chunks_of_another_shape_or_not_finite_are_refused(tokenizer: FastTokenizer) -> None:
    with pytest.raises(FastError, match=r"chunk is \[15, 3\], expected \[16, 3\]"):
        tokenizer.encode(make_chunks(0)[0, :15])
    with pytest.raises(FastError, match="not finite in dimension 1"):
        tokenizer.encode(with_value(np.nan)[3])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda fields: fields.update(format="another"), "not of format 'arvla_ros fast 1'"),
        (lambda fields: fields.pop("merges"), "'merges'"),
        (lambda fields: fields.pop("scale"), "'scale'"),
        (lambda fields: fields.update(horizon=2.5), "horizon must be an integer, got 2.5"),
        (lambda fields: fields.update(scale="10"), "scale must be a number, got '10'"),
        (lambda fields: fields.update(scale=0.0), "scale must be positive and finite, got 0.0"),
        (lambda fields: fields.update(scale=float("nan")), "scale must be positive and finite, got nan"),
        (lambda fields: fields.update(action_size=-3), "action_size must be positive and finite, got -3"),
        (lambda fields: fields.update(lowest=5, highest=4), "coefficients from 5 to 4 are not 1 to 65534 values"),
        (lambda fields: fields.update(merges=[[0, 1], [9999, 0]]), "merge of tokens 9999 and 0, but only"),
        (lambda fields: fields.update(merges=[[0, -1]]), "merge of tokens 0 and -1"),
        (lambda fields: fields.update(merges=["01"]), "merge '01' is not a pair of token ids"),
        (lambda fields: fields.update(merges=[[0, "1"]]), "is not a pair of token ids"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    tmp_path: Path, tokenizer: FastTokenizer, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    tokenizer.save(tmp_path)
    fields = json.loads((tmp_path / FILE).read_text())
    change(fields)
    (tmp_path / FILE).write_text(json.dumps(fields))
    with pytest.raises(FastError, match=message) as raised:
        FastTokenizer.load(tmp_path)
    assert str(tmp_path / FILE) in str(raised.value)


@pytest.mark.parametrize("content", [None, b"", b'{"format": "arvla', b"\xff\xfe", b"[]"])
def test_a_missing_or_damaged_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(FastError, match=r"fast\.json: not (readable as JSON|of format)"):
        FastTokenizer.load(tmp_path)
