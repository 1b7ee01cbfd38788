"""Points in time."""

from typing import Any, overload

from rclpy.clock_type import ClockType
from rclpy.duration import INT64_RANGE, S_TO_NS, Duration


class Time:
    """A point in time of one kind of clock, in nanoseconds; not negative.

    Raises:
        ValueError: seconds or nanoseconds are negative.
        OverflowError: more than 64 bits hold.
    """

    def __init__(
        self, *, seconds: float = 0, nanoseconds: int = 0, clock_type: ClockType = ClockType.SYSTEM_TIME
    ) -> None:
        if not isinstance(clock_type, ClockType):
            raise TypeError("Clock type must be a ClockType enum")
        if seconds < 0:
            raise ValueError("Seconds value must not be negative")
        if nanoseconds < 0:
            raise ValueError("Nanoseconds value must not be negative")
        total = int(seconds * S_TO_NS) + int(nanoseconds)
        if total not in INT64_RANGE:
            raise OverflowError("Total nanoseconds value is too large to store in C time point.")
        self._nanoseconds = total
        self._clock_type = clock_type

    @property
    def nanoseconds(self) -> int:
        """Nanoseconds since the epoch of the clock."""
        return self._nanoseconds

    @property
    def clock_type(self) -> ClockType:
        """The kind of clock that it was read from."""
        return self._clock_type

    def seconds_nanoseconds(self) -> tuple[int, int]:
        """Return whole seconds and the rest in nanoseconds."""
        return divmod(self._nanoseconds, S_TO_NS)

    def __repr__(self) -> str:
        return f"Time(nanoseconds={self.nanoseconds}, clock_type={self.clock_type.name})"

    def __add__(self, other: Duration) -> "Time":
        if not isinstance(other, Duration):
            return NotImplemented
        try:
            return Time(nanoseconds=self.nanoseconds + other.nanoseconds, clock_type=self.clock_type)
        except OverflowError as error:
            raise OverflowError("Addition leads to overflow in C storage.") from error

    __radd__ = __add__

    @overload
    def __sub__(self, other: "Time") -> Duration: ...

    @overload
    def __sub__(self, other: Duration) -> "Time": ...

    def __sub__(self, other: "Time | Duration") -> "Time | Duration":
        if isinstance(other, Time):
            self._same_clock(other, "Can't subtract times with different clock types")
            return Duration(nanoseconds=self.nanoseconds - other.nanoseconds)
        if not isinstance(other, Duration):
            return NotImplemented
        try:
            return Time(nanoseconds=self.nanoseconds - other.nanoseconds, clock_type=self.clock_type)
        except ValueError as error:
            raise ValueError("Subtraction leads to negative time") from error

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Time):
            raise TypeError(f"Can't compare time with object of type: {type(other)}")
        self._same_clock(other, "Can't compare times with different clock types")
        return self.nanoseconds == other.nanoseconds

    def __hash__(self) -> int:
        return hash((self.nanoseconds, self.clock_type))

    def __lt__(self, other: "Time") -> bool:
        return self._compare(other) < 0 if isinstance(other, Time) else NotImplemented

    def __le__(self, other: "Time") -> bool:
        return self._compare(other) <= 0 if isinstance(other, Time) else NotImplemented

    def __gt__(self, other: "Time") -> bool:
        return self._compare(other) > 0 if isinstance(other, Time) else NotImplemented

    def __ge__(self, other: "Time") -> bool:
        return self._compare(other) >= 0 if isinstance(other, Time) else NotImplemented

    def _compare(self, other: "Time") -> int:
        self._same_clock(other, "Can't compare times with different clock types")
        return self.nanoseconds - other.nanoseconds

    def _same_clock(self, other: "Time", complaint: str) -> None:
        if self.clock_type != other.clock_type:
            raise TypeError(complaint)

    def to_msg(self) -> Any:
        """Return it as ``builtin_interfaces/Time``."""
        from builtin_interfaces.msg import Time as TimeMessage

        seconds, nanoseconds = self.seconds_nanoseconds()
        return TimeMessage(sec=seconds, nanosec=nanoseconds)

    @classmethod
    def from_msg(cls, msg: Any, clock_type: ClockType = ClockType.ROS_TIME) -> "Time":
        """Return the time that a ``builtin_interfaces/Time`` holds."""
        return cls(nanoseconds=msg.sec * S_TO_NS + msg.nanosec, clock_type=clock_type)
