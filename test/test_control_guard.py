"""What the guard lets through, what it limits, and when it holds."""

import numpy as np
import pytest

from arvla_ros.control.arbitration import Command
from arvla_ros.control.guard import Goal, Guard, Mode
from arvla_ros.control.joint_state_watch import Reading
from arvla_ros.control.safety import JointLimits, SafetyFilter

PERIOD = 0.02
ACCELERATION = 10.0
NAMES = ("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate")
LIMITS = JointLimits(NAMES, np.full(6, -2.0), np.full(6, 2.0), np.full(6, np.pi), 0.03, 0.074)
REST = np.zeros(6)
HOME = Goal("home", np.full(6, 0.3), 0.06)


class Bench:
    """A guard whose arm follows exactly, on a clock that the test turns."""

    def __init__(self) -> None:
        self.guard = Guard(SafetyFilter(LIMITS, acceleration=ACCELERATION), PERIOD)
        self.now = 0.0
        self.joints = REST
        self.sent: list[np.ndarray] = []
        self.guard.on_state(Reading(self.joints, 0.05), self.now)

    def cycles(self, count: int, state: bool = True):
        for _ in range(count):
            if state:
                self.guard.on_state(Reading(self.joints, 0.05), self.now)
            cycle = self.guard.cycle(self.now)
            if cycle.sent is not None:
                self.joints = cycle.sent
                self.sent.append(cycle.sent)
            self.now += PERIOD
        return cycle

    def command(
        self, target, source: str = "action_expert", gripper: float = 0.05, age: float = 0.0, problem: str = ""
    ) -> str:
        joints = None if problem else np.asarray(target, dtype=float)
        return self.guard.on_command(Command(source, joints, gripper, self.now - age, age, problem), self.now)

    def stream(self, targets, source: str = "action_expert", cycles: int = 5):
        for target in targets:
            assert self.command(target, source) == ""
            cycle = self.cycles(cycles)
        return cycle

    def speeds(self) -> np.ndarray:
        return np.diff(np.array([REST, *self.sent]), axis=0) / PERIOD


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def armed(bench) -> Bench:
    assert bench.guard.enable(bench.now) == (True, "armed")
    return bench


@pytest.fixture
def moving(armed) -> Bench:
    armed.stream(np.full((8, 6), 0.1) * np.arange(1, 9)[:, None])
    return armed


def test_nothing_is_sent_before_it_is_armed(bench):
    assert "not armed" in bench.command(np.full(6, 0.1))
    assert bench.cycles(10).sent is None
    assert bench.guard.arbiter.refused == {"not_armed": 1}


def test_it_cannot_be_armed_without_joint_states():
    guard = Guard(SafetyFilter(LIMITS), PERIOD)
    assert guard.enable(0.0) == (False, "no joint states yet: is the driver running?")


def test_it_cannot_be_armed_with_a_joint_beyond_its_limits(bench):
    bench.guard.on_state(Reading(np.array([0, 2.2, 0, 0, 0, 0]), 0.05), bench.now)
    done, message = bench.guard.enable(bench.now)
    assert not done
    assert message == "shoulder is measured at 2.20 rad, outside its limits -2.00 to 2.00: bring it inside by hand"


def test_an_armed_source_reaches_its_target(armed):
    assert armed.command(np.full(6, 0.1)) == ""
    cycle = armed.cycles(20)
    np.testing.assert_allclose(cycle.sent, 0.1, atol=1e-6)
    assert (cycle.mode, cycle.source) == (Mode.ACTIVE, "action_expert")


def test_a_target_is_never_overshot(armed):
    armed.command(np.full(6, 1.5))
    for _ in range(50):
        armed.cycles(1)
        armed.command(np.full(6, 1.5))
    assert np.max(armed.sent) <= 1.5 + 1e-9
    assert armed.sent[-1] == pytest.approx(np.full(6, 1.5), abs=1e-3)


def test_a_stream_of_targets_is_followed_at_an_even_speed(armed):
    armed.stream(0.02 * k * np.ones(6) for k in range(40))
    np.testing.assert_allclose(armed.speeds()[100:, 0], 0.2, rtol=1e-3)


def test_a_slow_stream_at_the_guards_own_rate_is_passed_on_within_a_few_milliseconds_of_motion(armed):
    ramp = 0.2 * PERIOD * np.arange(100)
    armed.stream((target * np.ones(6) for target in ramp), cycles=1)
    lag = (ramp[-1] - armed.sent[-1][0]) / 0.2
    assert lag < 1.5 * PERIOD


def test_no_joint_starts_or_stops_faster_than_its_acceleration(armed):
    armed.stream([np.full(6, 1.5), np.full(6, -1.5), np.full(6, 1.0)], cycles=20)
    armed.guard.disable("stopped by hand")
    armed.cycles(30)
    changes = np.diff(armed.speeds(), axis=0, prepend=np.zeros((1, 6)))
    assert np.abs(changes).max() <= ACCELERATION * PERIOD + 1e-9
    assert np.abs(armed.speeds()).max() > 1.0


def test_a_lowered_speed_limit_is_reached_by_braking(moving):
    before = moving.speeds()[-1, 0]
    assert before > 0.9
    moving.guard._safety.max_joint_velocity = 0.2
    moving.stream(moving.sent[-1] + 0.1 * k for k in range(1, 6))
    changes = np.diff(moving.speeds()[:, 0])
    assert np.abs(changes).max() <= ACCELERATION * PERIOD + 1e-9
    assert moving.speeds()[-1, 0] <= 0.2 + 1e-9


def test_a_second_source_is_refused_while_one_is_armed(armed):
    armed.command(np.full(6, 0.1), "replay")
    assert "'replay' is" in armed.command(np.full(6, -0.1), "action_expert")
    np.testing.assert_allclose(armed.cycles(25).sent, 0.1, atol=1e-6)


def test_a_source_that_is_not_allowed_is_refused(armed):
    armed.guard.arbiter.sources = ("teleop",)
    assert armed.command(REST) == "source 'action_expert' is none of teleop"


def test_teleop_takes_over_from_the_policy_which_does_not_get_it_back(moving):
    here = moving.sent[-1]
    assert moving.command(here - 0.1, "teleop") == ""
    assert "'teleop' is" in moving.command(here + 1.0, "action_expert")
    assert moving.cycles(20).source == "teleop"
    cycle = moving.cycles(20)
    assert cycle.mode is Mode.HOLD
    assert "no command from 'teleop'" in cycle.reason
    assert "not armed" in moving.command(here + 1.0, "action_expert")


def test_a_command_with_an_old_stamp_is_refused(armed):
    armed.command(np.full(6, 0.1))
    armed.cycles(1)
    assert "not newer" in armed.command(np.full(6, -0.1), age=0.1)


def test_a_command_that_was_long_on_its_way_is_refused(armed):
    assert armed.command(np.full(6, 0.1), age=0.6) == "command is 0.60 s old"


def test_a_command_from_the_future_is_refused(armed):
    assert armed.command(np.full(6, 0.1), age=-0.6) == "command is 0.60 s in the future"


def test_a_command_of_the_wrong_length_is_refused(armed):
    assert armed.command(np.zeros(7)) == "command has 7 joints, the arm has 6"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_command_that_is_not_finite_holds_until_armed_again(armed, bad):
    armed.command(np.full(6, 0.1))
    armed.cycles(3)
    assert "not finite" in armed.command([0, 0, bad, 0, 0, 0])
    assert "not finite" in armed.cycles(5).reason
    assert armed.command(np.full(6, 0.1)) != ""
    assert armed.guard.enable(armed.now)[0]
    assert armed.command(np.full(6, 0.1)) == ""


def test_a_pose_that_no_joints_reach_keeps_the_last_target_and_the_source(armed):
    armed.command(np.full(6, 0.1))
    for _ in range(10):
        armed.cycles(5)
        assert armed.command(REST, problem="out of reach") == ""
    cycle = armed.cycles(1)
    assert (cycle.mode, cycle.reason, cycle.limited) == (Mode.ACTIVE, "out of reach", ["unreachable"])
    np.testing.assert_allclose(cycle.sent, 0.1, atol=1e-6)


def test_silence_holds_smoothly_and_stays_so(armed):
    armed.command(np.full(6, 0.1))
    cycle = armed.cycles(40)
    assert cycle.mode is Mode.HOLD
    assert "no command from 'action_expert'" in cycle.reason
    assert "not armed" in armed.command(np.full(6, 0.2))
    assert armed.cycles(10).sent is not None, "torque stays on: the last safe pose is sent on"


def test_silence_of_commands_that_come_but_are_refused_says_why(armed):
    armed.command(np.full(6, 0.1))
    for _ in range(40):
        armed.cycles(1)
        armed.command(np.full(6, 0.1), age=-3.0)
    assert "the last one: command is 3.00 s in the future" in armed.guard.reason


def test_joint_states_that_stop_hold(armed):
    for _ in range(8):
        armed.command(np.full(6, 0.1))
        cycle = armed.cycles(5, state=False)
    assert cycle.mode is Mode.HOLD
    assert "no joint states" in cycle.reason


def test_joint_states_that_were_refused_are_the_reason_for_the_hold(armed):
    armed.command(np.full(6, 0.1))
    armed.guard.on_refused_state("joint state lacks elbow")
    for _ in range(8):
        armed.command(np.full(6, 0.1))
        cycle = armed.cycles(5, state=False)
    assert cycle.reason.endswith("; the last ones: joint state lacks elbow")


def test_a_command_that_is_too_old_is_called_so_also_after_newer_ones(armed):
    armed.command(np.full(6, 0.1))
    assert armed.command(np.full(6, 0.1), age=0.6) == "command is 0.60 s old"


def test_a_fault_of_the_joint_states_holds(armed):
    armed.command(np.full(6, 0.1))
    armed.cycles(20)
    armed.guard.on_fault("joint states read -pi for all joints: failed bus read")
    cycle = armed.cycles(20)
    assert cycle.mode is Mode.HOLD
    assert "failed bus read" in cycle.reason
    np.testing.assert_allclose(cycle.sent, 0.1, atol=1e-3)


def test_a_joint_that_does_not_follow_holds_where_the_arm_is(armed):
    stuck = Reading(REST, 0.05)
    for k in range(60):
        if armed.guard.mode is Mode.ACTIVE:
            armed.command(np.array([0, 0.02 * k, 0, 0, 0, 0]))
        armed.now += PERIOD
        armed.guard.on_state(stuck, armed.now)
        cycle = armed.guard.cycle(armed.now)
    assert cycle.mode is Mode.HOLD
    assert cycle.reason.startswith("shoulder does not follow: ")
    for _ in range(200):
        armed.now += PERIOD
        armed.guard.on_state(stuck, armed.now)
        cycle = armed.guard.cycle(armed.now)
    np.testing.assert_allclose(cycle.sent, REST, atol=1e-3)


def test_a_jump_of_the_clock_holds_and_later_stamps_are_taken_as_they_come(armed):
    armed.now = 100.0
    armed.guard.on_state(Reading(REST, 0.05), armed.now)
    armed.guard.cycle(armed.now)
    armed.command(np.full(6, 0.1))
    armed.guard.on_clock_jump("the ROS clock jumped by -50.00 s")
    assert armed.cycles(1).mode is Mode.HOLD
    armed.guard.enable(armed.now)
    command = Command("action_expert", np.full(6, 0.1), 0.05, armed.now - 50.0, 0.0)
    assert armed.guard.on_command(command, armed.now) == ""


def test_holding_brakes_within_limits_instead_of_stopping_dead(moving):
    speed = moving.speeds()[-1, 0]
    moving.guard.disable("stopped by hand")
    moving.cycles(10)
    speeds = moving.speeds()[-10:, 0]
    assert 0 < speeds[0] < speed
    assert np.all(np.diff(speeds) <= 0)
    assert speeds[-1] == 0.0


def test_a_guard_that_was_itself_stopped_goes_on_from_rest(moving):
    before = moving.sent[-1]
    moving.now += 3.0
    moving.guard.on_state(Reading(moving.joints, 0.05), moving.now)
    cycle = moving.guard.cycle(moving.now)
    assert cycle.mode is Mode.HOLD
    np.testing.assert_array_equal(cycle.sent, before)


def test_the_estop_stops_at_once_and_is_latched(moving):
    before = moving.sent[-1]
    moving.guard.press_estop()
    assert moving.cycles(3).mode is Mode.ESTOP
    np.testing.assert_array_equal(moving.sent[-1], before)
    assert moving.guard.enable(moving.now) == (False, "the e-stop is pressed: publish false on /estop first")
    moving.guard.release_estop()
    moving.command(np.full(6, 0.0))
    cycle = moving.cycles(5)
    assert cycle.mode is Mode.ESTOP
    np.testing.assert_array_equal(cycle.sent, before)
    assert moving.guard.enable(moving.now)[0]


def test_the_estop_button_stops_and_needs_no_release(moving):
    moving.guard.press_estop(stays=False)
    assert moving.cycles(3).mode is Mode.ESTOP
    assert moving.guard.enable(moving.now)[0]


def test_without_its_deadman_a_policy_is_not_heard(armed):
    armed.guard.arbiter.deadman_required = True
    assert armed.command(REST) == "the deadman is not held"
    armed.guard.arbiter.on_deadman(True, armed.now)
    assert armed.command(REST) == ""


def test_teleop_needs_no_deadman_beside_its_own(armed):
    armed.guard.arbiter.deadman_required = True
    assert armed.command(REST, "teleop") == ""


def test_a_released_deadman_pauses_and_a_pressed_one_goes_on(armed):
    arbiter = armed.guard.arbiter
    arbiter.deadman_required = True
    for k in range(80):
        arbiter.on_deadman(not 30 <= k < 60, armed.now)
        armed.command(np.full(6, 0.02 * k))
        cycle = armed.cycles(1)
        if k == 59:
            assert cycle.mode is Mode.HOLD
            assert cycle.reason == "the deadman is released: hold it to go on"
            assert np.abs(armed.speeds()[-10:]).max() < 1e-9
    assert cycle.mode is Mode.ACTIVE
    assert cycle.sent[0] > armed.sent[59][0]
    changes = np.diff(armed.speeds(), axis=0)
    assert np.abs(changes).max() <= ACCELERATION * PERIOD + 1e-9


def test_a_silent_deadman_holds_until_armed_again(armed):
    armed.guard.arbiter.deadman_required = True
    armed.guard.arbiter.on_deadman(True, armed.now)
    for k in range(20):
        armed.command(np.full(6, 0.01 * k))
        cycle = armed.cycles(1)
    assert cycle.mode is Mode.HOLD
    assert cycle.reason.startswith("the deadman is silent for 0.3")
    armed.guard.arbiter.on_deadman(True, armed.now)
    assert "not armed" in armed.command(REST)


def test_home_is_reached_slowly_and_then_held(bench):
    bench.guard.go_to(HOME, bench.now)
    cycle = bench.cycles(150)
    assert (cycle.mode, cycle.reason) == (Mode.HOLD, "home reached")
    np.testing.assert_allclose(cycle.sent, HOME.joints, atol=1e-3)
    assert cycle.sent_gripper == HOME.gripper
    assert np.abs(bench.speeds()).max() <= 0.8 + 1e-9
    assert np.abs(np.diff(bench.speeds(), axis=0)).max() <= 2.0 * PERIOD + 1e-9


def test_armed_again_after_the_arm_was_moved_it_starts_where_the_arm_is(armed):
    armed.command(np.full(6, 0.1))
    armed.cycles(25)
    armed.guard.disable("stopped by hand")
    armed.cycles(40)
    armed.joints = np.full(6, 1.0)
    armed.guard.on_state(Reading(armed.joints, 0.05), armed.now)
    armed.guard.enable(armed.now)
    armed.command(np.full(6, 1.0))
    assert np.abs(armed.cycles(1).sent - 1.0).max() < 1e-9


def test_armed_again_while_the_arm_still_lags_behind_it_does_not_jump_back(moving):
    before = moving.sent[-1]
    moving.guard.on_state(Reading(before - 0.15, 0.05), moving.now)
    moving.guard.enable(moving.now)
    assert np.abs(moving.cycles(1).sent - before).max() <= np.pi * PERIOD


def test_when_a_dry_run_ends_it_goes_on_from_where_the_arm_is(armed):
    armed.guard.set_dry_run(True)
    for k in range(40):
        armed.command(np.full(6, 0.02 * k))
        armed.now += PERIOD
        armed.guard.on_state(Reading(REST, 0.05), armed.now)
        cycle = armed.guard.cycle(armed.now)
    assert cycle.sent[0] > 0.5
    armed.guard.set_dry_run(False)
    armed.now += PERIOD
    assert armed.guard.cycle(armed.now).sent[0] <= ACCELERATION * PERIOD**2 + 1e-9


def test_a_block_holds_and_lets_nobody_arm_until_it_is_lifted(moving):
    moving.guard.block("publisher", "another publisher on /wx250s/commands/joint_group: /joystick")
    assert moving.cycles(1).reason.startswith("another publisher")
    assert not moving.guard.enable(moving.now)[0]
    moving.guard.unblock("publisher")
    assert moving.cycles(1).mode is Mode.HOLD
    assert moving.guard.enable(moving.now)[0]


def test_after_the_torque_was_off_nothing_is_sent_until_the_arm_is_measured_anew(moving):
    moving.guard.forget()
    assert moving.cycles(1, state=False).sent is None
    assert moving.guard.enable(moving.now)[1] == "no joint states yet: is the driver running?"
    moving.guard.on_state(Reading(REST, 0.05), moving.now)
    assert moving.guard.enable(moving.now)[0]
    np.testing.assert_array_equal(moving.cycles(1).sent, REST)


def cannot_go_on(bench: Bench, source: str, why: str) -> str:
    return bench.guard.on_command(Command(source, None, np.nan, bench.now, 0.0, hold=why), bench.now)


def test_a_source_that_cannot_go_on_brings_the_arm_to_rest_for_good_and_says_why(moving):
    assert cannot_go_on(moving, "action_expert", "picture is 3.2 s old") == ""
    cycle = moving.cycles(40)
    assert (cycle.mode, cycle.reason) == (Mode.HOLD, "action_expert: picture is 3.2 s old")
    assert np.abs(moving.speeds()[-10:]).max() < 1e-9
    assert np.abs(np.diff(moving.speeds(), axis=0)).max() <= ACCELERATION * PERIOD + 1e-9
    assert "not armed" in moving.command(np.full(6, 0.9))


def test_another_source_cannot_hold_the_one_that_is_armed(armed):
    armed.stream([np.full(6, 0.02)], source="teleop")
    assert "is not the armed one" in cannot_go_on(armed, "action_expert", "picture is 3.2 s old")
    assert armed.cycles(3).mode is Mode.ACTIVE


def test_a_source_that_cannot_even_begin_is_kept_out_until_armed_anew_and_leaves_the_arm_to_others(armed):
    assert cannot_go_on(armed, "action_expert", "no joint states") == ""
    cycle = armed.cycles(3)
    assert (cycle.mode, cycle.reason) == (Mode.ACTIVE, "action_expert: no joint states")
    refused = armed.command(np.full(6, 0.1))
    assert refused == "'action_expert' could not go on (no joint states): arm anew"
    assert armed.command(np.full(6, 0.02), source="teleop") == ""
    assert armed.cycles(3).reason == ""
    armed.guard.enable(armed.now)
    assert armed.command(np.full(6, 0.03)) == ""
