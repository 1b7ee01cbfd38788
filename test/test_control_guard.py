"""What the guard lets through, what it limits, and when it holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arvla_ros.control.guard import Guard, Mode
from arvla_ros.control.safety import JointLimits, SafetyFilter

PERIOD = 0.02
NAMES = ("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate")
LIMITS = JointLimits(NAMES, np.full(6, -2.0), np.full(6, 2.0), np.full(6, np.pi), 0.03, 0.074)
REST = np.zeros(6)
HOME = np.full(6, 0.3)


class Bench:
    """A guard whose arm follows exactly, on a clock that the test turns."""

    def __init__(self) -> None:
        self.guard = Guard(SafetyFilter(LIMITS), HOME, 0.06)
        self.now = 0.0
        self.joints = REST
        self.sent: list[np.ndarray] = []
        self.guard.on_state(self.joints, 0.05, self.now)

    def cycles(self, count: int, state: bool = True):
        for _ in range(count):
            self.now += PERIOD
            if state:
                self.guard.on_state(self.joints, 0.05, self.now)
            cycle = self.guard.cycle(self.now)
            if cycle.sent is not None:
                self.joints = cycle.sent
                self.sent.append(cycle.sent)
        return cycle

    def command(self, target, source: str = "action_expert", gripper: float = 0.05, age: float = 0.0) -> str:
        return self.guard.on_command(source, np.asarray(target, dtype=float), gripper, self.now - age, self.now)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_nothing_is_sent_before_it_is_armed(bench):
    assert "not armed" in bench.command(np.full(6, 0.1))
    assert bench.cycles(10).sent is None
    assert bench.guard.refused == 1


def test_it_cannot_be_armed_without_joint_states():
    guard = Guard(SafetyFilter(LIMITS), HOME, 0.06)
    assert guard.enable(0.0) == (False, "no joint states yet: is the driver running?")


def test_an_armed_source_reaches_its_target(bench):
    bench.guard.enable(bench.now)
    assert bench.command(np.full(6, 0.1)) == ""
    cycle = bench.cycles(11)
    np.testing.assert_allclose(cycle.sent, 0.1, atol=1e-9)
    assert (cycle.mode, cycle.source) == (Mode.ACTIVE, "action_expert")


def test_a_stream_of_targets_is_followed_at_an_even_speed(bench):
    bench.guard.enable(bench.now)
    for k in range(20):
        bench.command(np.full(6, 0.02 * k))
        bench.cycles(5)
    speeds = np.diff([sent[0] for sent in bench.sent[20:]])
    np.testing.assert_allclose(speeds, 0.02 / 5, atol=1e-9)


def test_a_second_source_is_refused_while_one_is_armed(bench):
    bench.guard.enable(bench.now)
    bench.command(np.full(6, 0.1), "teleop")
    assert "'teleop' is" in bench.command(np.full(6, -0.1), "action_expert")
    np.testing.assert_allclose(bench.cycles(11).sent, 0.1, atol=1e-9)


def test_a_command_with_an_old_stamp_is_refused(bench):
    bench.guard.enable(bench.now)
    bench.command(np.full(6, 0.1))
    bench.cycles(1)
    assert "not newer" in bench.command(np.full(6, -0.1), age=0.1)


def test_a_command_that_was_long_on_its_way_is_refused(bench):
    bench.guard.enable(bench.now)
    assert bench.command(np.full(6, 0.1), age=0.6) == "command is 0.60 s old"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_command_that_is_not_finite_holds_until_armed_again(bench, bad):
    bench.guard.enable(bench.now)
    bench.command(np.full(6, 0.1))
    bench.cycles(3)
    assert "not finite" in bench.command([0, 0, bad, 0, 0, 0])
    assert "not finite" in bench.cycles(5).reason
    assert bench.command(np.full(6, 0.1)) != ""
    assert bench.guard.enable(bench.now)[0]
    assert bench.command(np.full(6, 0.1)) == ""


def test_silence_holds_smoothly_and_stays_so(bench):
    bench.guard.enable(bench.now)
    bench.command(np.full(6, 0.1))
    cycle = bench.cycles(40)
    assert cycle.mode is Mode.HOLD
    assert "no command from 'action_expert'" in cycle.reason
    assert "not armed" in bench.command(np.full(6, 0.2))
    assert bench.cycles(10).sent is not None, "torque stays on: the last safe pose is sent on"


def test_joint_states_that_stop_hold(bench):
    bench.guard.enable(bench.now)
    for _ in range(8):
        bench.command(np.full(6, 0.1))
        cycle = bench.cycles(5, state=False)
    assert cycle.mode is Mode.HOLD
    assert "no joint states" in cycle.reason


def test_a_failed_bus_read_holds_and_is_not_taken_for_a_pose(bench):
    bench.guard.enable(bench.now)
    bench.command(np.full(6, 0.1))
    bench.cycles(11)
    bench.guard.on_state(np.full(6, -np.pi), 0.05, bench.now)
    cycle = bench.cycles(20)
    assert cycle.mode is Mode.HOLD
    assert "failed bus read" in cycle.reason
    np.testing.assert_allclose(cycle.sent, 0.1, atol=1e-3)


def test_holding_brakes_within_limits_instead_of_stopping_dead(bench):
    bench.guard.enable(bench.now)
    for k in range(6):
        bench.command(np.full(6, 0.2 * (k + 1)))
        bench.cycles(5)
    moving = bench.sent[-1] - bench.sent[-2]
    bench.guard.disable("stopped by hand")
    bench.cycles(10)
    steps = np.diff([sent[0] for sent in bench.sent[-11:]])
    assert 0 < steps[0] < moving[0]
    assert np.all(np.diff(steps) <= 0)
    assert steps[-1] < 1e-4


def test_the_estop_stops_at_once_and_is_latched(bench):
    bench.guard.enable(bench.now)
    for k in range(6):
        bench.command(np.full(6, 0.2 * (k + 1)))
        bench.cycles(5)
    before = bench.sent[-1]
    bench.guard.set_estop(True)
    assert bench.cycles(3).mode is Mode.ESTOP
    np.testing.assert_array_equal(bench.sent[-1], before)
    assert bench.guard.enable(bench.now)[0] is False
    bench.guard.set_estop(False)
    bench.command(np.full(6, 0.0))
    cycle = bench.cycles(5)
    assert cycle.mode is Mode.ESTOP
    np.testing.assert_array_equal(cycle.sent, before)
    assert bench.guard.enable(bench.now)[0]


def test_home_is_reached_slowly_and_then_held(bench):
    bench.guard.go_home(bench.now)
    cycle = bench.cycles(100)
    assert (cycle.mode, cycle.reason) == (Mode.HOLD, "home reached")
    np.testing.assert_allclose(cycle.sent, HOME, atol=1e-3)
    assert np.abs(np.diff([sent[0] for sent in bench.sent])).max() <= 0.8 * PERIOD + 1e-9


def test_armed_again_after_the_arm_was_moved_it_starts_where_the_arm_is(bench):
    bench.guard.enable(bench.now)
    bench.command(np.full(6, 0.1))
    bench.cycles(11)
    bench.guard.disable("stopped by hand")
    bench.cycles(40)
    bench.joints = np.full(6, 1.0)
    bench.guard.on_state(bench.joints, 0.05, bench.now)
    bench.guard.enable(bench.now)
    bench.command(np.full(6, 1.0))
    assert np.abs(bench.cycles(1).sent - 1.0).max() < 1e-9


def test_armed_again_while_the_arm_still_lags_behind_it_does_not_jump_back(bench):
    bench.guard.enable(bench.now)
    for k in range(6):
        bench.command(np.full(6, 0.2 * (k + 1)))
        bench.cycles(5)
    before = bench.sent[-1]
    bench.guard.on_state(before - 0.15, 0.05, bench.now)
    bench.guard.enable(bench.now)
    assert np.abs(bench.cycles(1).sent - before).max() <= np.pi * PERIOD


ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["command", "command", "command", "enable", "home", "estop", "release", "bus", "stop"]),
            st.lists(ANY_FLOAT, min_size=5, max_size=7),
            ANY_FLOAT,
            st.integers(1, 8),
        ),
        max_size=40,
    )
)
def test_whatever_is_asked_nothing_leaves_position_and_velocity_limits(events):
    bench = Bench()
    bench.guard.enable(bench.now)
    for kind, target, gripper, cycles in events:
        if kind == "command":
            bench.command(target, gripper=gripper)
        elif kind == "enable":
            bench.guard.enable(bench.now)
        elif kind == "home":
            bench.guard.go_home(bench.now)
        elif kind in ("estop", "release"):
            bench.guard.set_estop(kind == "estop")
        elif kind == "bus":
            bench.guard.on_state(np.full(6, -np.pi), 0.05, bench.now)
        cycle = bench.cycles(cycles, state=kind != "stop")
        assert LIMITS.gripper_lower <= cycle.sent_gripper <= LIMITS.gripper_upper
    sent = np.array([REST, REST, *bench.sent])
    assert np.all((sent >= LIMITS.lower) & (sent <= LIMITS.upper))
    assert np.abs(np.diff(sent, axis=0)).max() <= np.pi * PERIOD * (1 + 1e-6)
