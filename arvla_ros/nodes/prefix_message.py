"""Between a policy Prefix and the VLPrefix message; what arrives from the wire is checked before it is believed."""

from __future__ import annotations

import array

import torch

from arvla_ros.msg import VLPrefix
from arvla_ros.nodes.stamps import to_msg
from arvla_ros.policy.checkpoint import Manifest
from arvla_ros.policy.prefix import DTYPES, Prefix


class PrefixMessageError(ValueError):
    """A VLPrefix message that cannot be used; the message says why, ``kind`` is a word to count by."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def encode(
    prefix: Prefix,
    stamp_ns: int,
    model_id: str,
    instruction: str,
    compute_time_s: float = 0.0,
    ready_age_s: float = -1.0,
) -> VLPrefix:
    """Return the message for a prefix whose oldest image was captured at ``stamp_ns``.

    Args:
        prefix: what was made; its bytes are copied once, into the message.
        stamp_ns: capture time of the oldest image, ROS time.
        model_id: fingerprint of the backbone.
        instruction: under which it was made.
        compute_time_s: from taking up the images to here.
        ready_age_s: from ``stamp_ns`` to here; -1: not known.
    """
    layers, heads, tokens, dim = prefix.keys.shape
    message = VLPrefix(
        model_id=model_id,
        instruction=instruction,
        num_layers=layers,
        num_kv_heads=heads,
        num_tokens=tokens,
        head_dim=dim,
        dtype=prefix.dtype_name,
        token_mask=prefix.token_mask.tolist(),
        compute_time=compute_time_s,
        ready_age=ready_age_s,
    )
    message.header.stamp = to_msg(stamp_ns)
    message.keys = _to_bytes(prefix.keys)
    message.values = _to_bytes(prefix.values)
    return message


def decode(message: VLPrefix, manifest: Manifest) -> Prefix:
    """Return the prefix of a message for the expert of ``manifest``.

    Raises:
        PrefixMessageError: made by another backbone, sizes that do not fit, or values that are not finite.
    """
    if message.model_id != manifest.model_id:
        raise PrefixMessageError(
            "other_model",
            f"model_id {message.model_id[:12]!r} is not {manifest.model_id[:12]!r}, which this expert was trained "
            "with: give perception and action_expert the same checkpoint",
        )
    expert = manifest.expert
    sizes = (message.num_layers, message.num_kv_heads, message.head_dim)
    if sizes != (expert.layers, expert.kv_heads, expert.head_dim):
        raise PrefixMessageError(
            "sizes",
            f"layers, kv heads, head dim are {sizes}, the expert has "
            f"{(expert.layers, expert.kv_heads, expert.head_dim)}",
        )
    if message.num_tokens != manifest.backbone.prefix_tokens:
        raise PrefixMessageError(
            "sizes", f"{message.num_tokens} tokens, this backbone makes {manifest.backbone.prefix_tokens}"
        )
    if message.dtype not in DTYPES:
        raise PrefixMessageError("dtype", f"dtype {message.dtype!r} is none of {', '.join(DTYPES)}")
    if len(message.token_mask) != message.num_tokens:
        raise PrefixMessageError(
            "sizes", f"{len(message.token_mask)} token mask entries for {message.num_tokens} tokens"
        )
    shape = (message.num_layers, message.num_kv_heads, message.num_tokens, message.head_dim)
    dtype = DTYPES[message.dtype]
    keys = _from_bytes("keys", message.keys, dtype, shape)
    values = _from_bytes("values", message.values, dtype, shape)
    if not (_is_finite(keys) and _is_finite(values)):
        raise PrefixMessageError("not_finite", "keys or values are not finite")
    return Prefix(keys, values, torch.tensor(message.token_mask, dtype=torch.bool))


def _is_finite(tensor: torch.Tensor) -> bool:
    # Not a number is the least and the greatest there is, and this is 20 times as fast as isfinite(…).all().
    least, greatest = tensor.aminmax()
    return bool(torch.isfinite(least) and torch.isfinite(greatest))


def _to_bytes(tensor: torch.Tensor) -> array.array[int]:
    data: array.array[int] = array.array("B")
    data.frombytes(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data.cast("B"))
    return data


def _from_bytes(name: str, data: array.array[int], dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    expected = dtype.itemsize
    for size in shape:
        expected *= size
    if len(data) != expected or expected == 0:
        raise PrefixMessageError("sizes", f"{name} has {len(data)} bytes, {list(shape)} {dtype} needs {expected}")
    return torch.frombuffer(data, dtype=dtype).view(shape)
