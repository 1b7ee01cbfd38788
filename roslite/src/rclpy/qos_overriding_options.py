"""Lets parameters override the quality of service of a publisher or subscription."""

import copy
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult

from rclpy.duration import Duration
from rclpy.exceptions import ParameterAlreadyDeclaredException
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    LivelinessPolicy,
    QoSPolicyEnum,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
)

if TYPE_CHECKING:
    from rclpy.node import Node

QosCallbackResult = SetParametersResult
QosCallbackType = Callable[[QoSProfile], Any]

_CHOICES: dict[QoSPolicyKind, type[QoSPolicyEnum]] = {
    QoSPolicyKind.DURABILITY: DurabilityPolicy,
    QoSPolicyKind.HISTORY: HistoryPolicy,
    QoSPolicyKind.LIVELINESS: LivelinessPolicy,
    QoSPolicyKind.RELIABILITY: ReliabilityPolicy,
}
_DURATIONS = {QoSPolicyKind.DEADLINE, QoSPolicyKind.LIFESPAN, QoSPolicyKind.LIVELINESS_LEASE_DURATION}


class InvalidQosOverridesError(Exception):
    """The callback that judges the overridden quality of service refused it."""


class QoSOverridingOptions:
    """Which policies can be overridden.

    Args:
        policy_kinds: the policies; each becomes a read-only parameter.
        callback: judges the profile that results, like a callback for parameters.
        entity_id: tells several ends of one node on one topic apart.
    """

    def __init__(
        self,
        policy_kinds: Iterable[QoSPolicyKind],
        *,
        callback: QosCallbackType | None = None,
        entity_id: str | None = None,
    ) -> None:
        self._policy_kinds = policy_kinds
        self._callback = callback
        self._entity_id = entity_id

    @property
    def policy_kinds(self) -> Iterable[QoSPolicyKind]:
        """The policies that can be overridden."""
        return self._policy_kinds

    @property
    def callback(self) -> QosCallbackType | None:
        """What judges the profile that results."""
        return self._callback

    @property
    def entity_id(self) -> str | None:
        """What tells several ends of one node on one topic apart."""
        return self._entity_id

    @classmethod
    def with_default_policies(
        cls, *, callback: QosCallbackType | None = None, entity_id: str | None = None
    ) -> "QoSOverridingOptions":
        """Return options for history, depth and reliability."""
        kinds = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY)
        return cls(kinds, callback=callback, entity_id=entity_id)


def override(node: "Node", qos: QoSProfile, end: str, topic: str, options: QoSOverridingOptions) -> QoSProfile:
    """Declare the parameters of a ``publisher`` or ``subscription``; return the profile that they make.

    Raises:
        InvalidQosOverridesError: the callback refused the profile.
        RuntimeError: a parameter holds a choice that does not exist.
        InvalidParameterTypeException: a parameter is of another type.
    """
    qos = copy.copy(qos)
    suffix = "" if options.entity_id is None else f"_{options.entity_id}"
    for kind in options.policy_kinds:
        if kind is QoSPolicyKind.LIFESPAN and end == "subscription":
            continue
        policy = kind.name.lower()
        name = f"qos_overrides.{topic}.{end}{suffix}.{policy}"
        description = f"{policy} for {end} `{topic}` with id `{options.entity_id}`"
        descriptor = ParameterDescriptor(description=description, read_only=True)
        try:
            value = node.declare_parameter(name, _to_parameter(qos, kind), descriptor).value
        except ParameterAlreadyDeclaredException:
            value = node.get_parameter(name).value
        setattr(qos, policy, _from_parameter(kind, value))
    if options.callback is not None and not (result := options.callback(qos)).successful:
        raise InvalidQosOverridesError(f"Provided QoS overrides for {end} '{topic}' are not valid: {result.reason}")
    return qos


def _to_parameter(qos: QoSProfile, kind: QoSPolicyKind) -> Any:
    value = getattr(qos, kind.name.lower())
    if kind in _DURATIONS:
        return value.nanoseconds
    if kind not in _CHOICES:
        return value
    if value.name == "UNKNOWN":
        raise ValueError("User provided QoS profile is invalid")
    return value.name.lower()


def _from_parameter(kind: QoSPolicyKind, value: Any) -> Any:
    if kind in _DURATIONS:
        return Duration(nanoseconds=value)
    if kind not in _CHOICES:
        return value
    try:
        return _CHOICES[kind][value.upper()]
    except KeyError:
        raise RuntimeError(f"Unexpected QoS override for policy `{kind.name.lower()}`: `{value}`") from None
