"""Compiles the MuJoCo model: the arm and its table from ``scene.xml``, and the objects of a task."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from arvla_ros.sim.props import Prop, add_prop
from arvla_ros.sim.rendering import mujoco
from arvla_ros.sim.shadows import add_shadow_material
from arvla_ros.sim.tasks.base import CameraPose

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
    rng = np.random.default_rng(7)
    size, boards = _WOOD_PIXELS, 5
    along, across = np.meshgrid(np.linspace(0, 1, size), np.linspace(0, boards, size, endpoint=False))
    board = across.astype(int)
    phase, tone = rng.uniform(0, 20, boards)[board], rng.uniform(-0.03, 0.03, boards)[board]
    bend = 0.6 * np.sin(2.3 * along + phase) + 0.25 * np.sin(6.1 * along + 2 * phase)
    grain = np.sin(26 * (across + 0.12 * bend) + phase) + 0.5 * np.sin(61 * (across + 0.10 * bend) + 3 * phase)
    seam = np.abs(across - np.round(across)) < 0.006
    shade = 1 + tone + 0.022 * grain + rng.normal(0, 0.006, (size, size)) - 0.18 * seam
    colour = np.clip(255 * shade[:, :, None] * np.array([0.86, 0.75, 0.60]), 0, 255).astype(np.uint8)
    texture = spec.add_texture(name="wood", type=mujoco.mjtTexture.mjTEXTURE_2D)
    texture.width, texture.height, texture.nchannel = size, size, 3
    texture.data = colour.tobytes()
