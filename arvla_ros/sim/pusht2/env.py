"""PushT2 as a Gymnasium environment, on the physics of ``gym-pusht``.

Two goals lie on the table for good. The T has to cover more than 90% of one and then of the other, in any order. The
goals look alike before and after; nothing that is observed tells which of them is done, only what has happened does.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from arvla_ros.sim.pusht2.errors import PushT2Error
from arvla_ros.sim.pusht2.shape import OUTLINE, PUSHER_RADIUS, SIZE, Array, clearance, place
from arvla_ros.sim.window import Window

try:
    from gym_pusht.envs.pusht import PushTEnv
    from shapely.geometry import Polygon

    from arvla_ros.sim.pusht2.picture import draw, pixels
except ImportError as error:
    raise PushT2Error(
        f"PushT2 needs gym-pusht ({error}): `pip install gym-pusht`; where libGL.so.1 is missing, `apt install libgl1`"
    ) from error

OBSERVATIONS = ("state", "keypoints", "pixels", "pixels_agent_pos")
GOALS: dict[str, Array] = {
    "left": np.array([172.0, 224.0, np.pi / 4]),
    "right": np.array([340.0, 224.0, -np.pi / 4]),
}
"""Pose of the T at each goal: x, y of the middle of its bar's outer edge, pixels; angle, rad."""
COVERAGE = 0.90
TIME_LIMIT_S = 60.0
RATE_HZ = 10

# The T starts this far from the table's edge, so that there is room to push it away from there.
_MARGIN = 45.0
# A T that begins nearer than this to a goal would be half way there.
_SHORTEST_WAY = 100.0


class PushT2Env(gymnasium.Env[Any, Any]):
    """A round pusher, a T and two goals, at 10 Hz; an action ``[2]`` is where the pusher goes, 0 to 512 pixels.

    Observations, by ``obs_type``: ``state`` is float32 ``[5]``, pusher x, y, T x, y, angle; ``keypoints`` is
    ``{"keypoints": float32 [8, 2], "agent_pos": float32 [2]}``, the T's corners; ``pixels`` is uint8 ``[H, W, 3]``;
    ``pixels_agent_pos`` is ``{"pixels", "agent_pos"}``, as ``gym-pusht`` and LeRobot have it.

    ``info`` holds ``score`` (half a point a goal), ``milestones`` (goals reached, in order), ``success``, ``elapsed``
    (s), and ``coverage`` (share of each goal, ``[2]``, as in ``GOALS``). The reward is the gain in score.

    Attributes:
        physics: The environment of ``gym-pusht`` beneath.
    """

    metadata = {"render_modes": ["rgb_array", "human"], "render_fps": RATE_HZ}  # noqa: RUF012

    def __init__(
        self, obs_type: str = "state", image_size: tuple[int, int] = (96, 96), render_mode: str | None = None
    ) -> None:
        """Build the table.

        Args:
            obs_type: One of ``OBSERVATIONS``.
            image_size: Width and height of observed images, pixels.
            render_mode: ``rgb_array``, ``human`` (a window) or None.

        Raises:
            PushT2Error: no such observation, or an impossible size.
        """
        if obs_type not in OBSERVATIONS:
            raise PushT2Error(f"obs_type {obs_type!r} is none of {', '.join(OBSERVATIONS)}")
        if not all(0 < edge <= 4 * SIZE for edge in image_size):
            raise PushT2Error(f"image size {image_size[0]}x{image_size[1]} is outside 1x1 to {4 * SIZE}x{4 * SIZE}")
        self.obs_type, self.image_size, self.render_mode = obs_type, image_size, render_mode
        self.physics = PushTEnv(obs_type="state")
        self._goals = [Polygon(place(pose, OUTLINE)) for pose in GOALS.values()]
        self._window: Window | None = None
        self.action_space = spaces.Box(0, SIZE, (2,), np.float32)
        agent = spaces.Box(0, SIZE, (2,), np.float32)
        image = spaces.Box(0, 255, (image_size[1], image_size[0], 3), np.uint8)
        # A T that is squeezed against an edge reaches a little beyond it.
        low, high = [0.0, 0.0, -SIZE, -SIZE, 0.0], [SIZE, SIZE, 2 * SIZE, 2 * SIZE, 7.0]
        self.observation_space = {
            "state": spaces.Box(np.array(low, np.float32), np.array(high, np.float32)),
            "keypoints": spaces.Dict(
                {"keypoints": spaces.Box(-SIZE, 2 * SIZE, OUTLINE.shape, np.float32), "agent_pos": agent}
            ),
            "pixels": image,
            "pixels_agent_pos": spaces.Dict({"pixels": image, "agent_pos": agent}),
        }[obs_type]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: The same seed gives the same episode.
            options: ``state``, five numbers as the observation ``state`` has them, to begin there; ``reached``, names
                of goals that count as done.

        Raises:
            PushT2Error: a goal that does not exist, or a state that is not five finite numbers.
        """
        super().reset(seed=seed)
        options = options or {}
        unknown = set(options.get("reached", ())) - set(GOALS)
        if unknown:
            raise PushT2Error(f"no goal {', '.join(map(repr, sorted(unknown)))}; there are {', '.join(GOALS)}")
        state = np.asarray(options["state"], np.float64) if "state" in options else self._draw_start()
        if state.shape != (5,) or not np.isfinite(state).all():
            raise PushT2Error(f"state must be 5 finite numbers (pusher x, y, T x, y, angle), got {state.tolist()}")
        # From a fixed state: what its own random start leaves in the solver would come along otherwise.
        self.physics.reset(options={"reset_to_state": [40.0, 40.0, 256.0, 256.0, 0.0]})
        body, agent = self.physics.block, self.physics.agent
        agent.position, agent.velocity = tuple(state[:2]), (0.0, 0.0)
        # The angle first: turning it moves the origin, about the centre of mass.
        body.angle = state[4]
        body.position = tuple(state[2:4])
        self.physics.space.reindex_shapes_for_body(body)
        self._steps = 0
        self._milestones: tuple[str, ...] = tuple(options.get("reached", ()))
        self._judge()
        return self._observe(), self._info()

    def step(self, action: npt.NDArray[np.float32]) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Let the pusher go towards ``action [2]`` for 0.1 s.

        Raises:
            PushT2Error: the action is not two finite numbers.
        """
        target = np.asarray(action, dtype=np.float64)
        if target.shape != (2,) or not np.isfinite(target).all():
            raise PushT2Error(f"action must be 2 finite numbers, got {target.tolist()}")
        self.physics.step(np.clip(target, 0.0, SIZE))
        self._steps += 1
        before = self._score
        self._judge()
        success = len(self._milestones) == len(GOALS)
        truncated = not success and self._steps >= TIME_LIMIT_S * RATE_HZ
        if self.render_mode == "human":
            self.render()
        return self._observe(), self._score - before, success, truncated, self._info()

    @property
    def agent(self) -> Array:
        """Place and velocity of the pusher ``[4]``: pixels, pixels/s."""
        return np.array([*self.physics.agent.position, *self.physics.agent.velocity])

    @property
    def block(self) -> Array:
        """Pose of the T ``[3]``."""
        return np.array([*self.physics.block.position, self.physics.block.angle])

    @property
    def _score(self) -> float:
        return len(self._milestones) / len(GOALS)

    def _draw_start(self) -> Array:
        while True:
            block = self.np_random.uniform([_MARGIN, _MARGIN, -np.pi], [SIZE - _MARGIN, SIZE - _MARGIN, np.pi])
            agent = self.np_random.uniform(_MARGIN, SIZE - _MARGIN, 2)
            corners = place(block, OUTLINE)
            inside = ((corners > _MARGIN) & (corners < SIZE - _MARGIN)).all()
            away = all(np.hypot(*(block - goal)[:2]) > _SHORTEST_WAY for goal in GOALS.values())
            if inside and away and clearance(agent, block) > 2 * PUSHER_RADIUS:
                return np.hstack((agent, block))

    def _judge(self) -> None:
        outline = Polygon(place(self.block, OUTLINE))
        self._coverage = np.array([goal.intersection(outline).area / goal.area for goal in self._goals])
        for name, coverage in zip(GOALS, self._coverage, strict=True):
            if coverage > COVERAGE and name not in self._milestones:
                self._milestones += (name,)

    def _info(self) -> dict[str, Any]:
        return {
            "score": self._score,
            "milestones": self._milestones,
            "success": len(self._milestones) == len(GOALS),
            "elapsed": self._steps / RATE_HZ,
            "coverage": self._coverage,
        }

    def _observe(self) -> Any:
        agent = np.clip(self.agent[:2], 0.0, SIZE).astype(np.float32)
        if self.obs_type == "state":
            x, y, angle = self.block
            return np.array([*agent, x, y, angle % (2 * np.pi)], np.float32)
        if self.obs_type == "keypoints":
            return {"keypoints": place(self.block, OUTLINE).astype(np.float32), "agent_pos": agent}
        image = self.picture(self.image_size)
        return image if self.obs_type == "pixels" else {"pixels": image, "agent_pos": agent}

    def render(self) -> npt.NDArray[np.uint8] | None:
        """Return the table, RGB ``[512, 512, 3]``, or show it in a window, at 10 Hz.

        Raises:
            WindowError: a window is asked for where there is no display.
        """
        if self.render_mode == "human":
            self._window = self._window or Window("PushT2", RATE_HZ, (SIZE, SIZE))
            self._window.show(self.picture())
        return self.picture() if self.render_mode == "rgb_array" else None

    def picture(self, size: tuple[int, int] = (SIZE, SIZE)) -> npt.NDArray[np.uint8]:
        """Return the table as it is now, RGB ``[height, width, 3]``, averaged to ``size`` (width, height)."""
        return pixels(self._draw(), size)

    def close(self) -> None:
        """Close the window."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def _draw(self) -> Any:
        return draw(self.agent[:2], self.block, list(GOALS.values()))
