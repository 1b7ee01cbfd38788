"""Clocks: of the system, steady, and of ROS, which a simulation may drive."""

import time
from threading import Event
from typing import TYPE_CHECKING

from rclpy.clock_jump import ClockChange, JumpHandle, JumpThreshold, PostJump, PreJump, TimeJump
from rclpy.clock_type import ClockType
from rclpy.duration import Duration
from rclpy.exceptions import NotInitializedException
from rclpy.time import Time

if TYPE_CHECKING:
    from rclpy.context import Context

__all__ = ["Clock", "ClockChange", "ClockType", "JumpHandle", "JumpThreshold", "ROSClock", "TimeJump"]

_SOURCE_CHANGES = (ClockChange.ROS_TIME_ACTIVATED, ClockChange.ROS_TIME_DEACTIVATED)


class Clock:
    """A clock; ``Clock(clock_type=ClockType.ROS_TIME)`` is a :class:`ROSClock`.

    Raises:
        TypeError: the type is not a :class:`ClockType`.
    """

    _clock_type: ClockType
    _jump_handles: list[JumpHandle]

    def __new__(cls, *, clock_type: ClockType = ClockType.SYSTEM_TIME) -> "Clock":
        """Make the kind of clock that is asked for."""
        if not isinstance(clock_type, ClockType):
            raise TypeError("Clock type must be a ClockType enum")
        self = super().__new__(ROSClock if clock_type is ClockType.ROS_TIME else cls)
        self._clock_type = clock_type
        self._jump_handles = []
        return self

    @property
    def clock_type(self) -> ClockType:
        """What this clock shows."""
        return self._clock_type

    def __repr__(self) -> str:
        return f"Clock(clock_type={self.clock_type.name})"

    def now(self) -> Time:
        """Return the present time."""
        return Time(nanoseconds=self.now_ns(), clock_type=self.clock_type)

    def now_ns(self) -> int:
        """Return the present time in nanoseconds."""
        return time.monotonic_ns() if self.clock_type is ClockType.STEADY_TIME else time.time_ns()

    def create_jump_callback(
        self, threshold: JumpThreshold, *, pre_callback: PreJump | None = None, post_callback: PostJump | None = None
    ) -> JumpHandle:
        """Call back when the time jumps, as it does where a simulation drives it.

        Args:
            threshold: which jumps count.
            pre_callback: is called before the new time is shown.
            post_callback: is called afterwards, with a :class:`TimeJump`.

        Returns:
            What ends it: by its ``unregister``, or as the context manager that it is.

        Raises:
            ValueError: no callback is given, or one cannot be called.
        """
        return JumpHandle(
            handles=self._jump_handles, threshold=threshold, pre_callback=pre_callback, post_callback=post_callback
        )

    def sleep_until(self, until: Time, context: "Context | None" = None) -> bool:
        """Sleep until a time on this clock.

        Returns:
            Whether it came; False if the context was shut down, or the source of ROS time changed, before.

        Raises:
            ValueError: the time is of another kind of clock.
            NotInitializedException: the context is not initialized.
        """
        from rclpy.utilities import get_default_context

        context = context or get_default_context()
        if not context.ok():
            raise NotInitializedException
        if until.clock_type != self.clock_type:
            raise ValueError("until's clock type does not match this clock's type")
        woken = Event()
        source_changes: list[TimeJump] = []

        def wake(jump: TimeJump) -> None:
            if jump.clock_change in _SOURCE_CHANGES:
                source_changes.append(jump)
            woken.set()

        threshold = JumpThreshold(min_forward=Duration(nanoseconds=1), min_backward=Duration(nanoseconds=-1))
        context.on_shutdown(woken.set)
        with self.create_jump_callback(threshold, post_callback=wake):
            while context.ok() and not source_changes and (remaining := until.nanoseconds - self.now_ns()) > 0:
                woken.wait(None if self._stands_still else remaining / 1e9)
                woken.clear()
        return context.ok() and not source_changes

    def sleep_for(self, rel_time: Duration, context: "Context | None" = None) -> bool:
        """Sleep for a while; what it returns and raises is that of :meth:`sleep_until`."""
        return self.sleep_until(self.now() + rel_time, context)

    @property
    def _stands_still(self) -> bool:
        """Whether time passes only when somebody sets it."""
        return False


class ROSClock(Clock):
    """The clock of ROS: the system's, or ``/clock`` where ``use_sim_time`` is set."""

    _override_ns = 0
    _is_active = False

    def __new__(cls) -> "ROSClock":
        """Make a clock that shows the system's time."""
        clock = Clock.__new__(Clock, clock_type=ClockType.ROS_TIME)
        assert isinstance(clock, ROSClock)
        return clock

    @property
    def ros_time_is_active(self) -> bool:
        """Whether ``/clock`` drives this clock."""
        return self._is_active

    _stands_still = ros_time_is_active

    def now_ns(self) -> int:
        """Return the present time in nanoseconds."""
        return self._override_ns if self._is_active else time.time_ns()

    def _set_ros_time_is_active(self, enabled: bool) -> None:
        if enabled == self._is_active:
            return
        change = ClockChange.ROS_TIME_ACTIVATED if enabled else ClockChange.ROS_TIME_DEACTIVATED
        jump = TimeJump(change, Duration())
        concerned = [handle for handle in self._jump_handles if handle.concerns(jump)]
        for handle in concerned:
            handle.before()
        self._is_active = enabled
        for handle in concerned:
            handle.after(jump)

    def set_ros_time_override(self, time: Time) -> None:
        """Set the time that the clock shows while ROS time is active.

        Raises:
            TypeError: it is not a :class:`rclpy.time.Time`.
        """
        if not isinstance(time, Time):
            raise TypeError(f"Time must be specified as rclpy.time.Time. Received type: {type(time)}")
        jump = TimeJump(ClockChange.ROS_TIME_NO_CHANGE, Duration(nanoseconds=time.nanoseconds - self._override_ns))
        concerned = [handle for handle in self._jump_handles if self._is_active and handle.concerns(jump)]
        for handle in concerned:
            handle.before()
        self._override_ns = time.nanoseconds
        for handle in concerned:
            handle.after(jump)
