"""What must hold whatever the fault is, checked on the commands that reached the driver."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from fault_arm import Record
from fault_stack import GUARD_PERIOD_S, Stack

from arvla_ros.msg import GuardState
from arvla_ros.robots import wx250s

# rad: commands travel as float32.
ROUNDING = 2e-6
# rad a cycle: less is rest.
REST = 1e-4
# Cycles may be shorter than the period: of so many, one has its full length.
CYCLES = 4
# The guard sends at 50 Hz; a pause of more than a few of its cycles is one that the arm notices ...
LONGEST_GAP_S, FEW_CYCLES = 0.1, 5
# ... unless the machine is so busy that there were no cycles; no longer than this, s ...
LONGEST_HANG_S = 2.0
# ... and from the first command of a hold to rest it takes at most this, s.
BRAKING_S = 0.6
# What a busy machine may add to any time, s, besides how late it has been seen to be.
SLACK_S = 0.5
# Nothing may move by itself for at least this long after a fault is over, s.
WATCHED_S = 0.5
HELD = (GuardState.MODE_HOLD, GuardState.MODE_ESTOP)


def assert_within_limits(record: Record, speed: float = wx250s.ARM_VELOCITY) -> None:
    """Everything that was sent lies within the limits of position and, in rad/s, of velocity."""
    joints = np.array([record.start, *record.joints])
    assert np.isfinite(joints).all(), "a command that is not finite, not for the arm, or of another length was sent"
    assert (joints >= wx250s.ARM_LOWER - ROUNDING).all(), joints.min(axis=0)
    assert (joints <= wx250s.ARM_UPPER + ROUNDING).all(), joints.max(axis=0)
    fastest = record.speeds.max(initial=0.0)
    assert fastest <= speed * GUARD_PERIOD_S + ROUNDING, f"a step of {fastest} rad"
    points = wx250s.extreme_points(joints)
    assert (points >= wx250s.WORKSPACE_LOWER - ROUNDING).all(), points.min(axis=(0, 1))
    assert (points <= wx250s.WORKSPACE_UPPER + ROUNDING).all(), points.max(axis=(0, 1))
    openings = np.array(record.openings)
    assert ((openings >= wx250s.OPENING_LOWER - ROUNDING) & (openings <= wx250s.OPENING_UPPER + ROUNDING)).all()


def assert_no_gap(stack: Stack) -> None:
    """Since the first command one came with every cycle of the guard, and cycles came all the time."""
    record = stack.arm.record
    cycles = np.array([at for at, _ in list(stack.guard_states)])
    for before, after in pairwise(list(record.times)):
        if after - before > LONGEST_GAP_S:
            silent = int(((cycles > before) & (cycles < after)).sum())
            assert silent <= FEW_CYCLES, f"{silent} cycles in {after - before:.3f} s, and none of them sent"
            allowed = LONGEST_HANG_S + record.longest_pause_s
            assert after - before <= allowed, f"no cycle for {after - before:.3f} s, allowed are {allowed:.3f} s"


def assert_smooth_hold(record: Record, first: int, began: float, within_s: float) -> None:
    """From command ``first`` on the arm only gets slower, and it is at rest in time after the fault began."""
    speeds, steps = record.speeds[first:], record.steps[first:]
    before = float(record.speeds[max(first - 10, 0) : first + 1].max())
    slower = np.array([max([before, *speeds[:CYCLES]]), *(speeds[k : k + CYCLES].max() for k in range(len(speeds)))])
    assert np.diff(slower).max(initial=0.0) <= REST + 0.02 * before, f"faster while holding: {speeds[:20]}"
    turned_back = np.abs(steps).sum(axis=0) - np.abs(steps.sum(axis=0))
    assert turned_back.max() <= 10 * REST, f"to and fro by {turned_back} rad while holding"
    velocity = before / GUARD_PERIOD_S
    way, allowed_way = speeds.sum(), 1.2 * velocity**2 / (2 * wx250s.ARM_ACCELERATION) + 5 * before + 10 * REST
    assert way <= allowed_way, f"{way:.3f} rad until at rest from {velocity:.2f} rad/s, allowed are {allowed_way:.3f}"
    moving = np.flatnonzero(speeds > REST)
    at_rest = record.times[min(first + (int(moving[-1]) + 1 if len(moving) else 0), len(record.times) - 1)]
    assert speeds[-1] <= REST, f"still moving by {speeds[-1]} rad a cycle"
    allowed = within_s + BRAKING_S + SLACK_S + record.longest_pause_s
    assert at_rest - began <= allowed, f"at rest after {at_rest - began:.2f} s, allowed are {allowed:.2f} s"


def assert_starts_gently(record: Record) -> None:
    """No joint gets faster at once, whatever the lengths of the guard's cycles were, which nobody but it knows."""
    steps = np.abs(record.steps)
    from_rest = CYCLES * wx250s.ARM_ACCELERATION * GUARD_PERIOD_S**2
    for k in range(1, len(steps)):
        allowed = 2.0 * steps[max(k - CYCLES, 0) : k].max(axis=0) + 1.1 * from_rest
        assert (steps[k] <= allowed).all(), f"a step of {steps[k]} rad after {steps[max(k - CYCLES, 0) : k]}"


def assert_nodes_live(stack: Stack) -> None:
    for name, process in stack.processes.items():
        assert process.alive, f"{name} died:\n{process.output[-3000:]}"
        assert "Traceback" not in process.output, f"{name}:\n{process.output[-3000:]}"


def assert_safe(stack: Stack, speed: float = wx250s.ARM_VELOCITY) -> None:
    """What holds at the end of every test in which the guard lives on."""
    assert_within_limits(stack.arm.record, speed)
    assert_starts_gently(stack.arm.record)
    assert_no_gap(stack)
    assert_nodes_live(stack)


def assert_fault_stops_the_arm(
    stack: Stack,
    fault: Callable[[], object],
    over: Callable[[], object],
    reason: str,
    within_s: float,
) -> None:
    """Move, let a fault happen and pass, and check all that must hold whatever it was.

    Args:
        stack: its guard is up; whoever commands it, does.
        fault: begins the fault.
        over: ends it: everything is as before.
        reason: a regular expression that the guard's state and diagnostics then show.
        within_s: time from the fault to the hold.
    """
    stack.arm_and_move()
    began = time.monotonic()
    fault()
    held = wait_for_hold(stack, began, reason)
    over()
    assert_stays_held(stack, reason)
    record = stack.arm.record
    assert_smooth_hold(record, _command_of(record, held), began, within_s)
    assert_safe(stack)
    stack.arm_and_move()
    assert_safe(stack)


def assert_goes_on(stack: Stack, speed: float = wx250s.ARM_VELOCITY) -> None:
    """Nothing of what happened has stopped the arm."""
    stack.watch(WATCHED_S)
    assert stack.guard_state is not None
    assert stack.guard_state.mode == GuardState.MODE_ACTIVE, stack.guard_state
    assert stack.moving()
    assert_safe(stack, speed)


def wait_for_hold(stack: Stack, since: float, reason: str) -> tuple[float, GuardState]:
    """Wait until the guard holds, and return when its first state that says so came, and the state."""

    def held() -> list[tuple[float, GuardState]]:
        return [(at, state) for at, state in stack.guard_states if at >= since and state.mode in HELD]

    stack.wait_for(held, f"a hold because of {reason!r}")
    first = held()[0]
    assert re.search(reason, first[1].reason), f"reason is {first[1].reason!r}, expected {reason!r}"
    return first


def assert_stays_held(stack: Stack, reason: str) -> None:
    """The fault is over, but nobody has armed again: the arm rests, and the reason stays readable."""
    since = time.monotonic()

    def diagnosed() -> list[str]:
        return [message for at, message in stack.diagnostics["guard"] if at > since]

    stack.watch(WATCHED_S)
    # One that was sent before the hold may still have been on its way.
    stack.wait_for(lambda: any(re.search(reason, said) for said in diagnosed()), f"{reason!r} in /diagnostics")
    state = stack.guard_state
    assert state is not None
    assert state.mode in HELD, state
    assert re.search(reason, state.reason), f"reason is {state.reason!r}, expected {reason!r}"


def _command_of(record: Record, held: tuple[float, GuardState]) -> int:
    """Return the index of the command that was sent in the same cycle as a state."""
    at, state = held
    sent = np.asarray(state.sent, dtype=np.float32).astype(np.float64)
    equal = [index for index, joints in enumerate(record.joints) if np.array_equal(joints, sent)]
    assert equal, f"the guard's state says it sent {sent}, the driver got nothing like it"
    return min(equal, key=lambda index: abs(record.times[index] - at))
