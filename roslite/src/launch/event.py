"""Events: what happens while a launch runs, and what event handlers react to."""


class Event:
    """Base of all events."""

    name = "launch.Event"
