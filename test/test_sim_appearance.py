from __future__ import annotations

import numpy as np
import pytest

from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.tasks import make_task
from arvla_ros.sim.textures import any_table
from arvla_ros.sim.world import WidowXWorld

CONTRACT = RobotContract.load()


@pytest.fixture(scope="module")
def plain() -> WidowXWorld:
    return WidowXWorld(make_task("stack3"), CONTRACT)


@pytest.fixture(scope="module")
def varied() -> WidowXWorld:
    return WidowXWorld(make_task("stack3"), CONTRACT, randomize=True)


def colour_of(world: WidowXWorld, name: str) -> np.ndarray:
    body = world.model.body(name)
    return world.model.geom_rgba[body.geomadr[0] : body.geomadr[0] + body.geomnum[0]]


def test_a_seed_stands_for_a_look(varied: WidowXWorld) -> None:
    varied.reset(1)
    first = varied.render()
    varied.reset(2)
    other = varied.render()
    varied.reset(1)
    np.testing.assert_array_equal(varied.render(), first)
    top = (slice(0, 40), slice(None))  # sky and far table, where no object ever is
    assert np.abs(first[top].astype(float).mean((0, 1)) - other[top].mean((0, 1))).max() > 1.0


def test_a_world_that_has_drawn_before_draws_what_a_new_one_does(varied: WidowXWorld) -> None:
    """Also the table's texture, which is loaded into the renderer again."""
    varied.render()
    varied.reset(4)
    new = WidowXWorld(make_task("stack3"), CONTRACT, randomize=True)
    new.reset(4)
    np.testing.assert_array_equal(varied.render(), new.render())
    new.close()


def test_tables_differ_by_seed_and_stay_grey_enough_for_coloured_objects() -> None:
    tables = [any_table(np.random.default_rng(seed), 64).astype(int) for seed in range(40)]
    assert len({table.tobytes() for table in tables}) == len(tables)
    for table in tables:
        colour = table.mean((0, 1))
        assert colour.max() - colour.min() < 0.2 * colour.max()


def test_the_physics_stay_what_they_are(plain: WidowXWorld, varied: WidowXWorld) -> None:
    states = []
    for world in (plain, varied):
        world.reset(3)
        world.set_arm_target(world.scenario.arm + 0.2)
        world.advance(0.5)
        states.append(world.data.qpos.copy())
    np.testing.assert_array_equal(*states)


def test_equal_cups_stay_equal(varied: WidowXWorld) -> None:
    for seed in range(5):
        varied.reset(seed)
        np.testing.assert_array_equal(colour_of(varied, "cup A"), colour_of(varied, "cup B"))


def test_every_object_stays_in_the_picture(varied: WidowXWorld) -> None:
    for seed in range(15):
        varied.reset(seed)
        frame = varied.render().astype(int)
        red, blue = frame[:, :, 0] - frame[:, :, 1:].max(2), frame[:, :, 2] - frame[:, :, :2].max(2)
        for excess, least in ((red, 2000), (blue, 150)):
            seen = np.argwhere(excess > 50)
            assert len(seen) > least, f"seed {seed}"
            assert seen.min() > 0
            assert (seen.max(axis=0) < (479, 639)).all(), f"seed {seed}: cut off"
