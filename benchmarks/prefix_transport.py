"""What it costs to carry a prefix from perception to the action expert, and what the obvious ways would cost.

    python benchmarks/prefix_transport.py

A prefix of PaliGemma-3B's size (18 layers, 1 KV head, 304 tokens, 256 dimensions, bfloat16: 5.6 MB) is

1. made a message and CDR, and both undone, in one process, in turns with the same as a list of numbers and as a pickle,
   so that whatever else the machine does hits all alike;
2. sent over DDS to a second process, which decodes it as the action expert does.

It speaks only ROS 2's public API, so the same script runs under a real ROS 2.
"""

from __future__ import annotations

import pickle
import statistics
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import rclpy
import torch
import tyro
from rclpy.node import Node
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Empty, Float32MultiArray, UInt8MultiArray

from arvla_ros.evaluation.timing import machine
from arvla_ros.msg import VLPrefix
from arvla_ros.nodes import prefix_message
from arvla_ros.nodes.qos import NEWEST
from arvla_ros.nodes.stamps import now_ns, to_ns
from arvla_ros.policy.checkpoint import Manifest
from arvla_ros.policy.expert import ExpertConfig
from arvla_ros.policy.normalization import Normalizer
from arvla_ros.policy.paligemma_config import PaliGemmaConfig
from arvla_ros.policy.prefix import Prefix
from arvla_ros.robots.contract import RobotContract

MODEL_ID = "ab" * 32
DISCOVERY_S = 30.0


@dataclass(frozen=True)
class PrefixTransportConfig:
    """How much to measure."""

    rounds: int = 10
    """Of each way, in one process."""
    messages: int = 100
    """Sent to the second process."""
    rate_hz: float = 10.0
    """At which they are sent."""
    receiver: bool = False
    """Be the second process."""


def manifest() -> Manifest:
    """Return what the action expert checks a prefix of PaliGemma's size against."""
    contract = RobotContract.load()
    backbone = PaliGemmaConfig(source="backbone", image_height=contract.image_height, image_width=contract.image_width)
    expert = ExpertConfig(layers=backbone.layers, kv_heads=backbone.kv_heads, head_dim=backbone.head_dim)
    unit = Normalizer.mean_std(torch.tensor([[-1.0], [1.0]]).expand(2, 7))
    return Manifest("benchmark", contract, backbone, expert, unit, unit, model_id=MODEL_ID)


def prefix() -> Prefix:
    """Return random keys and values of PaliGemma's size."""
    backbone = PaliGemmaConfig(source="backbone")
    shape = (backbone.layers, backbone.kv_heads, backbone.prefix_tokens, backbone.head_dim)
    keys, values = (torch.randn(shape).to(torch.bfloat16) for _ in range(2))
    return Prefix(keys, values, torch.ones(shape[2], dtype=torch.bool))


def encoded(sent: Prefix, stamp_ns: int) -> VLPrefix:
    """Return a prefix as perception publishes it."""
    return prefix_message.encode(sent, stamp_ns, MODEL_ID, "stack the cups")


def by_bytes(sent: Prefix, expected: Manifest) -> Prefix:
    """Carry a prefix as the nodes do."""
    return prefix_message.decode(deserialize_message(serialize_message(encoded(sent, 0)), VLPrefix), expected)


def by_list(sent: Prefix) -> torch.Tensor:
    """Carry a prefix as a list of numbers in a standard message."""
    numbers = torch.stack((sent.keys, sent.values)).float()
    wire = serialize_message(Float32MultiArray(data=numbers.flatten().tolist()))
    return torch.tensor(list(deserialize_message(wire, Float32MultiArray).data)).view(numbers.shape).bfloat16()


def by_pickle(sent: Prefix) -> Prefix:
    """Carry a prefix as a pickle, which lets whoever sends it execute code in whoever receives it."""
    wire = serialize_message(UInt8MultiArray(data=array("B", pickle.dumps(sent))))
    received: Prefix = pickle.loads(deserialize_message(wire, UInt8MultiArray).data)
    return received


def compare(rounds: int) -> None:
    """Print the processor time of each way there and back, in turns."""
    sent, expected = prefix(), manifest()
    ways: Mapping[str, Callable[[], object]] = {
        "bytes, as the nodes do": lambda: by_bytes(sent, expected),
        "list of numbers": lambda: by_list(sent),
        "pickle": lambda: by_pickle(sent),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, carry in ways.items():
            began_s = time.process_time()
            carry()
            spent[name].append((time.process_time() - began_s) * 1e3)
    medians = {name: statistics.median(times[1:]) for name, times in spent.items()}
    ours = next(iter(medians.values()))
    for name, median in medians.items():
        print(f"{name:>24}: {median:8.1f} ms of processor time, {median / ours:6.1f} times ours")


def receive(node: Node) -> None:
    """Decode what comes as the action expert does; print how old it is then."""
    expected = manifest()

    def on_prefix(message: VLPrefix) -> None:
        arrived_ns, began_s = now_ns(node), time.process_time()
        prefix_message.decode(message, expected)
        decoding_ms = (time.process_time() - began_s) * 1e3
        print(f"{(arrived_ns - to_ns(message.header.stamp)) * 1e-6} {decoding_ms}", flush=True)

    node.create_subscription(VLPrefix, "/vl_prefix", on_prefix, NEWEST)
    node.create_subscription(Empty, "/done", lambda _: rclpy.shutdown(), 1)
    while rclpy.ok():
        rclpy.spin_once(node, timeout_sec=0.1)


def send(node: Node, config: PrefixTransportConfig) -> None:
    """Send prefixes to a second process; print how long each part took."""
    publisher, done = node.create_publisher(VLPrefix, "/vl_prefix", NEWEST), node.create_publisher(Empty, "/done", 1)
    receiver = subprocess.Popen([sys.executable, __file__, "--receiver"], stdout=subprocess.PIPE, text=True)
    end_s = time.monotonic() + DISCOVERY_S
    while not publisher.get_subscription_count():
        if time.monotonic() > end_s:
            receiver.kill()
            raise RuntimeError(f"the second process was not discovered within {DISCOVERY_S:g} s")
        time.sleep(0.1)
    sent, encoding, publishing = prefix(), [], []
    for _ in range(config.messages):
        began_s = time.perf_counter()
        message = encoded(sent, now_ns(node))
        encoded_s = time.perf_counter()
        publisher.publish(message)
        encoding.append((encoded_s - began_s) * 1e3)
        publishing.append((time.perf_counter() - encoded_s) * 1e3)
        time.sleep(1.0 / config.rate_hz)
    done.publish(Empty())
    lines = receiver.communicate(timeout=DISCOVERY_S)[0].splitlines()
    ages, decoding = zip(*(map(float, line.split()) for line in lines), strict=True)
    size_mb = (len(message.keys) + len(message.values)) * 1e-6
    print(f"{len(lines)} of {config.messages} messages of {size_mb:.1f} MB arrived, {config.rate_hz:g} a second")
    print("median and 90th percentile:")
    named = {"encode": encoding, "publish": publishing, "encode to arrival": ages, "decode (processor)": decoding}
    for name, times in named.items():
        low, high = statistics.median(times), statistics.quantiles(times, n=10)[-1]
        print(f"{name:>24}: {low:6.1f}, {high:6.1f} ms")


def main(config: PrefixTransportConfig) -> None:
    """Measure, or be the second process."""
    torch.set_num_threads(1)
    rclpy.init()
    node = rclpy.create_node("prefix_transport" + "_receiver" * config.receiver)
    if config.receiver:
        receive(node)
        return
    print(machine(torch.device("cpu")))
    compare(config.rounds)
    send(node, config)


if __name__ == "__main__":
    main(tyro.cli(PrefixTransportConfig, description=__doc__))
