"""A checkpoint that knows stack3's words and nothing of how to do it: small, untrained, made on the spot."""

from __future__ import annotations

from pathlib import Path

import torch

from arvla_ros.policy.checkpoint import Manifest, save_checkpoint
from arvla_ros.policy.expert import ActionExpert, ExpertConfig
from arvla_ros.policy.normalization import Normalizer
from arvla_ros.policy.small import SmallBackbone, SmallConfig
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.tasks import make_task


def save_untrained(folder: Path) -> Path:
    """Write it and return its folder."""
    torch.manual_seed(0)
    backbone = SmallConfig(
        make_task("stack3").instructions,
        layers=2,
        width=16,
        mlp_width=24,
        heads=2,
        stem_widths=(8, 8, 8),
        kv_heads=1,
        head_dim=8,
    )
    expert = ActionExpert(ExpertConfig(layers=2, width=16, mlp_width=24, query_heads=2, kv_heads=1, head_dim=8))
    # Its actions stay small: a person would see the arm tremble.
    small = Normalizer.mean_std(0.01 * torch.randn(20, 7))
    manifest = Manifest(
        task="stack3",
        contract=RobotContract.load(),
        backbone=backbone,
        expert=expert.config,
        state=Normalizer.mean_std(torch.randn(20, 7)),
        action=small,
        position=Normalizer.mean_std(torch.randn(20, 2)),
    )
    save_checkpoint(folder, manifest, SmallBackbone(backbone), expert, lambda written: f"# {written.task}, untrained\n")
    return folder
