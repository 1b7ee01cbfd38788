"""``arvla seed``: a copy of a checkpoint whose action expert starts from one of the π0 family."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file

from arvla_ros.policy.checkpoint import CARD, CONFIG, EXPERT, load_expert, load_manifest
from arvla_ros.policy.seeding import SeedError, seed_expert


@dataclass(frozen=True)
class SeedConfig:
    """Options of ``arvla seed``.

    Attributes:
        source: π0 or π0.5 in PyTorch form, from openpi or LeRobot: a folder, a safetensors file or an index of shards.
        checkpoint: folder of the checkpoint whose expert is to be seeded.
        out: folder of the seeded copy; must not exist.
    """

    source: Path
    checkpoint: Path
    out: Path


def seed(config: SeedConfig) -> None:
    """Write the seeded copy and print what was taken and what was not.

    The backbone stays as it is, and so does ``model_id``. Model card and training record tell where the expert is from,
    for what they say of its success no longer holds.

    Raises:
        SeedError: ``out`` exists, or the source has no such expert.
        CheckpointError: the checkpoint cannot be used.
        TensorFileError: the source cannot be read.
    """
    if config.out.exists():
        raise SeedError(f"{config.out}: exists already; give a folder that does not")
    model_id, expert = load_manifest(config.checkpoint).model_id, load_expert(config.checkpoint)
    report = seed_expert(expert, config.source)
    shutil.copytree(config.checkpoint, config.out)
    weights = {name: tensor.contiguous() for name, tensor in expert.state_dict().items()}
    save_file(weights, config.out / EXPERT, metadata={"model_id": model_id})
    fields = json.loads((config.out / CONFIG).read_text())
    fields["training"] = {"expert_seeded_from": str(config.source), "before": fields["training"]}
    (config.out / CONFIG).write_text(json.dumps(fields, indent=2) + "\n")
    with (config.out / CARD).open("a") as card:
        card.write(f"\n## The expert was replaced since\n\nIt is untrained for this robot.\n\n```\n{report}\n```\n")
    print(report)
