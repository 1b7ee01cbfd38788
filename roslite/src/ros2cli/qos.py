"""Quality of service from the command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    LivelinessPolicy,
    QoSPresetProfiles,
    QoSProfile,
    ReliabilityPolicy,
)


def add_qos_arguments(parser: argparse.ArgumentParser, *, default: str) -> None:
    """Declare `--qos-...`; `default` says in the help what holds without them."""
    parser.add_argument(
        "--qos-profile",
        choices=QoSPresetProfiles.short_keys(),
        help=f"Quality of service preset profile (default: {default})",
    )
    parser.add_argument("--qos-depth", metavar="N", type=int, help="Queue size setting (with history keep last)")
    for name, policy in _POLICIES.items():
        choices = policy.short_keys()
        parser.add_argument(f"--qos-{name}", choices=choices, help=f"Quality of service {name} setting")


_POLICIES: dict[str, Any] = {
    "history": HistoryPolicy,
    "reliability": ReliabilityPolicy,
    "durability": DurabilityPolicy,
    "liveliness": LivelinessPolicy,
}


def given(args: argparse.Namespace) -> bool:
    """Whether any `--qos-...` is given."""
    return any(getattr(args, f"qos_{name}") is not None for name in ("profile", "depth", *_POLICIES))


def profile(args: argparse.Namespace, default: QoSProfile) -> QoSProfile:
    """Return the profile that the arguments ask for: a preset, or the default, with single settings changed."""
    start = default
    if args.qos_profile is not None:
        start = QoSPresetProfiles.get_from_short_key(args.qos_profile)
    settings: dict[str, Any] = {
        "history": start.history,
        "depth": start.depth if args.qos_depth is None else args.qos_depth,
        "reliability": start.reliability,
        "durability": start.durability,
        "liveliness": start.liveliness,
    }
    for name, policy in _POLICIES.items():
        key = getattr(args, f"qos_{name}")
        if key is not None:
            settings[name] = policy.get_from_short_key(key)
    return QoSProfile(**settings)


def matching(publishers: Iterable[QoSProfile]) -> QoSProfile:
    """Return a profile that all of these publishers match, and that asks of them as much as all of them offer."""
    offered = list(publishers)
    reliable = bool(offered) and all(qos.reliability == ReliabilityPolicy.RELIABLE for qos in offered)
    latched = bool(offered) and all(qos.durability == DurabilityPolicy.TRANSIENT_LOCAL for qos in offered)
    return QoSProfile(
        depth=10,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )
