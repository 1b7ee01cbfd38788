"""The model card that goes with a checkpoint, written from what was measured."""

from __future__ import annotations

from arvla_ros.evaluation.rollout import table
from arvla_ros.policy.backbones import kind_of
from arvla_ros.policy.checkpoint import Manifest

_CARD = """---
license: apache-2.0
library_name: arvla_ros
tags: [robotics, vla, widowx, imitation-learning]
---

# AR-VLA for WidowX 250s: {task}

An autoregressive action expert with a hybrid key/value cache, driven by a small vision-and-instruction backbone.
Trained from demonstrations of a scripted expert in the MuJoCo simulation of `arvla_ros`; not for a real arm.

Closed loop in simulation, layouts that were never trained on:

{results}

| | |
|---|---|
| task | {task} |
| robot, control rate | {robot}, {rate:g} Hz |
| sees | {width} x {height} RGB of camera {cameras}, an instruction |
| token | measured joints (rad) and gripper opening (m), one a control step |
| action | joint deltas from the measured joints (rad), gripper opening (m) |
| expert | {expert} |
| backbone | {backbone} |
| history, horizon | {history} steps, {horizon} steps |
| model_id | `{model_id}` |
| demonstrations | {episodes} episodes, {steps} steps; {scenes} single pictures of random scenes for sight |
| training | {seconds}; {machine} |

Train it again:

```
arvla sim record --out datasets/{task} --episodes {episodes}
arvla train --config config/train/{task}.yaml
```

It knows these instructions and refuses others: {instructions}.
"""


def model_card(manifest: Manifest) -> str:
    """Return the card as Markdown: nothing but what the manifest records."""
    contract, expert, backbone, record = manifest.contract, manifest.expert, manifest.backbone, manifest.training
    seconds = ", ".join(f"{name} {value:.0f} s" for name, value in record["seconds"].items())
    return _CARD.format(
        task=manifest.task,
        results=table(record["evaluation"]) if record["evaluation"] else "Not measured.",
        robot=contract.robot,
        rate=contract.control_rate_hz,
        width=contract.image_width,
        height=contract.image_height,
        cameras=", ".join(camera.name for camera in contract.cameras),
        expert=f"{expert.layers} layers, width {expert.width}, {expert.query_heads} heads x {expert.head_dim}",
        backbone=f"{kind_of(backbone)}, {backbone.layers} layers, {backbone.prefix_tokens} tokens a prefix",
        history=expert.history_length,
        horizon=expert.horizon,
        model_id=manifest.model_id,
        episodes=record["demonstrations"]["episodes"],
        steps=record["demonstrations"]["steps"],
        scenes=record["scenes"],
        seconds=seconds,
        machine=record["machine"],
        instructions=", ".join(f"“{instruction}”" for instruction in manifest.instructions),
    )
