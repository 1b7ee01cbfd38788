"""Spans of time."""

from typing import Any

S_TO_NS = 1000 * 1000 * 1000
INT64_RANGE = range(-(2**63), 2**63)


class Duration:
    """A span of time in nanoseconds, as long as 64 bits hold."""

    def __init__(self, *, seconds: float = 0, nanoseconds: int = 0) -> None:
        total = int(seconds * S_TO_NS) + int(nanoseconds)
        if total not in INT64_RANGE:
            raise OverflowError("Total nanoseconds value is too large to store in C duration.")
        self._nanoseconds = total

    @property
    def nanoseconds(self) -> int:
        """The whole span in nanoseconds."""
        return self._nanoseconds

    def __repr__(self) -> str:
        return f"Duration(nanoseconds={self.nanoseconds})"

    def __str__(self) -> str:
        return "Infinite" if self.nanoseconds == Infinite.nanoseconds else f"{self.nanoseconds} nanoseconds"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Duration):
            raise TypeError(f"Can't compare duration with object of type: {type(other)}")
        return self.nanoseconds == other.nanoseconds

    def __hash__(self) -> int:
        return hash(self.nanoseconds)

    def __lt__(self, other: "Duration") -> bool:
        return self.nanoseconds < other.nanoseconds if isinstance(other, Duration) else NotImplemented

    def __le__(self, other: "Duration") -> bool:
        return self.nanoseconds <= other.nanoseconds if isinstance(other, Duration) else NotImplemented

    def __gt__(self, other: "Duration") -> bool:
        return self.nanoseconds > other.nanoseconds if isinstance(other, Duration) else NotImplemented

    def __ge__(self, other: "Duration") -> bool:
        return self.nanoseconds >= other.nanoseconds if isinstance(other, Duration) else NotImplemented

    def to_msg(self) -> Any:
        """Return it as ``builtin_interfaces/Duration``."""
        from builtin_interfaces.msg import Duration as DurationMessage

        seconds, nanoseconds = divmod(self.nanoseconds, S_TO_NS)
        return DurationMessage(sec=seconds, nanosec=nanoseconds)

    @classmethod
    def from_msg(cls, msg: Any) -> "Duration":
        """Return the span that a ``builtin_interfaces/Duration`` holds."""
        return cls(nanoseconds=msg.sec * S_TO_NS + msg.nanosec)

    def get_c_duration(self) -> int:
        """Return the nanoseconds."""
        return self.nanoseconds


Infinite = Duration(nanoseconds=2**63 - 1)
