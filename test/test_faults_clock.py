"""A ROS clock that jumps while the arm moves: a simulator is reset, a bag begins anew, a host is set right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fault_checks import assert_fault_stops_the_arm, assert_nodes_live, assert_within_limits
from fault_sources import CHECKPOINT, Prefixes, SimulatedClock
from fault_stack import Stack, stack_of

# A node with torch takes seconds to load, on a busy machine many.
pytestmark = pytest.mark.timeout(400)

JUMPS_S = (-3600.0, -10.0, -1.0, 1.0, 10.0, 3600.0)
COMMAND_TIMEOUT_S = 0.5


@pytest.fixture(scope="module")
def shared(module_ros_environment, tmp_path_factory) -> Iterator[Stack]:
    with stack_of(module_ros_environment, tmp_path_factory.mktemp("clock"), use_sim_time=True) as stack:
        yield stack


@pytest.fixture(scope="module")
def clock(shared: Stack) -> SimulatedClock:
    return SimulatedClock(shared.node)


@pytest.fixture(scope="module")
def prefixes(shared: Stack) -> Prefixes:
    return Prefixes(shared.node)


@pytest.fixture
def guarded(shared: Stack, clock: SimulatedClock) -> Stack:
    """A guard, and a source that commands it."""
    clock.running = True
    shared.keep("guard")
    if "guard" not in shared.processes:
        shared.start("guard", command_timeout_s=COMMAND_TIMEOUT_S)
    shared.begin()
    shared.swing.running = True
    return shared


@pytest.fixture
def stack(guarded: Stack, prefixes: Prefixes) -> Stack:
    """A guard, and an action expert with prefixes."""
    guarded.swing.running = False
    guarded.start("action_expert", checkpoint=CHECKPOINT)
    prefixes.running = True
    guarded.reset_expert()
    yield guarded
    prefixes.running = False


@pytest.mark.parametrize("by_s", JUMPS_S)
def test_a_clock_that_jumps_while_the_guard_moves_the_arm_brings_it_to_rest(guarded, clock, by_s):
    assert_fault_stops_the_arm(guarded, lambda: clock.jump(by_s), lambda: None, "clock", COMMAND_TIMEOUT_S)


@pytest.mark.parametrize("by_s", [-10.0, 10.0])
def test_a_clock_that_jumps_while_the_policy_runs_brings_the_arm_to_rest(stack, clock, by_s):
    assert_fault_stops_the_arm(stack, lambda: clock.jump(by_s), lambda: None, "clock|s old", COMMAND_TIMEOUT_S)


def test_a_clock_that_stands_still_and_goes_on_moves_nothing_too_fast(guarded, clock):
    guarded.arm_and_move()
    clock.running = False
    guarded.watch(1.0)
    clock.running = True
    guarded.watch(0.5)
    assert_within_limits(guarded.arm.record)
    assert_nodes_live(guarded)
