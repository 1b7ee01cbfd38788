"""Light, table, colours and camera that differ by episode, so that a policy does not learn them by heart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from arvla_ros.sim.rendering import mujoco
from arvla_ros.sim.textures import any_table

Array = npt.NDArray[np.float64]

_LIGHT, _LIGHT_TURN = (0.7, 1.2), 0.25
_TABLE, _OBJECT = (0.65, 1.1), (0.8, 1.15)
_CAMERA_SHIFT, _CAMERA_FOVY = 0.015, 1.5


class Appearance:
    """What a model looks like, as it was compiled or drawn anew; the physics stay what they are."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._table = model.material("table").id
        texture = model.texture("wood")
        self._texture_pixels = int(texture.width[0])
        self._look_at = model.body("side_look_at").id
        # Headlight included: it is the picture's ambient light.
        self._fields = {
            "ambient": model.vis.headlight.ambient,
            "light": model.light_diffuse,
            "direction": model.light_dir,
            "material": model.mat_rgba,
            "geom": model.geom_rgba,
            "camera": model.cam_pos,
            "fovy": model.cam_fovy,
            "body": model.body_pos,
            "texture": model.tex_data[texture.adr[0] :][: 3 * self._texture_pixels**2],
        }
        self._compiled = {name: field.copy() for name, field in self._fields.items()}

    def restore(self) -> None:
        """Go back to what was compiled."""
        for name, field in self._fields.items():
            field[:] = self._compiled[name]

    def draw(self, rng: np.random.Generator) -> None:
        """Draw light, table, objects and camera anew.

        Who renders has to load the table's texture again. What looked the same, as two equal cups do, goes on doing so.
        """
        self.restore()
        fields = self._fields
        fields["ambient"] *= rng.uniform(*_LIGHT)
        fields["light"] *= rng.uniform(*_LIGHT, size=(len(fields["light"]), 1)) * rng.uniform(0.93, 1.07, size=3)
        fields["direction"] += rng.uniform(-_LIGHT_TURN, _LIGHT_TURN, fields["direction"].shape)
        fields["direction"] /= np.linalg.norm(fields["direction"], axis=1, keepdims=True)
        fields["material"][self._table, :3] *= rng.uniform(*_TABLE) * rng.uniform(0.95, 1.05, size=3)
        # A geom with a material takes its colour from there only as long as its own is untouched.
        bare = self._model.geom_matid < 0
        colours, which = np.unique(fields["geom"][bare], axis=0, return_inverse=True)
        colours[:, :3] *= rng.uniform(*_OBJECT, size=(len(colours), 1)) * rng.uniform(0.93, 1.07, (len(colours), 3))
        fields["geom"][bare] = np.clip(colours, 0, 1)[which.ravel()]
        fields["camera"] += rng.uniform(-_CAMERA_SHIFT, _CAMERA_SHIFT, fields["camera"].shape)
        fields["fovy"] += rng.uniform(-_CAMERA_FOVY, _CAMERA_FOVY)
        fields["body"][self._look_at] += rng.uniform(-_CAMERA_SHIFT, _CAMERA_SHIFT, 3)
        # Half as fine as compiled, which takes a quarter of the time.
        table = any_table(rng, self._texture_pixels // 2)
        fields["texture"][:] = table.repeat(2, axis=0).repeat(2, axis=1).ravel()
