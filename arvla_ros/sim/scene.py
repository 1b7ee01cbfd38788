"""Compiles the MuJoCo model: the arm and its table from ``scene.xml``, and the objects of a task."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from arvla_ros.sim.props import Prop, add_prop
from arvla_ros.sim.rendering import mujoco
from arvla_ros.sim.shadows import add_shadow_material
from arvla_ros.sim.tasks.base import CameraPose
from arvla_ros.sim.textures import wood

SCENE = Path(__file__).with_name("scene.xml")
_WOOD_PIXELS = 512


def build_model(props: Iterable[Prop], camera: CameraPose | None = None) -> mujoco.MjModel:
    """Return the compiled model of arm, table and ``props``, seen from ``camera`` or from where the file has it."""
    spec = mujoco.MjSpec.from_file(str(SCENE))
    if camera is not None:
        side = spec.camera("side")
        side.pos, side.fovy = camera.position, camera.fovy
        spec.body("side_look_at").pos = camera.look_at
    _add_wood(spec)
    add_shadow_material(spec)
    for prop in props:
        add_prop(spec, prop)
    return spec.compile()


def _add_wood(spec: mujoco.MjSpec) -> None:
    """Add the table's texture: boards of a light wood, drawn from a fixed seed so that every scene has the same."""
    size = _WOOD_PIXELS
    texture = spec.add_texture(name="wood", type=mujoco.mjtTexture.mjTEXTURE_2D)
    texture.width, texture.height, texture.nchannel = size, size, 3
    texture.data = wood(np.random.default_rng(7), size).tobytes()
