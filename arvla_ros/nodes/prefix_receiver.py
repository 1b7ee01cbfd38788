"""The way of a prefix from the wire into the control loop's slot, beside the ticks and never in their way."""

from __future__ import annotations

from collections import Counter, deque

from rclpy.node import Node
from rclpy.serialization import deserialize_message

from arvla_ros.control.one_at_a_time import OneAtATime
from arvla_ros.control.prefix_slot import PrefixSlot
from arvla_ros.msg import VLPrefix
from arvla_ros.nodes.prefix_message import PrefixMessageError, decode
from arvla_ros.nodes.qos import NEWEST
from arvla_ros.nodes.stamps import to_ns
from arvla_ros.policy.checkpoint import Manifest
from arvla_ros.policy.prefix import Prefix

TOPIC = "/vl_prefix"
# Bytes of a message beside its keys and values: names, instruction, token mask, sizes.
_REST_BYTES = 64 * 1024
_WIDEST_NUMBER = 4


class PrefixReceiver:
    """Takes messages as bytes, refuses at once those that are too long, and decodes the newest in its own thread.

    The executor's thread, in which the ticks run, only takes the bytes from the middleware.

    Attributes:
        counts: refused and dropped messages by reason.
    """

    def __init__(self, node: Node, manifest: Manifest, slot: PrefixSlot[Prefix]) -> None:
        """Subscribe; what fits the expert of ``manifest`` is offered to ``slot``."""
        self.counts: Counter[str] = Counter()
        self._logger = node.get_logger()
        self._manifest = manifest
        self._slot = slot
        expert, tokens = manifest.expert, manifest.backbone.prefix_tokens
        numbers = 2 * expert.layers * expert.kv_heads * tokens * expert.head_dim
        self._longest = numbers * _WIDEST_NUMBER + _REST_BYTES
        self._newest: deque[bytes] = deque(maxlen=1)
        failed = node.create_guard_condition(self._on_failure)
        self._decoding = OneAtATime(self._decode, failed.trigger, "decode")
        node.create_subscription(VLPrefix, TOPIC, self._on_bytes, NEWEST, raw=True)

    def close(self, timeout_s: float = 1.0) -> None:
        """End the thread."""
        self._decoding.close(timeout_s)

    def _on_bytes(self, data: bytes) -> None:
        if len(data) > self._longest:
            self._refuse("refused_too_long", f"{len(data)} bytes, one of this expert has at most {self._longest}")
            return
        if self._newest:
            self.counts["dropped_for_a_newer_one"] += 1
        self._newest.append(data)
        self._decoding.wish()

    def _decode(self) -> None:
        try:
            data = self._newest.popleft()
        except IndexError:
            return
        try:
            message = deserialize_message(data, VLPrefix)
            prefix = decode(message, self._manifest)
        except PrefixMessageError as error:
            self._refuse(f"refused_{error.kind}", str(error))
        except (ValueError, RuntimeError) as error:
            # What the middleware's decoder raises: RMWError is a RuntimeError.
            self._refuse("refused_malformed", str(error))
        else:
            self._slot.offer(prefix, to_ns(message.header.stamp), message.ready_age)

    def _refuse(self, kind: str, reason: str) -> None:
        self.counts[kind] += 1
        self._logger.warning(f"prefix refused: {reason[:300]}", throttle_duration_sec=2.0)

    def _on_failure(self) -> None:
        if self._decoding.failure is not None:
            raise self._decoding.failure
