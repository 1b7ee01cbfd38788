"""Soft shadows on the table, drawn as blurred spots: a shadow map would triple the cost of a picture."""

from __future__ import annotations

import math

import numpy as np

from arvla_ros.sim.rendering import mujoco

_MATERIAL = "shadow"
_DARKNESS = 0.5
# Higher than this above the table, nothing casts a shadow any more; m.
_FADE_HEIGHT = 0.5
# One spot above the other, and all above the table, by this much; m.
_LAYER = 0.0002
_PIXELS = 64
# What is this close to the middle of something wider that is no higher than this above the table is inside it; m.
_INSIDE_DISTANCE, _INSIDE_HEIGHT = 0.03, 0.02


def add_shadow_material(spec: mujoco.MjSpec) -> None:
    """Add the spot that every shadow is a stretched copy of: black, its alpha falling off from the middle."""
    along = np.linspace(-1, 1, _PIXELS)
    radius = np.minimum(np.hypot(*np.meshgrid(along, along)), 1.0)
    spot = np.zeros((_PIXELS, _PIXELS, 4), dtype=np.uint8)
    spot[:, :, 3] = 255 * (0.5 + 0.5 * np.cos(np.pi * radius))
    texture = spec.add_texture(name=_MATERIAL, type=mujoco.mjtTexture.mjTEXTURE_2D)
    texture.width, texture.height, texture.nchannel = _PIXELS, _PIXELS, 4
    texture.data = spot.tobytes()
    material = spec.add_material(name=_MATERIAL)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = _MATERIAL


class Shadows:
    """The shadows of an arm's links and of the objects, as if lit from straight above."""

    def __init__(self, model: mujoco.MjModel, links: list[tuple[str, str, float]], objects: dict[str, float]) -> None:
        """Prepare for a model.

        Args:
            model: The compiled scene, with the shadow material.
            links: Body at one end, body at the other, half-width in m.
            objects: Body and radius in m.
        """
        self._material = model.material(_MATERIAL).id
        self._links = [(model.body(first).id, model.body(last).id, width) for first, last, width in links]
        self._objects = [(model.body(name).id, radius) for name, radius in objects.items()]

    def draw(self, scene: mujoco.MjvScene, data: mujoco.MjData) -> None:
        """Add them to a scene that is about to be rendered."""
        places = data.xpos.tolist()
        # By size and place, not by name: which shadow lies above which must not tell two equal cups apart.
        casters = sorted((radius, *places[body]) for body, radius in self._objects)
        for radius, *place in casters:
            if not _is_inside_another(place, radius, casters):
                self._draw_spot(scene, place, (1.0, 0.0), radius, radius)
        for first, last, width in self._links:
            (x, y, z), (to_x, to_y, to_z) = places[first], places[last]
            length = math.hypot(to_x - x, to_y - y)
            direction = ((to_x - x) / length, (to_y - y) / length) if length > 1e-6 else (1.0, 0.0)
            middle = [(x + to_x) / 2, (y + to_y) / 2, (z + to_z) / 2]
            self._draw_spot(scene, middle, direction, length / 2 + width, width)

    def _draw_spot(
        self,
        scene: mujoco.MjvScene,
        caster: list[float],
        direction: tuple[float, float],
        half_length: float,
        half_width: float,
    ) -> None:
        """Draw the shadow of something at ``caster``; the higher it is, the fainter and the wider."""
        fade = 1 - min(max(caster[2] / _FADE_HEIGHT, 0.0), 1.0)
        if fade == 0.0 or scene.ngeom >= scene.maxgeom:
            return
        blur = 0.06 * (1 - fade)
        x, y = direction
        spot = scene.geoms[scene.ngeom]
        mujoco.mjv_initGeom(
            spot,
            mujoco.mjtGeom.mjGEOM_PLANE,
            np.array([half_length + blur, half_width + blur, 1.0]),
            np.array([caster[0], caster[1], _LAYER * (1 + scene.ngeom % 8)]),
            np.array([x, -y, 0, y, x, 0, 0, 0, 1], dtype=np.float64),
            np.array([1, 1, 1, _DARKNESS * fade], dtype=np.float32),
        )
        spot.matid = self._material
        scene.ngeom += 1


def _is_inside_another(place: list[float], radius: float, casters: list[tuple[float, ...]]) -> bool:
    """Return whether an object is under a cup, where its shadow must not peep out and give it away."""
    x, y, z = place
    return any(
        wider > radius and math.hypot(x - there_x, y - there_y) < _INSIDE_DISTANCE and z - there_z > -_INSIDE_HEIGHT
        for wider, there_x, there_y, there_z in casters
    )
