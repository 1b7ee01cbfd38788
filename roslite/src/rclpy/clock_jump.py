"""Jumps in time: what they are, which count, and who is told."""

from collections.abc import Callable
from enum import IntEnum
from types import TracebackType

from rclpy.duration import Duration

PreJump = Callable[[], None]
PostJump = Callable[["TimeJump"], None]


class ClockChange(IntEnum):
    """How the source of ROS time changed."""

    ROS_TIME_NO_CHANGE = 1
    ROS_TIME_ACTIVATED = 2
    ROS_TIME_DEACTIVATED = 3
    SYSTEM_TIME_NO_CHANGE = 4


class JumpThreshold:
    """Which jumps count.

    Args:
        min_forward: the shortest jump forward that counts; None if none does.
        min_backward: the shortest jump back that counts, a negative span; None if none does.
        on_clock_change: whether it counts that ``/clock`` begins or ends to drive the clock.

    Raises:
        ValueError: a span has the wrong sign, or no jump counts.
    """

    def __init__(
        self, *, min_forward: Duration | None, min_backward: Duration | None, on_clock_change: bool = True
    ) -> None:
        if min_forward is not None and min_forward.nanoseconds <= 0:
            raise ValueError("min_forward must be a positive non-zero duration")
        if min_backward is not None and min_backward.nanoseconds >= 0:
            raise ValueError("min_backward must be a negative non-zero duration")
        if min_forward is None and min_backward is None and not on_clock_change:
            raise ValueError("At least one jump threshold must be enabled")
        self.min_forward = min_forward
        self.min_backward = min_backward
        self.on_clock_change = on_clock_change


class TimeJump:
    """A jump: whether the source of time changed, and how far it went."""

    def __init__(self, clock_change: ClockChange, delta: Duration) -> None:
        if not isinstance(clock_change, ClockChange):
            raise TypeError("clock_change must be an instance of rclpy.clock.ClockChange")
        self._clock_change = clock_change
        self._delta = delta

    @property
    def clock_change(self) -> ClockChange:
        """How the source of time changed."""
        return self._clock_change

    @property
    def delta(self) -> Duration:
        """How far the time went; zero where its source changed."""
        return self._delta


class JumpHandle:
    """Callbacks for jumps of one clock; made by :meth:`rclpy.clock.Clock.create_jump_callback`."""

    def __init__(
        self,
        *,
        handles: "list[JumpHandle]",
        threshold: JumpThreshold,
        pre_callback: PreJump | None,
        post_callback: PostJump | None,
    ) -> None:
        if pre_callback is None and post_callback is None:
            raise ValueError("One of pre_callback or post_callback must be callable")
        for name, callback in (("pre_callback", pre_callback), ("post_callback", post_callback)):
            if callback is not None and not callable(callback):
                raise ValueError(f"{name} must be callable if given")
        self._handles = handles
        self._threshold = threshold
        self._pre_callback = pre_callback
        self._post_callback = post_callback
        handles.append(self)

    def concerns(self, jump: TimeJump) -> bool:
        """Whether a jump counts."""
        if jump.clock_change in (ClockChange.ROS_TIME_ACTIVATED, ClockChange.ROS_TIME_DEACTIVATED):
            return self._threshold.on_clock_change
        forward, backward = self._threshold.min_forward, self._threshold.min_backward
        return (forward is not None and jump.delta >= forward) or (backward is not None and jump.delta <= backward)

    def before(self) -> None:
        """Call what is to be called before the new time is shown."""
        if self._pre_callback is not None:
            self._pre_callback()

    def after(self, jump: TimeJump) -> None:
        """Call what is to be called afterwards."""
        if self._post_callback is not None:
            self._post_callback(jump)

    def unregister(self) -> None:
        """Call back no more."""
        if self in self._handles:
            self._handles.remove(self)

    def __enter__(self) -> "JumpHandle":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.unregister()
