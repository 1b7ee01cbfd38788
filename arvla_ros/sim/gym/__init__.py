"""Standard environments: importing this registers ``arvla/Reach-v0``, ``arvla/Stack3-v0`` and ``arvla/PushT2-v0``.

Gymnasium imports it by itself for ``gymnasium.make("arvla_ros.sim.gym:arvla/Reach-v0")``. Nothing else is imported
until an environment is made.
"""

from __future__ import annotations

import gymnasium

gymnasium.register("arvla/Reach-v0", "arvla_ros.sim.gym.arm:ArmEnv", kwargs={"task": "reach"})
gymnasium.register("arvla/Stack3-v0", "arvla_ros.sim.gym.arm:ArmEnv", kwargs={"task": "stack3"})
gymnasium.register("arvla/PushT2-v0", "arvla_ros.sim.pusht2.env:PushT2Env")
