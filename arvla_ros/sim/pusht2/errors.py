"""What PushT2 raises."""


class PushT2Error(ValueError):
    """PushT2 cannot run here, or was asked for something that it has not; the message says what to do."""
