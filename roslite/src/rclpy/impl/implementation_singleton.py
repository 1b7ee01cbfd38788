"""The errors that ROS 2's C library raises, at the place where programs look for them."""


class RCLError(RuntimeError):
    """A call that is not allowed in the present state."""


class InvalidHandle(RuntimeError):  # noqa: N818 - ROS 2's name
    """An entity was used after it was destroyed."""


class UnsupportedEventTypeError(RCLError):
    """An event was asked for that the middleware does not tell of."""


class RCLInvalidROSArgsError(RCLError):
    """An argument after ``--ros-args`` makes no sense."""


class UnknownROSArgsError(RuntimeError):
    """An argument after ``--ros-args`` is not one that ROS knows."""


class _Implementation:
    """Stands where rclpy has its C extension."""

    RCLError = RCLError
    InvalidHandle = InvalidHandle
    RCLInvalidROSArgsError = RCLInvalidROSArgsError
    UnknownROSArgsError = UnknownROSArgsError
    UnsupportedEventTypeError = UnsupportedEventTypeError


rclpy_implementation = _Implementation
