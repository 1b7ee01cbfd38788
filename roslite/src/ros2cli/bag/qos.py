"""Quality of service in bags: as text in the metadata, in override files, and chosen to fit publishers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from rclpy.duration import Duration
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    InvalidQoSProfileException,
    LivelinessPolicy,
    QoSProfile,
    ReliabilityPolicy,
)

from ros2cli.command import CommandError

DEFAULT_DEPTH = 10

_POLICIES: dict[str, Any] = {
    "history": HistoryPolicy,
    "reliability": ReliabilityPolicy,
    "durability": DurabilityPolicy,
    "liveliness": LivelinessPolicy,
}
_DURATIONS = ("deadline", "lifespan", "liveliness_lease_duration")
_NS = 1_000_000_000


def to_yaml(profiles: Sequence[QoSProfile]) -> str:
    """Return profiles as Humble has them in the metadata of a bag."""
    return yaml.safe_dump([_plain(profile) for profile in profiles], sort_keys=False).rstrip() if profiles else ""


def _plain(profile: QoSProfile) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "history": int(profile.history),
        "depth": profile.depth,
        "reliability": int(profile.reliability),
        "durability": int(profile.durability),
    }
    for name in ("deadline", "lifespan"):
        plain[name] = _plain_duration(getattr(profile, name))
    plain["liveliness"] = int(profile.liveliness)
    plain["liveliness_lease_duration"] = _plain_duration(profile.liveliness_lease_duration)
    plain["avoid_ros_namespace_conventions"] = profile.avoid_ros_namespace_conventions
    return plain


def _plain_duration(duration: Duration) -> dict[str, int]:
    return {"sec": duration.nanoseconds // _NS, "nsec": duration.nanoseconds % _NS}


def recorded(profile: Any) -> QoSProfile:
    """Return a profile that ``rosbags`` read from a bag; what it does not tell is the default."""
    settings: dict[str, Any] = {name: _duration(getattr(profile, name)) for name in _DURATIONS}
    for name, policy in _POLICIES.items():
        value = getattr(profile, name).value
        if value in {member.value for member in policy} and policy(value).name != "UNKNOWN":
            settings[name] = policy(value)
    # The history of a publisher in another process is not known to who records it.
    settings |= {"history": HistoryPolicy.KEEP_LAST, "depth": DEFAULT_DEPTH}
    return QoSProfile(**settings)


def _duration(time: Any) -> Duration:
    return Duration(nanoseconds=min(time.sec * _NS + time.nsec, 2**63 - 1))


def offered_again(profiles: Sequence[QoSProfile]) -> QoSProfile | None:
    """Return what to publish with where these publishers were recorded, None if they differ."""
    if not profiles:
        return QoSProfile(depth=DEFAULT_DEPTH)
    names = ("reliability", "durability", "liveliness", "deadline", "liveliness_lease_duration")
    kinds = {tuple(_comparable(getattr(profile, name)) for name in names) for profile in profiles}
    return profiles[0] if len(kinds) == 1 else None


def _comparable(value: Any) -> int:
    return int(value.nanoseconds) if isinstance(value, Duration) else int(value)


def heard_by(offers: Sequence[QoSProfile], depth: int, warn: Callable[[str, str], object]) -> QoSProfile:
    """Return a profile that hears all of these publishers, and asks of them as much as all of them offer.

    Args:
        offers: what the publishers offer.
        depth: of the profile.
        warn: is called with what only some of them offer, and what that means.
    """
    reliable = [profile.reliability == ReliabilityPolicy.RELIABLE for profile in offers]
    latched = [profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for profile in offers]
    if any(reliable) and not all(reliable):
        warn("RELIABLE", "falling back to BEST_EFFORT, which hears all of them; some messages could be lost")
    if any(latched) and not all(latched):
        warn("TRANSIENT_LOCAL", "falling back to VOLATILE, which hears all of them; earlier messages are not recorded")
    return QoSProfile(
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if all(reliable) else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if offers and all(latched) else DurabilityPolicy.VOLATILE,
    )


def read_overrides(path: str | None) -> dict[str, QoSProfile]:
    """Return the profiles of a `--qos-profile-overrides-path` file, by topic.

    Raises:
        CommandError: there is no such file, or it holds something else.
    """
    if path is None:
        return {}
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CommandError(f"[ERROR] [ros2bag]: cannot read QoS overrides '{path}': {error}") from error
    try:
        return {topic: _override(settings) for topic, settings in content.items()}
    except (AttributeError, KeyError, TypeError, ValueError, InvalidQoSProfileException) as error:
        raise CommandError(f"[ERROR] [ros2bag]: QoS overrides '{path}': {error}") from error


def _override(settings: dict[str, Any]) -> QoSProfile:
    profile: dict[str, Any] = {}
    for name, value in settings.items():
        if name in _DURATIONS:
            profile[name] = _override_duration(value)
        elif name in _POLICIES:
            profile[name] = _POLICIES[name].get_from_short_key(value)
        elif name in ("depth", "avoid_ros_namespace_conventions"):
            if value < 0:
                raise ValueError(f"`{name}` may not be a negative value.")
            profile[name] = value
        else:
            raise ValueError(f"Unexpected key `{name}` for QoS profile.")
    return QoSProfile(**profile)


def _override_duration(value: dict[str, int] | None) -> Duration:
    if not value:
        return Duration()
    if not {"sec", "nsec"} <= value.keys():
        raise ValueError("Time overrides must include both seconds (sec) and nanoseconds (nsec).")
    duration = Duration(seconds=value["sec"], nanoseconds=value["nsec"])
    if duration.nanoseconds < 0:
        raise ValueError("Time duration may not be a negative value.")
    return duration
