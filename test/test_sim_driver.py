"""The simulated Interbotix driver: modes, profiles, registers and traps of the real one, on the simulated arm."""

from __future__ import annotations

import contextlib
import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.driver import MODES, Driver, DriverError, Mode
from arvla_ros.sim.tasks import ObjectPose, make_task
from arvla_ros.sim.world import WidowXWorld

# Stretched forward above the table: gravity pulls at shoulder and elbow.
STRETCHED = np.array([0.0, 0.2, -0.2, 0.0, 0.0, 0.0])
ASIDE = {
    "battery": ObjectPose(0.20, 0.30, 0.0),
    "cup A": ObjectPose(0.30, 0.30, 0.0),
    "cup B": ObjectPose(0.40, 0.30, 0.0),
}


@pytest.fixture(scope="module")
def model_world() -> WidowXWorld:
    return WidowXWorld(make_task("stack3"), RobotContract.load())


@pytest.fixture
def world(model_world: WidowXWorld) -> WidowXWorld:
    model_world.reset(0)
    model_world.start(dataclasses.replace(model_world.scenario, arm=STRETCHED, objects=ASIDE))
    return model_world


@pytest.fixture
def driver(world: WidowXWorld) -> Driver:
    return Driver(world)


def joint(world: WidowXWorld, name: str) -> float:
    reading = world.joint_state()
    return float(reading.positions[reading.names.index(name)])


def seconds_until(driver: Driver, world: WidowXWorld, name: str, target: float, tolerance: float) -> float:
    start = world.elapsed
    while abs(joint(world, name) - target) > tolerance:
        assert world.elapsed - start < 10, f"{name} is at {joint(world, name)}, not at {target}"
        driver.advance(0.01)
    return world.elapsed - start


def turned(angle: float) -> list[float]:
    return [angle, *STRETCHED[1:]]


def test_with_our_modes_a_command_is_followed_at_once(driver: Driver, world: WidowXWorld) -> None:
    driver.command_group("arm", turned(0.5))
    assert 0.1 < seconds_until(driver, world, "waist", 0.5, 0.01) < 0.5


def test_with_the_stock_modes_a_move_takes_two_seconds_whatever_its_length(world: WidowXWorld) -> None:
    driver = Driver(world, "stock")
    for target in (0.1, 1.0):
        driver.command_group("arm", turned(target))
        assert 1.7 < seconds_until(driver, world, "waist", target, 0.005) < 2.2


def test_with_the_stock_modes_a_stream_lags_because_each_command_starts_the_profile_anew(world: WidowXWorld) -> None:
    driver = Driver(world, "stock")
    for step in range(10):
        driver.command_group("arm", turned(0.1 * (step + 1)))
        driver.advance(0.2)
    assert joint(world, "waist") < 0.65
    assert seconds_until(driver, world, "waist", 1.0, 0.01) > 0.5


@pytest.mark.parametrize("target", [0.2, 0.8])
def test_a_velocity_profile_bounds_speed_and_acceleration(driver: Driver, world: WidowXWorld, target: float) -> None:
    driver.set_operating_modes("group", "arm", Mode("position", "velocity", 20, 3))
    driver.command_group("arm", turned(target))
    speeds = [0.0]
    while abs(joint(world, "waist") - target) > 0.005:
        driver.advance(0.02)
        speeds.append(world.joint_state().velocities[0])
    assert max(speeds) <= 20 * 0.229 * 2 * math.pi / 60 * 1.05
    assert max(np.abs(np.diff(speeds))) / 0.02 < 1.5 * 3 * 0.3745
    assert world.elapsed > target / 0.48


@given(moves=st.lists(st.tuples(st.floats(-1.0, 1.0), st.integers(1, 40)), min_size=1, max_size=6))
@settings(max_examples=15, deadline=None)
def test_under_a_time_profile_the_goal_never_jumps_and_always_arrives(
    model_world: WidowXWorld, moves: list[tuple[float, int]]
) -> None:
    model_world.start(dataclasses.replace(model_world.scenario, arm=STRETCHED, objects=ASIDE))
    driver = Driver(model_world)
    driver.set_operating_modes("group", "arm", Mode("position", "time", 250, 100))
    driver.advance(0.1)
    previous = model_world.servos.goal[0]
    for target, steps in moves:
        driver.command_group("arm", turned(target))
        for _ in range(steps):
            driver.advance(model_world.timestep)
            assert abs(model_world.servos.goal[0] - previous) <= wx250s.ARM_VELOCITY * model_world.timestep * 1.001
            previous = model_world.servos.goal[0]
    driver.advance(2.0)
    assert model_world.servos.goal[0] == pytest.approx(moves[-1][0])


def test_the_gripper_takes_metres_between_the_fingers_in_linear_position(driver: Driver, world: WidowXWorld) -> None:
    driver.command_single("gripper", 0.039)
    driver.advance(1.0)
    assert joint(world, "left_finger") == pytest.approx(0.0195, abs=3e-4)


@pytest.mark.parametrize("command", [math.nan, 0.019, 0.08])
def test_an_opening_that_the_linkage_has_not_ends_half_open(driver: Driver, world: WidowXWorld, command: float) -> None:
    driver.command_single("gripper", command)
    driver.advance(1.0)
    assert joint(world, "gripper") == pytest.approx(0.0, abs=0.02)
    assert joint(world, "left_finger") == pytest.approx(0.0195, abs=3e-4)


def test_nan_becomes_0_rad(driver: Driver, world: WidowXWorld) -> None:
    driver.command_group("arm", [0.5, math.nan, *STRETCHED[2:]])
    driver.advance(1.5)
    assert joint(world, "shoulder") == pytest.approx(0.0, abs=0.01)


def test_a_pwm_gripper_closes_until_it_is_stopped_and_pushes_on(world: WidowXWorld) -> None:
    driver = Driver(world, "stock")
    driver.command_single("gripper", -250.0)
    driver.advance(3.0)
    assert joint(world, "left_finger") == pytest.approx(wx250s.FINGER_LOWER, abs=3e-4)
    assert abs(world.joint_state().efforts[6]) > 100
    driver.command_single("gripper", 0.0)
    driver.advance(0.5)
    assert abs(world.joint_state().efforts[6]) < 10


def test_a_pwm_gripper_stops_half_way_when_told_to(world: WidowXWorld) -> None:
    driver = Driver(world, "stock")
    driver.command_single("gripper", -350.0)
    driver.advance(0.2)
    driver.command_single("gripper", 0.0)
    driver.advance(0.2)
    stopped = joint(world, "left_finger")
    assert wx250s.FINGER_LOWER + 0.002 < stopped < wx250s.FINGER_UPPER - 0.002
    driver.advance(1.0)
    assert joint(world, "left_finger") == pytest.approx(stopped, abs=2e-4)


@pytest.mark.parametrize("pwm", [-49.0, 49.0])
def test_pwm_within_the_dead_zone_does_nothing(world: WidowXWorld, pwm: float) -> None:
    driver = Driver(world, "stock")
    before = joint(world, "left_finger")
    driver.command_single("gripper", pwm)
    driver.advance(1.0)
    assert joint(world, "left_finger") == pytest.approx(before, abs=2e-4)


def test_without_torque_the_arm_falls_and_with_torque_it_stays_where_it_is_then(
    driver: Driver, world: WidowXWorld
) -> None:
    height = world.ee_pose()[2, 3]
    driver.torque_enable("group", "arm", False)
    driver.advance(0.25)
    driver.command_group("arm", STRETCHED.tolist())
    driver.torque_enable("group", "arm", True)
    driver.advance(0.5)
    caught = world.ee_pose()[2, 3]
    assert caught < height - 0.05
    driver.advance(1.0)
    assert world.ee_pose()[2, 3] == pytest.approx(caught, abs=1e-3)


def test_a_limp_arm_comes_to_lie_on_the_table(driver: Driver, world: WidowXWorld) -> None:
    driver.torque_enable("group", "all", False)
    driver.advance(4.0)
    assert world.ee_pose()[2, 3] < 0.08
    assert np.abs(world.joint_state().velocities[:6]).max() < 0.1


def test_one_joint_without_torque_leaves_the_others_where_they_are(driver: Driver, world: WidowXWorld) -> None:
    driver.torque_enable("single", "wrist_angle", False)
    driver.advance(1.0)
    reading = world.joint_state().positions
    assert reading[4] > 0.1
    np.testing.assert_allclose(reading[[0, 1, 2]], STRETCHED[[0, 1, 2]], atol=0.01)


def test_a_change_of_mode_lets_go_for_a_moment_and_a_change_of_profile_does_not(
    driver: Driver, world: WidowXWorld
) -> None:
    driver.set_operating_modes("group", "arm", Mode("position", "velocity", 131, 15))
    assert driver.get_registers("single", "shoulder", "Torque_Enable") == [1]
    driver.advance(0.5)
    assert joint(world, "shoulder") == pytest.approx(STRETCHED[1], abs=2e-3)
    driver.set_operating_modes("group", "arm", Mode("position", "time", 250, 100))
    driver.advance(0.5)
    sunk = joint(world, "shoulder")
    assert sunk > STRETCHED[1] + 2e-3
    driver.advance(1.0)
    assert joint(world, "shoulder") == pytest.approx(sunk, abs=3e-3)


def test_a_reboot_drops_the_arm_and_forgets_the_profile_but_not_the_mode(driver: Driver, world: WidowXWorld) -> None:
    driver.set_operating_modes("group", "arm", Mode("position", "time", 2000, 300))
    driver.advance(0.5)
    height = world.ee_pose()[2, 3]
    driver.reboot("group", "arm", True, False)
    driver.advance(1.0)
    assert world.ee_pose()[2, 3] < height - 0.02
    assert driver.get_registers("group", "arm", "Profile_Velocity") == [0] * 6
    assert driver.get_registers("single", "waist", "Drive_Mode") == [4]
    assert driver.get_registers("single", "waist", "Torque_Enable") == [1]


def test_a_smart_reboot_leaves_healthy_servos_alone(driver: Driver, world: WidowXWorld) -> None:
    driver.set_registers("group", "arm", "Profile_Velocity", 77)
    driver.reboot("group", "arm", True, True)
    assert driver.get_registers("group", "arm", "Profile_Velocity") == [77] * 6


def test_register_writes_keep_the_bus_from_reading_joint_states(driver: Driver) -> None:
    driver.set_registers("group", "arm", "Bus_Watchdog", 0)
    busy = 0
    while driver.busy:
        driver.advance(0.01)
        busy += 1
    assert 6 <= busy <= 8


def test_a_velocity_command_lasts_until_the_next(driver: Driver, world: WidowXWorld) -> None:
    driver.set_operating_modes("single", "waist", Mode("velocity"))
    driver.advance(0.1)
    driver.command_single("waist", 0.5)
    driver.advance(1.0)
    assert joint(world, "waist") == pytest.approx(0.5, abs=0.06)
    driver.command_single("waist", 0.0)
    driver.advance(0.5)
    held = joint(world, "waist")
    driver.advance(0.5)
    assert joint(world, "waist") == pytest.approx(held, abs=2e-3)


def test_a_group_command_counts_by_the_mode_that_the_group_was_set_to(driver: Driver, world: WidowXWorld) -> None:
    driver.set_operating_modes("single", "waist", Mode("velocity"))
    driver.advance(0.1)
    driver.command_group("arm", turned(0.5))
    driver.advance(1.0)
    assert joint(world, "waist") == pytest.approx(0.0, abs=2e-3)


def test_robot_info_is_that_of_the_published_model(driver: Driver) -> None:
    mode, joints = driver.robot_info("group", "arm")
    assert (mode.mode, mode.profile_type) == ("position", "velocity")
    assert tuple(each.name for each in joints) == wx250s.ARM_JOINTS
    assert [each.motor_id for each in joints] == [1, 2, 4, 6, 7, 8]
    np.testing.assert_allclose([each.lower for each in joints], wx250s.ARM_LOWER)
    np.testing.assert_allclose([each.upper for each in joints], wx250s.ARM_UPPER)
    np.testing.assert_allclose([each.sleep for each in joints], wx250s.SLEEP)
    assert [each.state_index for each in joints] == [0, 1, 2, 3, 4, 5]
    mode, (finger,) = driver.robot_info("single", "gripper")
    assert (mode.mode, finger.name, finger.state_index) == ("linear_position", "left_finger", 7)
    assert (finger.lower, finger.upper, finger.velocity) == (0.015, 0.037, 1.0)


def test_same_commands_at_the_same_simulated_times_give_the_same_states(model_world: WidowXWorld) -> None:
    def run(world: WidowXWorld) -> np.ndarray:
        world.reset(4)
        driver = Driver(world, "stock")
        driver.command_single("gripper", -300.0)
        driver.advance(0.3)
        driver.command_group("arm", STRETCHED.tolist())
        driver.advance(0.7)
        driver.torque_enable("group", "all", False)
        driver.advance(0.4)
        driver.set_operating_modes("group", "arm", Mode("position", "velocity", 60, 10))
        driver.torque_enable("group", "all", True)
        driver.advance(0.5)
        return world.data.qpos.copy()

    np.testing.assert_array_equal(run(model_world), run(WidowXWorld(make_task("stack3"), RobotContract.load())))


ANY_FLOAT = st.one_of(st.floats(width=32), st.sampled_from([math.nan, math.inf, -math.inf]))
PROFILE = st.integers(-10, 32767)


@given(
    modes=st.lists(
        st.builds(Mode, st.sampled_from(MODES), st.sampled_from(["time", "velocity"]), PROFILE, PROFILE), max_size=2
    ),
    commands=st.lists(st.lists(ANY_FLOAT, min_size=7, max_size=7), min_size=1, max_size=4),
)
@settings(max_examples=30, deadline=None)
def test_whatever_is_commanded_the_world_stays_sound(
    model_world: WidowXWorld, modes: list[Mode], commands: list[list[float]]
) -> None:
    model_world.start(dataclasses.replace(model_world.scenario, arm=STRETCHED, objects=ASIDE))
    driver = Driver(model_world)
    for mode in modes:
        with contextlib.suppress(DriverError):
            driver.set_operating_modes("group", "all", mode)
    driver.advance(0.1)
    for command in commands:
        driver.command_group("all", command)
        driver.command_single("gripper", command[0])
        driver.advance(0.2)
        reading = model_world.joint_state()
        assert np.isfinite(reading.positions).all()
        assert np.isfinite(reading.efforts).all()
        assert (reading.positions[:6] >= wx250s.ARM_LOWER - 0.1).all()
        assert (reading.positions[:6] <= wx250s.ARM_UPPER + 0.1).all()


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_can_be_set_and_told(driver: Driver, mode: str) -> None:
    driver.set_operating_modes("group", "arm", Mode(mode))
    driver.advance(0.1)
    driver.command_group("arm", [0.1] * 6)
    driver.advance(0.1)
    assert driver.robot_info("group", "arm")[0].mode == mode


def test_an_xl430_has_no_current_mode_and_stays_as_it_was(driver: Driver) -> None:
    driver.set_operating_modes("group", "arm", Mode("current"))
    assert driver.get_registers("group", "arm", "Operating_Mode") == [0, 0, 0, 0, 0, 3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: d.command_group("leg", [0.0] * 6), "no group 'leg': only arm, all"),
        (lambda d: d.command_group("arm", [0.0] * 5), "5 commands do not match the 6 joints of group 'arm'"),
        (lambda d: d.command_single("thumb", 0.0), "no single 'thumb': only waist"),
        (lambda d: d.torque_enable("both", "arm", True), "cmd_type 'both' is neither"),
        (lambda d: d.torque_enable("single", "arm", True), "no single 'arm'"),
        (lambda d: d.set_operating_modes("group", "arm", Mode("fast")), "mode 'fast' is none of position"),
        (lambda d: d.set_operating_modes("group", "arm", Mode(velocity=-1)), "profile -1, 0: no register"),
        (lambda d: d.set_registers("group", "arm", "Profile_Velocity", -1), "takes no negative value"),
        (lambda d: d.get_registers("group", "arm", "Mood"), "no register 'Mood'"),
        (lambda d: d.set_registers("group", "arm", "Drive_Mode", 4), "Drive_Mode of waist is locked while its torque"),
        (lambda d: d.set_registers("group", "arm", "Hardware_Error_Status", 1), "can only be read"),
    ],
)
def test_what_the_real_driver_only_logs_changes_nothing(driver: Driver, world: WidowXWorld, call, message: str) -> None:
    before = world.data.qpos.copy()
    with pytest.raises(DriverError, match=message):
        call(driver)
    driver.advance(0.2)
    np.testing.assert_allclose(world.data.qpos, before, atol=1e-3)
