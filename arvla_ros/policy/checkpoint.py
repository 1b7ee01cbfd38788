"""Checkpoints: a folder with ``config.json``, two safetensors files and a model card. No pickle.

Perception loads only the backbone, the action expert only the expert; ``model_id``, the SHA-256 of the backbone's file,
ties the two together.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from arvla_ros.policy.backbone import BackboneConfig, SmallBackbone
from arvla_ros.policy.expert import ActionExpert, ExpertConfig
from arvla_ros.policy.normalization import NormalizationError, Normalizer
from arvla_ros.robots.contract import ContractError, RobotContract

FORMAT = "arvla_ros checkpoint 1"
CONFIG, BACKBONE, EXPERT, CARD = "config.json", "backbone.safetensors", "expert.safetensors", "README.md"

_NORMALIZED = ("state", "action", "position")
_WEIGHT_DTYPES = (torch.float32, torch.float16, torch.bfloat16)

ConfigT = TypeVar("ConfigT", BackboneConfig, ExpertConfig)
ModuleT = TypeVar("ModuleT", SmallBackbone, ActionExpert)


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; one line that names the path, what is wrong and what to do."""


@dataclass(frozen=True)
class Manifest:
    """What ``config.json`` says.

    Attributes:
        task: name of the task that it was trained on.
        contract: the robot's topics, joints, rates and sizes that it was trained with.
        backbone: shape and vocabulary of the backbone.
        expert: shape of the action expert.
        state: normalisation of states.
        action: normalisation of actions.
        position: normalisation of the object positions (x, y in ``base_link``, m) that the backbone tells.
        model_id: SHA-256 of ``backbone.safetensors``, in hex; filled in when saved.
        training: how it came about, for people: seeds, steps, seconds, machine, measured success.

    Raises:
        ValueError: backbone, expert, contract and normalisation do not fit each other.
    """

    task: str
    contract: RobotContract
    backbone: BackboneConfig
    expert: ExpertConfig
    state: Normalizer
    action: Normalizer
    position: Normalizer
    model_id: str = ""
    training: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made = (self.backbone.layers, self.backbone.kv_heads, self.backbone.head_dim)
        read = (self.expert.layers, self.expert.kv_heads, self.expert.head_dim)
        if made != read:
            raise ValueError(f"backbone makes [layers, kv heads, head dim] {list(made)}, expert reads {list(read)}")
        sizes = {
            "expert's state": (self.expert.state_size, self.contract.state_size),
            "expert's action": (self.expert.action_size, self.contract.state_size),
            "state normalisation": (len(self.state.offset), self.expert.state_size),
            "action normalisation": (len(self.action.offset), self.expert.action_size),
            "backbone's image height": (self.backbone.image_height, self.contract.image_height),
            "backbone's image width": (self.backbone.image_width, self.contract.image_width),
        }
        for name, (found, expected) in sizes.items():
            if found != expected:
                raise ValueError(f"{name} has size {found}, expected {expected}")

    @property
    def instructions(self) -> tuple[str, ...]:
        """Every instruction that the checkpoint knows."""
        return self.backbone.instructions


def save_checkpoint(
    folder: str | Path,
    manifest: Manifest,
    backbone: SmallBackbone,
    expert: ActionExpert,
    card: Callable[[Manifest], str],
) -> Manifest:
    """Write a checkpoint folder, replacing what it held.

    Args:
        folder: where to.
        manifest: what it is; ``model_id`` is filled in.
        backbone: perception's side.
        expert: the action expert's side.
        card: writes the model card of the finished manifest.

    Returns:
        The manifest with its ``model_id``.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / BACKBONE).write_bytes(save(_weights(backbone)))
    manifest = dataclasses.replace(manifest, model_id=_digest(folder / BACKBONE))
    (folder / EXPERT).write_bytes(save(_weights(expert), metadata={"model_id": manifest.model_id}))
    config = {
        "format": FORMAT,
        "task": manifest.task,
        "model_id": manifest.model_id,
        "contract": manifest.contract.to_dict(),
        "backbone": dataclasses.asdict(manifest.backbone),
        "expert": dataclasses.asdict(manifest.expert),
        "normalization": {name: getattr(manifest, name).to_dict() for name in _NORMALIZED},
        "training": manifest.training,
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n")
    (folder / CARD).write_text(card(manifest))
    return manifest


def load_manifest(folder: str | Path) -> Manifest:
    """Read what a checkpoint is, without its weights.

    Raises:
        CheckpointError: no such folder, no readable ``config.json``, or one of another program or version.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CheckpointError(f"checkpoint {folder}: no such folder; give the folder that holds {CONFIG}")
    file = _file(folder, CONFIG)
    try:
        config = json.loads(file.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{file}: not JSON ({error}); copy the checkpoint again") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        found = config.get("format") if isinstance(config, dict) else type(config).__name__
        raise CheckpointError(f"{file}: format is {found!r}, not {FORMAT!r}; train one with `arvla train`")
    try:
        return Manifest(
            task=str(config["task"]),
            contract=RobotContract.from_dict(config["contract"]),
            backbone=_config(BackboneConfig, config["backbone"], "backbone"),
            expert=_config(ExpertConfig, config["expert"], "expert"),
            **{name: Normalizer.from_dict(config["normalization"][name]) for name in _NORMALIZED},
            model_id=str(config["model_id"]),
            training=dict(config["training"]),
        )
    except KeyError as error:
        raise CheckpointError(f"{file}: field {error} is missing; copy the checkpoint again") from error
    except (ContractError, NormalizationError, TypeError, ValueError) as error:
        raise CheckpointError(f"{file}: {error}; copy the checkpoint again or train anew") from error


def load_backbone(folder: str | Path, device: torch.device | str = "cpu") -> SmallBackbone:
    """Load perception's side and check it against the manifest's ``model_id``.

    Raises:
        CheckpointError: as ``load_manifest``; or weights that are missing, foreign, damaged or not finite.
    """
    manifest = load_manifest(folder)
    file = _file(Path(folder), BACKBONE)
    backbone, _ = _load(SmallBackbone(manifest.backbone), file, device)
    digest = _digest(file)
    if digest != manifest.model_id:
        raise CheckpointError(
            f"{file}: SHA-256 is {digest[:12]}…, {CONFIG} says {manifest.model_id[:12]}…; "
            "the files are of different checkpoints, copy the whole folder again"
        )
    return backbone


def load_expert(folder: str | Path, device: torch.device | str = "cpu") -> ActionExpert:
    """Load the action expert and check that it was trained with the manifest's backbone.

    Raises:
        CheckpointError: as ``load_manifest``; or weights that are missing, foreign, damaged or not finite.
    """
    manifest = load_manifest(folder)
    file = _file(Path(folder), EXPERT)
    expert, model_id = _load(ActionExpert(manifest.expert), file, device)
    if model_id != manifest.model_id:
        raise CheckpointError(
            f"{file}: trained with backbone {model_id[:12]}…, {CONFIG} says {manifest.model_id[:12]}…; "
            "the files are of different checkpoints, copy the whole folder again"
        )
    return expert


def _file(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise CheckpointError(f"checkpoint {folder}: {name} is missing; copy the checkpoint again")
    return folder / name


def _weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _config(cls: type[ConfigT], fields: Any, name: str) -> ConfigT:
    """Rebuild a config from JSON, where every field must be there and none more."""
    expected = {field.name for field in dataclasses.fields(cls)}
    if not isinstance(fields, dict) or set(fields) != expected:
        differing = sorted(expected.symmetric_difference(fields if isinstance(fields, dict) else ()))
        raise ValueError(f"{name}: missing or unknown {', '.join(differing)}")
    # JSON has lists where configs, which are hashable, have tuples.
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    for key, hint in typing.get_type_hints(cls).items():
        if not _is_of_type(values[key], hint):
            raise ValueError(f"{name}: {key} is {values[key]!r}")
    return cls(**values)


def _is_of_type(value: Any, hint: Any) -> bool:
    if typing.get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_is_of_type(item, typing.get_args(hint)[0]) for item in value)
    if typing.get_origin(hint) is typing.Literal:
        return value in typing.get_args(hint)
    return type(value) is hint or (hint is float and type(value) is int)


def _load(module: ModuleT, file: Path, device: torch.device | str) -> tuple[ModuleT, str]:
    """Fill a module from a safetensors file; return it, ready to run, and the ``model_id`` in the file's header."""
    try:
        with safe_open(file, framework="pt") as opened:
            weights = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            model_id = (opened.metadata() or {}).get("model_id", "")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file}: not a whole safetensors file ({error}); copy the checkpoint again") from error
    expected = module.state_dict()
    differing = sorted(set(expected).symmetric_difference(weights))
    if differing:
        problem = "lacks" if differing[0] in expected else "has unknown"
        raise CheckpointError(
            f"{file}: {problem} tensor {differing[0]!r} ({len(differing)} names differ from {CONFIG}); "
            "copy the whole checkpoint again"
        )
    for name, tensor in weights.items():
        _check_tensor(f"{file}: tensor {name!r}", tensor, expected[name])
    module.load_state_dict(weights)
    return module.to(device).eval().requires_grad_(False), model_id


def _check_tensor(where: str, tensor: Tensor, expected: Tensor) -> None:
    if tensor.shape != expected.shape:
        raise CheckpointError(
            f"{where} is {list(tensor.shape)}, {CONFIG} says {list(expected.shape)}; copy the whole checkpoint again"
        )
    if tensor.dtype not in _WEIGHT_DTYPES:
        raise CheckpointError(f"{where} is {tensor.dtype}, not a floating type; save the checkpoint again")
    if not torch.isfinite(tensor).all():
        raise CheckpointError(f"{where} is not finite; the training diverged, train anew")
