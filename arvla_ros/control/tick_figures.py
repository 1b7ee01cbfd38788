"""What the ticks of the last while were like: jitter, inference, ages."""

from __future__ import annotations

from collections import deque

import numpy as np

from arvla_ros.control.control_loop import StepResult

_KEPT = 1500


class TickFigures:
    """Keeps the figures of the last 1500 ticks: half a minute at 50 Hz."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[float]] = {
            name: deque(maxlen=_KEPT)
            for name in ("jitter_ms", "inference_ms", "staleness_s", "ready_age_s", "first_used_s")
        }

    def add(self, result: StepResult) -> None:
        """Take note of a tick."""
        self._kept["jitter_ms"].append(result.tick.late_ns * 1e-6)
        if result.state.size:
            self._kept["inference_ms"].append(result.inference_s * 1e3)
        if result.held is not None:
            self._kept["staleness_s"].append(result.staleness_s)
            self._kept["ready_age_s"].append(result.held.ready_age_s)
            self._kept["first_used_s"].append(result.held.first_used_s)

    def figures(self) -> dict[str, str]:
        """Return median and 99th percentile of each as text; what has not been measured is left out."""
        return {
            f"{name}_p50_p99": "{:.3f}, {:.3f}".format(*np.percentile(values, (50, 99)))
            for name, values in self._kept.items()
            if values
        }
