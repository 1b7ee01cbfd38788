"""The simulated arm as a Gymnasium environment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.env import Observation, RolloutEnv
from arvla_ros.sim.gym.spaces import action_box, instruction_text, state_box
from arvla_ros.sim.tasks import make_task
from arvla_ros.sim.window import Window


class ArmEnv(gymnasium.Env[Any, Any]):
    """One task of the simulated WidowX, stepped at the control rate of its robot contract.

    An observation is ``{"images": {camera: uint8 [H, W, 3]}, "state": float32 [S], "instruction": str}``, an action a
    float32 ``[A]`` of the contract's action space. The reward is the gain in score since the step before, so that
    rewards add up to the last score less the first. Success terminates, the time limit truncates.

    ``info`` holds ``score`` (0 to 1), ``milestones`` (names of what was reached, in order), ``success``, ``elapsed``
    (simulated s) and ``unreachable`` (why the arm held still; empty where it did not).
    """

    metadata = {"render_modes": ["rgb_array", "human"], "render_fps": 10}  # noqa: RUF012

    def __init__(
        self,
        task: str,
        action_space: str = "joint_delta",
        image_size: tuple[int, int] | None = None,
        contract: str = "wx250s",
        randomize: bool = False,
        render_mode: str | None = None,
    ) -> None:
        """Build the world.

        Args:
            task: Name of a task of ``arvla_ros.sim.tasks``.
            action_space: One of ``arvla_ros.robots.contract.ACTION_SPACES``.
            image_size: Width and height of the images, rendered so. None: as a policy sees them, rendered in the
                camera's size and averaged down by the contract; four times slower.
            contract: A YAML file, or the name of a contract that the package ships.
            randomize: Draw light, colours and camera from the seed of every episode.
            render_mode: ``rgb_array``, ``human`` (a window, at the control rate) or None.

        Raises:
            TaskError: there is no such task.
            ContractError: there is no such contract or action space.
            RenderingError: the size is impossible, or nothing renders on this machine.
        """
        made = RobotContract.from_dict({**RobotContract.load(contract).to_dict(), "action_space": action_space})
        if image_size is not None:
            width, height = image_size
            cameras = tuple(replace(camera, width=width, height=height) for camera in made.cameras)
            made = replace(made, cameras=cameras, image_width=width, image_height=height)
        self.metadata = {**self.metadata, "render_fps": round(made.control_rate_hz)}
        self.render_mode = render_mode
        self.rollout = RolloutEnv(make_task(task), made, randomize)
        self._window: Window | None = None
        shapes = {name: image.shape for name, image in self._images().items()}
        images: dict[str, spaces.Space[Any]] = {
            name: spaces.Box(0, 255, shape, np.uint8) for name, shape in shapes.items()
        }
        self.observation_space = spaces.Dict(
            {
                "images": spaces.Dict(images),
                "state": state_box(made),
                "instruction": instruction_text(self.rollout.world.task.instructions),
            }
        )
        self.action_space = action_box(made)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin the episode that ``seed`` stands for, as in ``RolloutEnv.reset``; without one, the next at random."""
        super().reset(seed=seed)
        episode = seed if seed is not None else int(self.np_random.integers(2**31))
        observation = self.rollout.reset(episode)
        self._score = self.rollout.status().score
        if self.render_mode == "human":
            self.render()
        return self._observe(observation), self._info()

    def step(self, action: npt.NDArray[np.float32]) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Execute an action ``[A]`` for one control period.

        Raises:
            ValueError: the action has the wrong length or is not finite.
        """
        observation = self.rollout.step(np.asarray(action, dtype=np.float32))
        info = self._info()
        reward = info["score"] - self._score
        self._score = info["score"]
        if self.render_mode == "human":
            self.render()
        return self._observe(observation), reward, info["success"], self.rollout.over and not info["success"], info

    def render(self) -> npt.NDArray[np.uint8] | None:
        """Return what the first camera sees, RGB ``[H, W, 3]``, or show it in a window, at the control rate.

        Raises:
            WindowError: a window is asked for where there is no display.
        """
        if self.render_mode is None:
            return None
        contract = self.rollout.contract
        camera = contract.cameras[0]
        picture = self.rollout.world.render(camera.name)
        if self.render_mode != "human":
            return picture
        title, size = self.rollout.world.task.name, (camera.width, camera.height)
        self._window = self._window or Window(title, contract.control_rate_hz, size)
        self._window.show(picture)
        return None

    def close(self) -> None:
        """Close the window and free what rendering holds."""
        if self._window is not None:
            self._window.close()
            self._window = None
        self.rollout.close()

    def _images(self) -> dict[str, npt.NDArray[np.uint8]]:
        contract, world = self.rollout.contract, self.rollout.world
        return {camera.name: contract.image(world.render(camera.name)) for camera in contract.cameras}

    def _observe(self, observation: Observation) -> dict[str, Any]:
        return {"images": self._images(), "state": observation.state, "instruction": observation.instruction}

    def _info(self) -> dict[str, Any]:
        status = self.rollout.status()
        return {
            "score": status.score,
            "milestones": status.milestones,
            "success": status.success,
            "elapsed": self.rollout.world.elapsed,
            "unreachable": self.rollout.unreachable,
        }
