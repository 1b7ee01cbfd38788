"""The figures of one run: success, control rate, jitter, refresh rate, staleness, latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arvla_ros.evaluation.run_log import RunLog, RunLogError, StepRecord


@dataclass(frozen=True)
class Spread:
    """Median, 99th percentile and maximum."""

    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float] | npt.NDArray[Any]) -> Spread:
        """Return the spread of one or more values."""
        p50, p99, highest = np.percentile(values, (50, 99, 100))
        return cls(float(p50), float(p99), float(highest))


@dataclass(frozen=True)
class Summary:
    """What a run achieved, measured within its episodes."""

    episodes: int
    successes: int
    control_rate_hz: float
    missed_ticks: int
    tick_jitter_ms: Spread
    refresh_rate_hz: float
    staleness_steps: Spread
    action_latency_ms: Spread
    capture_to_prefix_ms: Spread

    def table(self) -> str:
        """Return the figures as a table for people."""
        rows = (
            ("episodes", f"{self.episodes}"),
            ("successes", f"{self.successes}"),
            ("control rate", f"{self.control_rate_hz:.2f} Hz, {self.missed_ticks} ticks missed"),
            ("tick jitter", f"p50 {self.tick_jitter_ms.p50:.2f} ms, p99 {self.tick_jitter_ms.p99:.2f} ms"),
            ("prefix refresh", f"{self.refresh_rate_hz:.2f} Hz"),
            ("staleness", f"p50 {self.staleness_steps.p50:.0f} steps, p99 {self.staleness_steps.p99:.0f} steps"),
            ("action step", f"p50 {self.action_latency_ms.p50:.2f} ms, p99 {self.action_latency_ms.p99:.2f} ms"),
            (
                "capture to prefix",
                f"p50 {self.capture_to_prefix_ms.p50:.0f} ms, p99 {self.capture_to_prefix_ms.p99:.0f} ms",
            ),
        )
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def summarize(log: RunLog) -> Summary:
    """Return the figures of a run; steps and prefixes between episodes do not count.

    Raises:
        RunLogError: no episode was carried out, or one without steps or prefixes.
    """
    if not log.episodes:
        raise RunLogError("no episode was carried out")
    spans = [(episode.start_ns, episode.end_ns) for episode in log.episodes]
    by_episode = [[step for step in log.steps if start <= step.time_ns < end] for start, end in spans]
    prefixes = [prefix for prefix in log.prefixes if any(start <= prefix.received_ns < end for start, end in spans)]
    steps = [step for episode in by_episode for step in episode if step.staleness_steps >= 0]
    if not prefixes or min(len(episode) for episode in by_episode) < 2 or not steps:
        raise RunLogError("an episode without control steps or prefixes: a node did not run")
    total_s = sum(end - start for start, end in spans) * 1e-9
    periods_s = np.concatenate([_periods_s(episode) for episode in by_episode])
    return Summary(
        episodes=len(log.episodes),
        successes=sum(episode.success for episode in log.episodes),
        control_rate_hz=float(1.0 / periods_s.mean()),
        missed_ticks=sum(episode[-1].missed_ticks - episode[0].missed_ticks for episode in by_episode),
        tick_jitter_ms=Spread.of(np.abs(periods_s - 1.0 / log.control_rate_hz) * 1e3),
        refresh_rate_hz=len(prefixes) / total_s,
        staleness_steps=Spread.of([step.staleness_steps for step in steps]),
        action_latency_ms=Spread.of([step.inference_s * 1e3 for step in steps]),
        capture_to_prefix_ms=Spread.of([(prefix.received_ns - prefix.capture_ns) * 1e-6 for prefix in prefixes]),
    )


def _periods_s(steps: Sequence[StepRecord]) -> npt.NDArray[np.float64]:
    return np.diff([step.time_ns for step in steps]) * 1e-9
