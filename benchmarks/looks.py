"""A picture of how *stack3* looks under eight seeds with `--randomize`.

python benchmarks/looks.py --out docs/images/looks.jpg
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import tyro

from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.tasks import make_task
from arvla_ros.sim.world import WidowXWorld


@dataclass(frozen=True)
class LooksConfig:
    """Where to."""

    out: Path
    """Picture, JPEG."""


def main(config: LooksConfig) -> None:
    """Render four by two pictures."""
    contract = RobotContract.load().resized((240, 180), (960, 720))
    world = WidowXWorld(make_task("stack3"), contract, randomize=True)
    pictures = []
    for seed in range(8):
        world.reset(seed)
        pictures.append(contract.image(world.render()))
    world.close()
    whole = np.concatenate([np.concatenate(pictures[row : row + 4], axis=1) for row in (0, 4)])
    with av.open(str(config.out), "w", format="image2") as file:
        stream = file.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = whole.shape[1], whole.shape[0], "yuvj420p"
        stream.options = {"qmin": "4", "qmax": "4"}
        file.mux(stream.encode(av.VideoFrame.from_ndarray(whole, format="rgb24")))
        file.mux(stream.encode())


if __name__ == "__main__":
    main(tyro.cli(LooksConfig, description=__doc__))
