"""A prefix on the wire: bit for bit what perception made, and nothing that does not fit."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from rclpy.serialization import deserialize_message, serialize_message

from arvla_ros.msg import VLPrefix
from arvla_ros.nodes.prefix_message import PrefixMessageError, decode, encode
from arvla_ros.policy.checkpoint import Manifest
from arvla_ros.policy.expert import ExpertConfig
from arvla_ros.policy.normalization import Normalizer
from arvla_ros.policy.prefix import DTYPES, Prefix
from arvla_ros.policy.small import SmallConfig
from arvla_ros.robots.contract import RobotContract

LAYERS, HEADS, DIM = 3, 4, 8
BACKBONE = SmallConfig(
    instructions=("reach the red cup",),
    layers=LAYERS,
    kv_heads=HEADS,
    head_dim=DIM,
    image_height=96,
    image_width=128,
)
TOKENS = BACKBONE.prefix_tokens
STAMP_NS = 1_700_000_000_123_456_789


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    unit = Normalizer.mean_std(torch.zeros(2, 7) + torch.tensor([[0.0], [1.0]]))
    return Manifest(
        task="reach",
        contract=RobotContract.load(),
        backbone=BACKBONE,
        expert=ExpertConfig(layers=LAYERS, query_heads=HEADS, kv_heads=HEADS, head_dim=DIM),
        state=unit,
        action=unit,
        position=unit,
        model_id="ab" * 32,
    )


def prefix(dtype: torch.dtype = torch.float32) -> Prefix:
    shape = (LAYERS, HEADS, TOKENS, DIM)
    mask = torch.arange(TOKENS) % 3 != 2
    return Prefix(torch.randn(shape).to(dtype), torch.randn(shape).to(dtype), mask)


def message(**changes: object) -> VLPrefix:
    made = encode(prefix(), STAMP_NS, "ab" * 32, "reach the red cup", 0.02)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
def test_a_prefix_survives_the_wire_bit_for_bit(manifest, dtype):
    sent = prefix(dtype)
    wire = serialize_message(encode(sent, STAMP_NS, manifest.model_id, "reach the red cup", 0.02))
    received = deserialize_message(wire, VLPrefix)
    got = decode(received, manifest)
    for field in dataclasses.fields(Prefix):
        assert torch.equal(getattr(got, field.name), getattr(sent, field.name))
    assert (received.header.stamp.sec, received.header.stamp.nanosec) == divmod(STAMP_NS, 1_000_000_000)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"model_id": "cd" * 32}, "model_id 'cdcdcdcdcdcd' is not 'abababababab'.*same checkpoint"),
        ({"dtype": "complex64"}, "dtype 'complex64' is none of float32, float16, bfloat16"),
        ({"num_layers": LAYERS + 1}, r"layers, kv heads, head dim are \(4, 4, 8\), the expert has \(3, 4, 8\)"),
        ({"num_tokens": TOKENS + 1}, f"{TOKENS + 1} tokens, this backbone makes {TOKENS}"),
        ({"num_tokens": 0, "token_mask": []}, f"0 tokens, this backbone makes {TOKENS}"),
        ({"token_mask": [True] * 5}, f"5 token mask entries for {TOKENS} tokens"),
        ({"keys": b""}, "keys has 0 bytes"),
        ({"values": b"\0" * 7}, "values has 7 bytes"),
        ({"keys": b"\xff" * (LAYERS * HEADS * TOKENS * DIM * 4)}, "not finite"),
        ({"keys": b"\0" * 100_000_000}, "keys has 100000000 bytes"),
        ({"num_layers": 2**32 - 1, "num_tokens": 2**32 - 1}, "layers, kv heads, head dim are"),
    ],
)
def test_a_prefix_that_does_not_fit_is_refused(manifest, changes, error):
    with pytest.raises(PrefixMessageError, match=error):
        decode(message(**changes), manifest)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
@pytest.mark.parametrize("where", ["first", "last"])
def test_a_single_value_that_is_not_finite_is_found(manifest, bad, dtype, where):
    made = prefix(dtype)
    made.values.view(-1)[0 if where == "first" else -1] = bad
    with pytest.raises(PrefixMessageError, match="not finite") as error:
        decode(encode(made, STAMP_NS, manifest.model_id, "reach the red cup"), manifest)
    assert error.value.kind == "not_finite"
