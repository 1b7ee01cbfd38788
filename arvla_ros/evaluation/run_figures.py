"""The figures of a recorded run: how regular, how old, how smooth, and what was held for which reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np

from arvla_ros.control.control_loop import Mode as StepMode
from arvla_ros.control.guard import Mode as GuardMode
from arvla_ros.evaluation.bag_run import BagRun
from arvla_ros.evaluation.run_tracks import AGES, Array, GuardTrack, ModeTrack, StepTrack, without_numbers
from arvla_ros.evaluation.summary import Spread

# Periods that differ by this share from the usual one spoil a third difference; those beyond so many are gaps.
_REGULAR, _GAP = 0.5, 5.0


def figures(run: BagRun) -> dict[str, Any]:
    """Return the figures as JSON holds them; None where the bag does not tell."""
    return {
        "bag": str(run.folder),
        "begin_s": run.begin_s,
        "end_s": run.end_s,
        "warnings": run.warnings,
        "instructions": [text for _, text in run.instructions],
        "messages": dict(sorted(run.counts.items())),
        "rates_hz": {topic: count / run.bag_s for topic, count in sorted(run.counts.items()) if run.bag_s > 0},
        "control": None if run.steps is None else _control(run.steps),
        "age_ms": _ages(run),
        "guard": None if run.guard is None else _guard(run.guard),
        "motion": _motion(run),
    }


def table(found: dict[str, Any]) -> str:
    """Return the figures as a table for people."""
    rows = [("recorded", f"{found['end_s'] - found['begin_s']:.1f} s of {found['bag']}")]
    control, guard, motion = found["control"], found["guard"], found["motion"]
    if control:
        rows.append(("control", f"{control['rate_hz']:.2f} Hz, {control['missed_ticks']} ticks missed"))
        rows.append(("inference", _spread(control["inference_ms"], "ms")))
        rows.append(("staleness", _spread(control["staleness_ms"], "ms")))
    rows += [(f"capture to {name.replace('_', ' ')}", _spread(found["age_ms"][name], "ms")) for name in AGES]
    if guard:
        rows.append(("refused", f"{guard['refused']} commands"))
        rows += [("limited", f"{count} x {what}") for what, count in guard["limited"].items()]
    if motion:
        rows.append(("speed sent", _spread(motion["speed_rad_s"], "rad/s")))
        rows.append(("jerk sent", _spread(motion["jerk_rad_s3"], "rad/s³")))
        rows.append(("behind the command", _spread(motion["tracking_error_rad"], "rad")))
    for who, part in (("guard", guard), ("expert", control)):
        for each in part["holds"] if part else ():
            what = f"{each['mode'].lower()} {each['count']} x, {each['seconds']:.1f} s"
            rows.append((who, f"{what}: {each['reason'] or 'no reason given'}"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def speed(track: GuardTrack) -> Array:
    """Return the first difference of the sent joints ``[n, 6]``, rad/s; NaN across gaps and at the start."""
    result = np.full((len(track.seconds), 6), np.nan)
    periods = track.periods()[:, None]
    if len(periods):
        whole = (periods > 0) & (periods < _GAP * np.median(periods))
        result[1:] = np.diff(track.sent[:, :6], axis=0) / np.where(whole, periods, np.nan)
    return result


def jerk(track: GuardTrack) -> Array:
    """Return the third difference of the sent joints ``[n, 6]``, rad/s³; NaN where they were not sent regularly."""
    result = np.full((len(track.seconds), 6), np.nan)
    periods = track.periods()
    usual = float(np.median(periods)) if len(periods) else 0.0
    if len(periods) >= 3 and usual > 0:
        regular = np.abs(periods - usual) < _REGULAR * usual
        whole = np.all(np.lib.stride_tricks.sliding_window_view(regular, 3), axis=1, keepdims=True)
        result[3:] = np.where(whole, np.diff(track.sent[:, :6], 3, axis=0) / usual**3, np.nan)
    return result


def largest(values: Array) -> Array:
    """Return the largest magnitude of each row ``[n, k]``; NaN where a row has none."""
    magnitude = np.abs(values)
    return np.where(np.isnan(magnitude).all(axis=1), np.nan, np.nan_to_num(magnitude).max(axis=1))


def holds(track: ModeTrack, names: type[GuardMode] | type[StepMode], running: set[int]) -> list[dict[str, Any]]:
    """Return, by mode and kind of reason, how often and how long it was not running as usual; the longest first."""
    counts: Counter[tuple[int, str]] = Counter()
    seconds: dict[tuple[int, str], float] = {}
    said: dict[tuple[int, str], str] = {}
    for span in track.spans():
        if span.mode not in running:
            key = (span.mode, without_numbers(span.reason))
            counts[key] += 1
            seconds[key] = seconds.get(key, 0.0) + span.end_s - span.begin_s
            said.setdefault(key, span.reason)
    return [
        {"mode": mode_name(names, key[0]), "reason": said[key], "count": counts[key], "seconds": spent}
        for key, spent in sorted(seconds.items(), key=lambda item: -item[1])
    ]


def mode_name(names: type[GuardMode] | type[StepMode], mode: int) -> str:
    """Return the name of a mode, also of one that this version does not know."""
    return names(mode).name if mode in list(names) else f"MODE {mode}"


def _control(steps: StepTrack) -> dict[str, Any]:
    periods = steps.periods()
    usual = float(np.median(periods)) if len(periods) else 0.0
    return {
        "steps": len(steps.seconds),
        "rate_hz": 1.0 / usual if usual > 0 else 0.0,
        "jitter_ms": _of(np.abs(periods - usual) * 1e3),
        "missed_ticks": int(steps.missed[-1] - steps.missed[0]),
        "inference_ms": _of(steps.inference * 1e3),
        "staleness_ms": _of(steps.staleness * 1e3),
        "holds": holds(steps, StepMode, {StepMode.NORMAL}),
    }


def _ages(run: BagRun) -> dict[str, Any]:
    """Return the age budget: from the guard, who knows all of it, else from the action expert."""
    tracks = [track for track in (run.guard, run.steps) if track is not None]
    found: dict[str, Any] = {}
    for column, name in enumerate(AGES):
        spreads = [_of(track.ages[:, column] * 1e3) for track in tracks]
        found[name] = next((spread for spread in spreads if spread is not None), None)
    return found


def _guard(guard: GuardTrack) -> dict[str, Any]:
    periods = guard.periods()
    usual = float(np.median(periods)) if len(periods) else 0.0
    limited = Counter(what for limits in guard.limited for what in limits)
    return {
        "cycles": len(guard.seconds),
        "rate_hz": 1.0 / usual if usual > 0 else 0.0,
        "jitter_ms": _of(np.abs(periods - usual) * 1e3),
        "refused": int(guard.refused[-1] - guard.refused[0]),
        "limited": dict(limited.most_common()),
        "dry_run": guard.dry_run,
        "holds": holds(guard, GuardMode, {GuardMode.ACTIVE}),
    }


def _motion(run: BagRun) -> dict[str, Any] | None:
    guard = run.guard
    if guard is None or not np.isfinite(guard.sent).any():
        return None
    # Of the joint that has the most of it, at each message: those at rest would hide the others.
    return {
        "speed_rad_s": _of(largest(speed(guard))),
        "jerk_rad_s3": _of(largest(jerk(guard))),
        "changed_by_guard_rad": _of(largest((guard.sent - guard.requested)[:, :6])),
        "tracking_error_rad": _tracking_error(run),
    }


def _tracking_error(run: BagRun) -> dict[str, float] | None:
    """Return how far the joints were from what had been sent last, when they were measured."""
    if run.guard is None or run.joints is None:
        return None
    last = np.searchsorted(run.guard.seconds, run.joints.seconds, side="right") - 1
    sent = run.guard.sent[last.clip(0), :6]
    sent[last < 0] = np.nan
    return _of(largest(run.joints.positions[:, :6] - sent))


def _of(values: Array) -> dict[str, float] | None:
    known = values[np.isfinite(values)]
    return asdict(Spread.of(known)) if len(known) else None


def _spread(values: dict[str, float] | None, unit: str) -> str:
    if values is None:
        return "not told"
    return f"p50 {values['p50']:.3g} {unit}, p99 {values['p99']:.3g} {unit}, max {values['max']:.3g} {unit}"
