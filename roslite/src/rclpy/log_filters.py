"""Which calls of a logger are heard: all, once, not the first, not too often."""

from typing import Any

from rclpy.clock import Clock

OPTIONS = {"throttle_duration_sec", "throttle_time_source_type", "skip_first", "once"}


class LogFilter:
    """What one line of a program wants of its log messages, and what it logged so far.

    Raises:
        TypeError: an option is unknown, or lacks another one.
    """

    def __init__(self, severity: int, name: str, options: dict[str, Any]) -> None:
        if unknown := options.keys() - OPTIONS:
            known = ", ".join(sorted(OPTIONS))
            raise TypeError(f"parameter '{min(unknown)}' is not one of the recognized logging options: {known}")
        self._severity, self._name, self._options = severity, name, options
        self._throttle_s: float | None = options.get("throttle_duration_sec")
        clock: Clock | None = options.get("throttle_time_source_type")
        if clock is not None and self._throttle_s is None:
            raise TypeError("required parameter 'throttle_duration_sec' not specified but needed to throttle")
        self._clock = clock or Clock()
        self._last_ns = 0
        self._skips = bool(options.get("skip_first"))
        self._is_done = False

    def check_unchanged(self, severity: int, name: str, options: dict[str, Any]) -> None:
        """Refuse that the same line logs otherwise than before.

        Raises:
            ValueError: it does.
        """
        if severity != self._severity:
            raise ValueError("Logger severity cannot be changed between calls.")
        if name != self._name:
            raise ValueError("Logger name cannot be changed between calls.")
        if options != self._options:
            raise ValueError("Logging filter parameters cannot be changed between calls.")

    def passes(self) -> bool:
        """Whether this call is heard."""
        if self._throttle_s:
            now = self._clock.now_ns()
            if now < self._last_ns + self._throttle_s * 1e9:
                return False
            self._last_ns = now
        if self._skips:
            self._skips = False
            return False
        if self._is_done:
            return False
        self._is_done = bool(self._options.get("once"))
        return True
