"""The things on the table: battery and cup, free bodies that contact alone holds."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from arvla_ros.sim.rendering import mujoco

_OBJECT_BIT = 8
_WALL = {"contype": _OBJECT_BIT, "conaffinity": 2 | 4 | _OBJECT_BIT}
_FOOT = {"contype": 0, "conaffinity": 1}
_SEEN = {"contype": 0, "conaffinity": 0, "group": 2}
_FOOT_RADIUS = 0.001
_FEET = 6

_BATTERY_RADIUS, _BATTERY_HEIGHT, _BATTERY_MASS = 0.0085, 0.0345, 0.017
_BUTTON_HEIGHT = 0.0015
_ROLL_CLEARANCE = 0.001

_CUP_TOP_RADIUS, _CUP_RIM_RADIUS, _CUP_HEIGHT, _CUP_MASS = 0.020, 0.030, 0.070, 0.025
_CUP_WALL = 0.0015
CUP_END = 0.022
"""Thickness of a cup's closed end, and so the height by which a cup stacked on another sits above it; m."""
_CUP_WALL_BOXES = 16
# Enough that yaw cannot be seen, so that two cups which are the same look the same.
_CUP_FACETS = 120

Shape = Literal["battery", "cup"]
HEIGHT: dict[Shape, float] = {"battery": _BATTERY_HEIGHT, "cup": _CUP_HEIGHT}

SHADOW_RADIUS: dict[Shape, float] = {"battery": 0.022, "cup": 0.055}
"""How far the soft shadow of an object on the table reaches, m."""


@dataclass(frozen=True)
class Prop:
    """One object. Its frame stands in the middle of its underside, z up."""

    name: str
    shape: Shape
    rgba: tuple[float, float, float, float]

    @property
    def height(self) -> float:
        """Height in m of the upright object."""
        return HEIGHT[self.shape]


def add_prop(spec: mujoco.MjSpec, prop: Prop) -> None:
    """Add ``prop`` as a free body of its name."""
    body = spec.worldbody.add_body(name=prop.name)
    body.add_freejoint(name=prop.name)
    if prop.shape == "battery":
        _build_battery(body, prop)
    else:
        _build_cup(spec, body, prop)


def _build_battery(body: mujoco.MjsBody, prop: Prop) -> None:
    """An upright cell: a cylinder for cup and fingers, standing on spheres.

    A cylinder exactly upright on a flat face is a degenerate contact that kicks it over; spheres are not. Lying, it
    would rest on the spheres as a hexagon does; a capsule inside, clear of the table while it stands, lets it roll.
    """
    radius, height, mass = _BATTERY_RADIUS, _BATTERY_HEIGHT, _BATTERY_MASS
    across = mass * (3 * radius**2 + height**2) / 12
    _set_inertia(body, mass, height / 2, (across, across, mass * radius**2 / 2))
    cylinder = mujoco.mjtGeom.mjGEOM_CYLINDER
    middle = [0, 0, height / 2]
    body.add_geom(type=cylinder, size=[radius, height / 2, 0], pos=middle, group=3, **_WALL)
    _add_feet(body, radius - _FOOT_RADIUS, _FOOT_RADIUS)
    _add_feet(body, radius - _FOOT_RADIUS, height - _FOOT_RADIUS)
    ends = [0, 0, radius + _ROLL_CLEARANCE, 0, 0, height - radius - _ROLL_CLEARANCE]
    capsule = mujoco.mjtGeom.mjGEOM_CAPSULE
    body.add_geom(type=capsule, fromto=ends, size=[radius, 0, 0], group=3, condim=6, **_FOOT)
    can = (height - _BUTTON_HEIGHT) / 2
    body.add_geom(type=cylinder, size=[radius, can, 0], pos=[0, 0, can], rgba=prop.rgba, **_SEEN)
    button = [0, 0, height - _BUTTON_HEIGHT / 2]
    body.add_geom(type=cylinder, size=[0.0032, _BUTTON_HEIGHT / 2, 0], pos=button, rgba=(0.85, 0.85, 0.82, 1), **_SEEN)


def _build_cup(spec: mujoco.MjSpec, body: mujoco.MjsBody, prop: Prop) -> None:
    """An upside-down cup: a hollow frustum of tilted boxes under a thick closed end, so that cups nest without jamming.

    The walls do not touch the table: rings of spheres at rim and top edge do, which is cheaper and does not creep.
    """
    _set_inertia(body, _CUP_MASS, 0.45 * _CUP_HEIGHT, _cup_inertia())
    taper = np.arctan2(_CUP_RIM_RADIUS - _CUP_TOP_RADIUS, _CUP_HEIGHT)
    middle_radius = (_CUP_TOP_RADIUS + _CUP_RIM_RADIUS) / 2
    half_wall = _CUP_WALL / 2
    half_size = [
        half_wall,
        middle_radius * np.tan(np.pi / _CUP_WALL_BOXES) * 1.02,
        _CUP_HEIGHT / np.cos(taper) / 2,
    ]
    for angle in np.arange(_CUP_WALL_BOXES) * 2 * np.pi / _CUP_WALL_BOXES:
        inward = middle_radius - half_wall * np.cos(taper)
        position = [inward * np.cos(angle), inward * np.sin(angle), _CUP_HEIGHT / 2 - half_wall * np.sin(taper)]
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=half_size,
            pos=position,
            quat=_multiply(_turn((0, 0, 1), angle), _turn((0, 1, 0), -taper)),
            group=3,
            **_WALL,
        )
    end = _CUP_TOP_RADIUS / np.sqrt(2)
    end_middle = [0, 0, _CUP_HEIGHT - CUP_END / 2]
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[end, end, CUP_END / 2], pos=end_middle, group=3, **_WALL)
    _add_feet(body, _CUP_RIM_RADIUS - _FOOT_RADIUS, _FOOT_RADIUS)
    _add_feet(body, _CUP_TOP_RADIUS - _FOOT_RADIUS, _CUP_HEIGHT - _FOOT_RADIUS)
    mesh = f"{prop.name} surface"
    vertices, faces = _surface_of_revolution(_cup_profile(), _CUP_FACETS)
    spec.add_mesh(name=mesh, uservert=vertices.ravel(), userface=faces.ravel(), inertia=_SHELL)
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh, rgba=prop.rgba, **_SEEN)


_SHELL = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL


def _cup_inertia() -> tuple[float, float, float]:
    """Return the principal inertia of the cup about its centre of mass, as of a hollow cylinder of its mean radius."""
    radius = (_CUP_TOP_RADIUS + _CUP_RIM_RADIUS) / 2
    across = _CUP_MASS * (6 * radius**2 + _CUP_HEIGHT**2) / 12
    return across, across, _CUP_MASS * radius**2


def _set_inertia(body: mujoco.MjsBody, mass: float, height: float, inertia: tuple[float, float, float]) -> None:
    body.explicitinertial = True
    body.mass = mass
    body.ipos = [0, 0, height]
    body.inertia = inertia


def _add_feet(body: mujoco.MjsBody, radius: float, height: float) -> None:
    for angle in np.arange(_FEET) * 2 * np.pi / _FEET:
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_SPHERE,
            size=[_FOOT_RADIUS, 0, 0],
            pos=[radius * np.cos(angle), radius * np.sin(angle), height],
            group=3,
            **_FOOT,
        )


def _cup_profile() -> list[tuple[float, float]]:
    """Return (radius, height) from the middle of the closed end, down the outside, up the inside to its ceiling."""
    ceiling = _CUP_HEIGHT - CUP_END
    slope = (_CUP_RIM_RADIUS - _CUP_TOP_RADIUS) / _CUP_HEIGHT
    inner_rim = _CUP_RIM_RADIUS - _CUP_WALL
    return [
        (0, _CUP_HEIGHT),
        (_CUP_TOP_RADIUS - 0.001, _CUP_HEIGHT),
        (_CUP_TOP_RADIUS, _CUP_HEIGHT - 0.001),
        (_CUP_RIM_RADIUS, 0),
        (inner_rim, 0),
        (inner_rim - slope * ceiling, ceiling),
        (0, ceiling),
    ]


def _surface_of_revolution(
    profile: list[tuple[float, float]], facets: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Turn a profile of (radius, height) about z into vertices ``[v, 3]`` and triangles ``[f, 3]``, outside out.

    Every band has vertices of its own, so that its edges stay crisp while it is smooth around.
    """
    angles = np.arange(facets) * 2 * np.pi / facets
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    vertices: list[npt.NDArray[np.float64]] = []
    faces: list[npt.NDArray[np.int32]] = []
    first = 0
    here = np.arange(facets)
    following = (here + 1) % facets
    for (upper_radius, upper), (lower_radius, lower) in itertools.pairwise(profile):
        for radius, height in ((upper_radius, upper), (lower_radius, lower)):
            vertices.append(np.column_stack([radius * around, np.full(facets, height)]))
        top, bottom = first, first + facets
        if lower_radius > 0:
            faces.append(np.column_stack([top + here, bottom + here, bottom + following]))
        if upper_radius > 0:
            faces.append(np.column_stack([top + here, bottom + following, top + following]))
        first += 2 * facets
    return np.concatenate(vertices), np.concatenate(faces).astype(np.int32)


def _turn(axis: tuple[int, int, int], angle: float) -> npt.NDArray[np.float64]:
    quaternion = np.empty(4)
    mujoco.mju_axisAngle2Quat(quaternion, np.array(axis, dtype=np.float64), angle)
    return quaternion


def _multiply(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    product = np.empty(4)
    mujoco.mju_mulQuat(product, first, second)
    return product
