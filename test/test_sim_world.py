from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import Camera, RobotContract
from arvla_ros.sim.rendering import RenderingError
from arvla_ros.sim.tasks import ObjectPose, TaskError, make_task
from arvla_ros.sim.world import WidowXWorld

CONTRACT = RobotContract.load()


@pytest.fixture(scope="module")
def world() -> WidowXWorld:
    return WidowXWorld(make_task("reach"), CONTRACT)


def test_mujoco_and_the_published_kinematics_agree(world: WidowXWorld) -> None:
    rng = np.random.default_rng(0)
    for joints in rng.uniform(wx250s.ARM_LOWER, wx250s.ARM_UPPER, size=(50, 6)):
        world.start(dataclasses.replace(world.scenario, arm=joints))
        np.testing.assert_allclose(world.ee_pose(), wx250s.forward_kinematics(joints), atol=1e-6)


def test_fingertips_are_beyond_the_hand(world: WidowXWorld) -> None:
    world.reset(0)
    ahead = np.linalg.inv(world.ee_pose()) @ world.fingertips()
    np.testing.assert_allclose(ahead[:3, 3], [0.0174, 0, 0], atol=1e-9)


def test_nothing_drifts_when_nothing_is_commanded(world: WidowXWorld) -> None:
    world.reset(1)
    names = [prop.name for prop in world.task.props]
    before, hand = [world.object_pose(name) for name in names], world.ee_pose()
    world.advance(10.0)
    for name, pose in zip(names, before, strict=True):
        np.testing.assert_allclose(world.object_pose(name), pose, atol=1e-4)
    np.testing.assert_allclose(world.ee_pose(), hand, atol=1e-4)


@pytest.mark.parametrize("joint", range(6))
def test_a_moving_target_is_followed_with_a_first_order_lag(world: WidowXWorld, joint: int) -> None:
    world.reset(0)
    speed, target = -0.8 if joint in (2, 4) else 0.8, world.scenario.arm.copy()
    for _ in range(300):
        target[joint] += speed * world.timestep
        world.set_arm_target(target)
        world.advance(world.timestep)
    lag_s = (target - world.state()[:6])[joint] / speed
    assert 0.04 < lag_s < 0.07


def test_a_jump_of_the_target_is_walked_within_the_velocity_limit(world: WidowXWorld) -> None:
    world.reset(0)
    turned = world.scenario.arm.copy()
    turned[0] += 1.5
    world.set_arm_target(turned)
    speeds = []
    for _ in range(100):
        world.advance(0.01)
        speeds.append(abs(world.joint_state().velocities[0]))
    assert max(speeds) <= wx250s.ARM_VELOCITY * 1.01
    assert world.state()[0] == pytest.approx(turned[0], abs=0.01)


def test_targets_beyond_the_limits_stop_at_the_limits(world: WidowXWorld) -> None:
    world.reset(0)
    arm = world.scenario.arm.copy()
    arm[5] = 9.0
    world.set_arm_target(arm)
    world.set_gripper_target(0.0)
    world.advance(3.0)
    assert world.state()[5] == pytest.approx(wx250s.ARM_UPPER[5], abs=0.01)
    assert world.state()[6] == pytest.approx(wx250s.OPENING_LOWER, abs=0.001)


@pytest.mark.parametrize("target", [[0.0] * 5, [np.nan] * 6])
def test_a_malformed_arm_target_is_refused(world: WidowXWorld, target: list[float]) -> None:
    with pytest.raises(ValueError, match="6 finite joint angles"):
        world.set_arm_target(target)


def test_a_malformed_gripper_target_is_refused(world: WidowXWorld) -> None:
    with pytest.raises(ValueError, match="finite opening"):
        world.set_gripper_target(float("nan"))


def test_time_passes_in_whole_physics_steps(world: WidowXWorld) -> None:
    world.reset(0)
    world.advance(0.033)
    assert world.elapsed == pytest.approx(0.032)
    with pytest.raises(ValueError, match="shorter than a physics step"):
        world.advance(0.0005)


def test_joint_state_is_what_the_driver_publishes(world: WidowXWorld) -> None:
    scenario = world.reset(2)
    reading = world.joint_state()
    assert reading.names == (
        *("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate"),
        *("gripper", "left_finger", "right_finger"),
    )
    assert reading.positions.shape == reading.velocities.shape == reading.efforts.shape == (9,)
    np.testing.assert_allclose(reading.positions[:6], scenario.arm, atol=wx250s.ENCODER_STEP / 2)
    counts = reading.positions[:7] / wx250s.ENCODER_STEP
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-9)
    assert reading.positions[7] == pytest.approx(wx250s.finger_from_servo(reading.positions[6]))
    assert reading.positions[8] == -reading.positions[7]
    assert (reading.velocities[7:] == 0).all()
    assert (reading.efforts[7:] == 0).all()


def test_servos_that_hold_the_arm_up_draw_current(world: WidowXWorld) -> None:
    stretched = np.array([0.0, 0.6, -0.6, 0.0, 0.0, 0.0])
    world.start(dataclasses.replace(world.scenario, arm=stretched))
    world.advance(0.5)
    waist, shoulder = world.joint_state().efforts[:2]
    assert abs(shoulder) > 200
    assert abs(waist) < 10


def test_policy_state_follows_the_contract(world: WidowXWorld) -> None:
    world.reset(2)
    reading = world.joint_state()
    np.testing.assert_array_equal(world.state(), CONTRACT.state(reading.names, reading.positions))


def test_same_seed_and_same_calls_give_the_same_state() -> None:
    def run(world: WidowXWorld) -> np.ndarray:
        world.reset(5)
        world.set_arm_target(world.scenario.arm + 0.3)
        world.advance(0.7)
        return world.data.qpos.copy()

    first, second = WidowXWorld(make_task("reach"), CONTRACT), WidowXWorld(make_task("reach"), CONTRACT)
    second.reset(99)
    second.advance(0.5)
    np.testing.assert_array_equal(run(first), run(second))


def test_a_battery_pushed_by_the_hand_moves_and_does_not_jump(world: WidowXWorld) -> None:
    places = {"blue battery": ObjectPose(0.30, 0.0, 0.0), "green battery": ObjectPose(0.20, 0.14, 0.0)}
    places["red cup"] = ObjectPose(0.20, -0.14, 0.0)
    beside = wx250s.gripper_down(np.array([0.30, 0.06, 0.035]))
    world.start(dataclasses.replace(world.scenario, objects=places, arm=beside, opening=wx250s.OPENING_LOWER))
    world.set_arm_target(wx250s.gripper_down(np.array([0.30, 0.0, 0.035])))
    world.advance(1.5)
    pushed = world.object_pose("blue battery")[:3, 3]
    assert -0.15 < pushed[1] < -0.01
    assert -0.001 < pushed[2] < 0.02


def test_the_camera_sees_the_frame_that_the_contract_promises(world: WidowXWorld) -> None:
    world.reset(0)
    frame = world.render()
    assert frame.shape == (480, 640, 3)
    assert frame.dtype == np.uint8
    assert CONTRACT.image(frame).shape == (96, 128, 3)


def test_the_picture_depends_on_the_state_alone(world: WidowXWorld) -> None:
    world.reset(0)
    frame = world.render()
    world.reset(1)
    assert (world.render() != frame).any()
    world.reset(0)
    np.testing.assert_array_equal(world.render(), frame)


def test_every_object_is_in_sight_at_the_start(world: WidowXWorld) -> None:
    colours = {"blue battery": 2, "green battery": 1, "red cup": 0}
    for seed in range(25):
        world.reset(seed)
        frame = world.render().astype(int)
        for name, channel in colours.items():
            others = np.delete(frame, channel, axis=2).max(axis=2)
            seen = np.argwhere(frame[:, :, channel] > others + 60)
            assert len(seen) >= 100, f"seed {seed}: {name} is hidden"
            assert seen.min() > 0
            assert (seen.max(axis=0) < (479, 639)).all(), f"seed {seed}: {name} is cut off"


def test_an_unknown_camera_is_named_with_those_there_are(world: WidowXWorld) -> None:
    with pytest.raises(RenderingError, match="camera 'wrist' is none of the contract's: side"):
        world.render("wrist")


@pytest.mark.parametrize("size", [(0, 480), (64000, 48000)])
def test_an_impossible_camera_size_is_refused(size: tuple[int, int]) -> None:
    contract = dataclasses.replace(CONTRACT, cameras=(Camera("side", "/camera/image_raw", *size),))
    with pytest.raises(RenderingError, match=f"camera size {size[0]}x{size[1]} is outside"):
        WidowXWorld(make_task("reach"), contract).render()


def test_without_a_renderer_physics_works_and_a_picture_names_the_remedy() -> None:
    program = (
        "from arvla_ros.robots.contract import RobotContract\n"
        "from arvla_ros.sim.tasks import make_task\n"
        "from arvla_ros.sim.world import WidowXWorld\n"
        "world = WidowXWorld(make_task('reach'), RobotContract.load())\n"
        "world.advance(0.1)\n"
        "world.render()\n"
    )
    environment = {**os.environ, "MUJOCO_GL": "disable"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "RenderingError" in done.stderr
    assert "apt install libegl1" in done.stderr


def test_an_unknown_task_is_named_with_those_there_are() -> None:
    with pytest.raises(TaskError, match="task 'juggle' is none of reach"):
        make_task("juggle")


def test_the_wrist_camera_sees_the_fingers_wherever_the_hand_is() -> None:
    world = WidowXWorld(make_task("stack3"), RobotContract.load("wx250s_wrist"))
    fingers = (slice(250, 320), slice(190, 460))
    first = world.render("wrist")
    turned = np.add(world.scenario.arm, [0.3, 0.0, 0.0, 0.0, 0.0, 0.4])
    world.set_arm_target(turned)
    world.advance(1.0)
    turned_to = world.render("wrist")
    world.set_gripper_target(0.03)
    world.advance(0.5)
    closed = world.render("wrist")
    world.close()
    table, hand = (slice(0, 150), slice(None)), (slice(400, 470), slice(220, 420))
    assert np.abs(first[hand].astype(int) - turned_to[hand]).mean() < 5
    assert np.abs(first[table].astype(int) - turned_to[table]).mean() > 5
    assert np.abs(turned_to[fingers].astype(int) - closed[fingers]).mean() > 5
