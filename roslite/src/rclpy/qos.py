"""Quality of service: how publishers and subscriptions treat their messages."""

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Any, NamedTuple

from rclpy.duration import Duration, Infinite


class QoSPolicyKind(IntEnum):
    """The policies, as events and parameters name them."""

    INVALID = 1
    DURABILITY = 2
    DEADLINE = 4
    LIVELINESS = 8
    RELIABILITY = 16
    HISTORY = 32
    LIFESPAN = 64
    DEPTH = 128
    LIVELINESS_LEASE_DURATION = 256
    AVOID_ROS_NAMESPACE_CONVENTIONS = 512


def qos_policy_name_from_kind(policy_kind: QoSPolicyKind | int) -> str:
    """Return the name of a policy."""
    return QoSPolicyKind(policy_kind).name


def policy_kind_from_dds(number: int) -> QoSPolicyKind:
    """Return the policy that DDS knows by a number; INVALID for those that ROS does not have."""
    kinds = {
        2: QoSPolicyKind.DURABILITY,
        4: QoSPolicyKind.DEADLINE,
        8: QoSPolicyKind.LIVELINESS,
        11: QoSPolicyKind.RELIABILITY,
    }
    return kinds.get(number, QoSPolicyKind.INVALID)


class InvalidQoSProfileException(Exception):  # noqa: N818 - ROS 2's name
    """A profile lacks what it must have."""

    def __init__(self, *args: object) -> None:
        super().__init__("Invalid QoSProfile", *args)


class QoSPolicyEnum(IntEnum):
    """Base of the policies that are a choice; they can be named by short keys, as on the command line."""

    @classmethod
    def short_keys(cls) -> list[str]:
        """Return the names of all choices."""
        return [policy.name.lower() for policy in cls]

    @classmethod
    def get_from_short_key(cls, name: str) -> "QoSPolicyEnum":
        """Return the choice that a short key names."""
        return cls[name.upper()]

    @property
    def short_key(self) -> str:
        """The short key of this choice."""
        return self.name.lower()


class HistoryPolicy(QoSPolicyEnum):
    """How many messages are kept."""

    SYSTEM_DEFAULT = 0
    KEEP_LAST = 1
    KEEP_ALL = 2
    UNKNOWN = 3


class ReliabilityPolicy(QoSPolicyEnum):
    """Whether lost messages are sent again."""

    SYSTEM_DEFAULT = 0
    RELIABLE = 1
    BEST_EFFORT = 2
    UNKNOWN = 3


class DurabilityPolicy(QoSPolicyEnum):
    """Whether who comes late gets the last messages."""

    SYSTEM_DEFAULT = 0
    TRANSIENT_LOCAL = 1
    VOLATILE = 2
    UNKNOWN = 3


class LivelinessPolicy(QoSPolicyEnum):
    """How a publisher shows that it is alive."""

    SYSTEM_DEFAULT = 0
    AUTOMATIC = 1
    MANUAL_BY_TOPIC = 3
    UNKNOWN = 4


QoSHistoryPolicy = HistoryPolicy
QoSReliabilityPolicy = ReliabilityPolicy
QoSDurabilityPolicy = DurabilityPolicy
QoSLivelinessPolicy = LivelinessPolicy

_UNSET = Duration()


class QoSProfile:
    """A set of policies.

    Args:
        history: how many messages are kept; KEEP_LAST if only ``depth`` is given.
        depth: how many messages KEEP_LAST keeps.
        reliability: RELIABLE by default.
        durability: VOLATILE by default.
        lifespan: how long a message is valid.
        deadline: the longest time expected between messages.
        liveliness: how a publisher shows that it is alive.
        liveliness_lease_duration: how long it may be silent.
        avoid_ros_namespace_conventions: use the topic name as it is, without ``rt/``.

    Raises:
        InvalidQoSProfileException: neither history nor depth is given, or KEEP_LAST without a depth.
    """

    __slots__ = (
        "avoid_ros_namespace_conventions",
        "deadline",
        "depth",
        "durability",
        "history",
        "lifespan",
        "liveliness",
        "liveliness_lease_duration",
        "reliability",
    )

    def __init__(self, **kwargs: Any) -> None:
        unknown = kwargs.keys() - set(self.__slots__)
        if unknown:
            raise AssertionError(f"Invalid arguments passed to constructor: {', '.join(sorted(unknown))}")
        if "history" not in kwargs:
            if "depth" not in kwargs:
                raise InvalidQoSProfileException("History and/or depth settings are required.")
            kwargs["history"] = HistoryPolicy.KEEP_LAST
        self.history = HistoryPolicy(kwargs["history"])
        if self.history is HistoryPolicy.KEEP_LAST and "depth" not in kwargs:
            raise InvalidQoSProfileException("History set to KEEP_LAST without a depth setting.")
        self.depth = int(kwargs.get("depth", 0))
        self.reliability = ReliabilityPolicy(kwargs.get("reliability", ReliabilityPolicy.RELIABLE))
        self.durability = DurabilityPolicy(kwargs.get("durability", DurabilityPolicy.VOLATILE))
        self.lifespan: Duration = kwargs.get("lifespan", _UNSET)
        self.deadline: Duration = kwargs.get("deadline", _UNSET)
        self.liveliness = LivelinessPolicy(kwargs.get("liveliness", LivelinessPolicy.SYSTEM_DEFAULT))
        self.liveliness_lease_duration: Duration = kwargs.get("liveliness_lease_duration", _UNSET)
        self.avoid_ros_namespace_conventions = bool(kwargs.get("avoid_ros_namespace_conventions", False))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QoSProfile):
            return False
        return all(getattr(self, slot) == getattr(other, slot) for slot in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"QoSProfile({', '.join(f'{slot}={getattr(self, slot)!r}' for slot in self.__slots__)})"

    def get_c_qos_profile(self) -> "QoSProfile":
        """Return the profile itself: there is no other form of it here."""
        return self


def _profile(depth: int, **kwargs: Any) -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, **kwargs)


qos_profile_system_default = QoSProfile(
    history=HistoryPolicy.SYSTEM_DEFAULT,
    depth=0,
    reliability=ReliabilityPolicy.SYSTEM_DEFAULT,
    durability=DurabilityPolicy.SYSTEM_DEFAULT,
)
qos_profile_sensor_data = _profile(5, reliability=ReliabilityPolicy.BEST_EFFORT)
qos_profile_services_default = _profile(10)
qos_profile_parameters = _profile(1000)
qos_profile_parameter_events = _profile(1000)
qos_profile_action_status_default = _profile(1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
qos_profile_rosout_default = _profile(1000, durability=DurabilityPolicy.TRANSIENT_LOCAL, lifespan=Duration(seconds=10))
qos_profile_default = _profile(10)


class QoSPresetProfiles(Enum):
    """The profiles that ROS 2 ships."""

    SYSTEM_DEFAULT = qos_profile_system_default
    SENSOR_DATA = qos_profile_sensor_data
    SERVICES_DEFAULT = qos_profile_services_default
    PARAMETERS = qos_profile_parameters
    PARAMETER_EVENTS = qos_profile_parameter_events
    ACTION_STATUS_DEFAULT = qos_profile_action_status_default
    DEFAULT = qos_profile_default

    @classmethod
    def short_keys(cls) -> list[str]:
        """Return the names of all profiles as they are written on the command line."""
        return [profile.name.lower() for profile in cls]

    @classmethod
    def get_from_short_key(cls, name: str) -> QoSProfile:
        """Return the profile that a short key names."""
        return cls[name.upper()].value


class QoSCompatibility(IntEnum):
    """Whether a publisher and a subscription can talk."""

    OK = 0
    WARNING = 1
    ERROR = 2


class QoSCheckCompatibleResult(NamedTuple):
    """Answer of :func:`qos_check_compatible`."""

    compatibility: QoSCompatibility
    reason: str


def qos_check_compatible(publisher_qos: QoSProfile, subscription_qos: QoSProfile) -> QoSCheckCompatibleResult:
    """Tell whether a publisher offers what a subscription asks for, and if not, why."""
    errors: list[str] = []
    warnings: list[str] = []

    def judge(is_error: bool, values: set[QoSPolicyEnum], text: str) -> None:
        if is_error:
            errors.append(f"ERROR: {text};")
        elif any(value.name in ("SYSTEM_DEFAULT", "UNKNOWN") for value in values):
            warnings.append(f"WARNING: {text}, depending on what is not known here;")

    offered, asked = publisher_qos.reliability, subscription_qos.reliability
    judge(
        offered is ReliabilityPolicy.BEST_EFFORT and asked is ReliabilityPolicy.RELIABLE,
        {offered, asked} if offered is not ReliabilityPolicy.RELIABLE and asked is not offered else set(),
        "Best effort publisher and reliable subscription",
    )
    kept, wanted = publisher_qos.durability, subscription_qos.durability
    judge(
        kept is DurabilityPolicy.VOLATILE and wanted is DurabilityPolicy.TRANSIENT_LOCAL,
        {kept, wanted} if kept is not DurabilityPolicy.TRANSIENT_LOCAL and wanted is not kept else set(),
        "Volatile publisher and transient local subscription",
    )
    for name in ("deadline", "liveliness_lease_duration"):
        offer, demand = getattr(publisher_qos, name), getattr(subscription_qos, name)
        if demand.nanoseconds and (not offer.nanoseconds or offer > demand):
            errors.append(f"ERROR: Subscription {name} is less than publisher {name};")
    if (
        publisher_qos.liveliness is LivelinessPolicy.AUTOMATIC
        and subscription_qos.liveliness is LivelinessPolicy.MANUAL_BY_TOPIC
    ):
        errors.append("ERROR: Publisher's liveliness is automatic and subscription's is manual by topic;")
    if errors:
        return QoSCheckCompatibleResult(QoSCompatibility.ERROR, "".join(errors + warnings))
    return QoSCheckCompatibleResult(QoSCompatibility.WARNING if warnings else QoSCompatibility.OK, "".join(warnings))


def resolve(qos: QoSProfile | int, *, allow_depth: bool = True) -> QoSProfile:
    """Return the profile that a depth stands for; a profile is returned as it is.

    Raises:
        TypeError: it is neither.
        ValueError: a negative depth.
    """
    if isinstance(qos, QoSProfile):
        return qos
    if not isinstance(qos, int) or isinstance(qos, bool):
        raise TypeError(f"Expected QoSProfile or int, but received {type(qos)!r}")
    if qos < 0:
        raise ValueError("history depth must be greater than or equal to zero")
    return QoSProfile(depth=qos)


def to_dds(profile: QoSProfile) -> Any:
    """Return a profile as DDS policies, mapped as ROS 2's middlewares map it."""
    from cyclonedds.qos import Policy, Qos

    infinite = Infinite.nanoseconds
    depth = profile.depth or 1
    keeps_all = profile.history is HistoryPolicy.KEEP_ALL
    history = Policy.History.KeepAll if keeps_all else Policy.History.KeepLast(depth)
    best_effort = profile.reliability is ReliabilityPolicy.BEST_EFFORT
    late_joiners = profile.durability is DurabilityPolicy.TRANSIENT_LOCAL
    lease = profile.liveliness_lease_duration.nanoseconds or infinite
    manual = profile.liveliness is LivelinessPolicy.MANUAL_BY_TOPIC
    return Qos(
        Policy.Reliability.BestEffort if best_effort else Policy.Reliability.Reliable(infinite),
        Policy.Durability.TransientLocal if late_joiners else Policy.Durability.Volatile,
        Policy.DurabilityService(0, history, -1, -1, -1),
        history,
        Policy.Deadline(profile.deadline.nanoseconds or infinite),
        Policy.Lifespan(profile.lifespan.nanoseconds or infinite),
        Policy.Liveliness.ManualByTopic(lease) if manual else Policy.Liveliness.Automatic(lease),
        Policy.WriterDataLifecycle(False),
        Policy.DataRepresentation(use_cdrv0_representation=True),
    )


def from_dds(qos: Any) -> QoSProfile:
    """Return the profile that the discovered DDS policies of an endpoint stand for."""
    policies: Mapping[str, Any] = {policy.__scope__: policy for policy in qos}
    name = {scope: type(policy).__name__ for scope, policy in policies.items()}
    history = policies.get("History")
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST if hasattr(history, "depth") else HistoryPolicy.UNKNOWN,
        depth=getattr(history, "depth", 0),
        reliability=ReliabilityPolicy.RELIABLE if "Reliable" in name.get("Reliability", "") else 2,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if "Transient" in name.get("Durability", "") else 2,
        lifespan=_duration(policies.get("Lifespan"), "lifespan"),
        deadline=_duration(policies.get("Deadline"), "deadline"),
        liveliness=LivelinessPolicy.MANUAL_BY_TOPIC if "Topic" in name.get("Liveliness", "") else 1,
        liveliness_lease_duration=_duration(policies.get("Liveliness"), "lease_duration"),
    )


def _duration(policy: Any, attribute: str) -> Duration:
    nanoseconds = getattr(policy, attribute, None)
    return Infinite if nanoseconds is None or nanoseconds >= Infinite.nanoseconds else Duration(nanoseconds=nanoseconds)
