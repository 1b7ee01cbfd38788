"""Checkpoints: a folder with ``config.json``, two safetensors files and a model card. No pickle.

Perception loads only the backbone, the action expert only the expert; ``model_id``, the SHA-256 of the backbone's
weights, ties the two together. A pretrained backbone is not one file but a model in Hugging Face format, in the folder
``backbone`` or wherever ``backbone.source`` in ``config.json`` says.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from arvla_ros.policy import backbones
from arvla_ros.policy.backbones import KINDS, Backbone, BackboneConfig
from arvla_ros.policy.expert import ActionExpert, ExpertConfig
from arvla_ros.policy.normalization import NormalizationError, Normalizer
from arvla_ros.policy.prefix import DTYPES
from arvla_ros.robots.contract import ContractError, RobotContract

FORMAT = "arvla_ros checkpoint 1"
CONFIG, BACKBONE, EXPERT, CARD = "config.json", "backbone.safetensors", "expert.safetensors", "README.md"
PRETRAINED = "backbone"

_NORMALIZED = ("state", "action", "position")
_WEIGHT_DTYPES = (torch.float32, torch.float16, torch.bfloat16)

ModuleT = TypeVar("ModuleT", bound=nn.Module)


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; one line that names the path, what is wrong and what to do."""


@dataclass(frozen=True)
class Manifest:
    """What ``config.json`` says.

    Attributes:
        task: name of the task that it was trained on.
        contract: the robot's topics, joints, rates and sizes that it was trained with.
        backbone: shape of the backbone; its class tells which kind.
        expert: shape of the action expert.
        state: normalisation of states.
        action: normalisation of actions.
        position: normalisation of the object positions (x, y in ``base_link``, m) that a small backbone tells.
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
    position: Normalizer | None = None
    model_id: str = ""
    training: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made = (self.backbone.layers, self.backbone.kv_heads, self.backbone.head_dim)
        read = (self.expert.layers, self.expert.kv_heads, self.expert.head_dim)
        if made != read:
            raise ValueError(f"backbone makes [layers, kv heads, head dim] {list(made)}, expert reads {list(read)}")
        sizes = {
            "expert's state size": (self.expert.state_size, self.contract.state_size),
            "expert's action size": (self.expert.action_size, self.contract.action_size),
            "state normalisation's size": (len(self.state.offset), self.expert.state_size),
            "action normalisation's size": (len(self.action.offset), self.expert.action_size),
            "backbone's cameras": (self.backbone.cameras, len(self.contract.cameras)),
            "backbone's image height": (self.backbone.image_height, self.contract.image_height),
            "backbone's image width": (self.backbone.image_width, self.contract.image_width),
        }
        for name, (found, expected) in sizes.items():
            if found != expected:
                raise ValueError(f"{name} is {found}, expected {expected}")

    @property
    def instructions(self) -> tuple[str, ...]:
        """Every instruction that the checkpoint knows; none if it takes any."""
        return cast("tuple[str, ...]", getattr(self.backbone, "instructions", ()))


def save_checkpoint(
    folder: str | Path,
    manifest: Manifest,
    backbone: Backbone | None,
    expert: ActionExpert,
    card: Callable[[Manifest], str],
) -> Manifest:
    """Write a checkpoint folder, replacing what it held.

    Args:
        folder: where to.
        manifest: what it is; ``model_id`` is filled in.
        backbone: perception's side; None leaves a pretrained one where ``manifest.backbone.source`` says it is.
        expert: the action expert's side.
        card: writes the model card of the finished manifest.

    Returns:
        The manifest with its ``model_id``.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if backbone is not None and backbones.is_pretrained(manifest.backbone):
        cast("Any", backbone).save(folder / PRETRAINED)
        manifest = dataclasses.replace(
            manifest, backbone=dataclasses.replace(cast("Any", manifest.backbone), source=PRETRAINED)
        )
    elif backbone is not None:
        (folder / BACKBONE).write_bytes(save(_weights(cast("nn.Module", backbone))))
    manifest = dataclasses.replace(manifest, model_id=_fingerprint(manifest.backbone, folder))
    (folder / EXPERT).write_bytes(save(_weights(expert), metadata={"model_id": manifest.model_id}))
    normalizers = {name: getattr(manifest, name) for name in _NORMALIZED}
    config = {
        "format": FORMAT,
        "task": manifest.task,
        "model_id": manifest.model_id,
        "contract": manifest.contract.to_dict(),
        "backbone": {
            "kind": backbones.kind_of(manifest.backbone),
            **dataclasses.asdict(cast("Any", manifest.backbone)),
        },
        "expert": dataclasses.asdict(manifest.expert),
        "normalization": {name: normalizer.to_dict() for name, normalizer in normalizers.items() if normalizer},
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
            backbone=_backbone_config(config["backbone"]),
            expert=_config(ExpertConfig, config["expert"], "expert"),
            state=Normalizer.from_dict(config["normalization"]["state"]),
            action=Normalizer.from_dict(config["normalization"]["action"]),
            position=_position(config["normalization"]),
            model_id=str(config["model_id"]),
            training=dict(config["training"]),
        )
    except KeyError as error:
        raise CheckpointError(f"{file}: field {error} is missing; copy the checkpoint again") from error
    except (ContractError, NormalizationError, TypeError, ValueError) as error:
        raise CheckpointError(f"{file}: {error}; copy the checkpoint again or train anew") from error


def load_backbone(folder: str | Path, device: torch.device | str = "cpu", dtype: str = "float32") -> Backbone:
    """Load perception's side and check it against the manifest's ``model_id``.

    Args:
        folder: the checkpoint.
        device: where to.
        dtype: in which a pretrained backbone computes, a name of ``DTYPES``; the others compute in float32.

    Raises:
        CheckpointError: as ``load_manifest``; or weights that are missing, foreign, damaged or not finite.
    """
    folder, manifest = Path(folder), load_manifest(folder)
    config = manifest.backbone
    if backbones.is_pretrained(config):
        try:
            backbone = backbones.load_pretrained(config, device, dtype, folder)
        except ValueError as error:
            raise CheckpointError(f"checkpoint {folder}: {error}") from error
    else:
        backbone, _ = _load(backbones.build(config), _file(folder, BACKBONE), device, torch.float32)
    found = _fingerprint(config, folder)
    if found != manifest.model_id:
        raise CheckpointError(
            f"{folder / (PRETRAINED if backbones.is_pretrained(config) else BACKBONE)}: SHA-256 is {found[:12]}…, "
            f"{CONFIG} says {manifest.model_id[:12]}…; the weights are of different checkpoints, "
            "copy the whole folder again"
        )
    return cast("Backbone", backbone)


def load_expert(folder: str | Path, device: torch.device | str = "cpu", dtype: str = "float32") -> ActionExpert:
    """Load the action expert and check that it was trained with the manifest's backbone.

    Args:
        folder: the checkpoint.
        device: where to.
        dtype: in which it computes, a name of ``DTYPES``.

    Raises:
        CheckpointError: as ``load_manifest``; or weights that are missing, foreign, damaged or not finite.
    """
    manifest = load_manifest(folder)
    file = _file(Path(folder), EXPERT)
    expert, model_id = _load(ActionExpert(manifest.expert), file, device, DTYPES[dtype])
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


def _fingerprint(config: BackboneConfig, folder: Path) -> str:
    """Return the SHA-256 of a backbone's weights, in hex."""
    if backbones.is_pretrained(config):
        from arvla_ros.policy.pretrained import find_pretrained, model_id  # it needs the hub's library

        return model_id(find_pretrained(cast("Any", config).source, folder))
    return hashlib.sha256((folder / BACKBONE).read_bytes()).hexdigest()


def _position(normalization: dict[str, Any]) -> Normalizer | None:
    return Normalizer.from_dict(normalization["position"]) if "position" in normalization else None


def _backbone_config(fields: Any) -> BackboneConfig:
    kind = fields.get("kind") if isinstance(fields, dict) else None
    if kind not in KINDS:
        raise ValueError(f"backbone: kind is {kind!r}, none of {', '.join(KINDS)}")
    shape = {key: value for key, value in fields.items() if key != "kind"}
    return cast("BackboneConfig", _config(KINDS[kind].config_class, shape, "backbone"))


def _config(cls: type[Any], fields: Any, name: str) -> Any:
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


def _load(module: ModuleT, file: Path, device: torch.device | str, dtype: torch.dtype) -> tuple[ModuleT, str]:
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
    return module.to(device, dtype).eval().requires_grad_(False), model_id


def _check_tensor(where: str, tensor: Tensor, expected: Tensor) -> None:
    if tensor.shape != expected.shape:
        raise CheckpointError(
            f"{where} is {list(tensor.shape)}, {CONFIG} says {list(expected.shape)}; copy the whole checkpoint again"
        )
    if tensor.dtype not in _WEIGHT_DTYPES:
        raise CheckpointError(f"{where} is {tensor.dtype}, not a floating type; save the checkpoint again")
    if not torch.isfinite(tensor).all():
        raise CheckpointError(f"{where} is not finite; the training diverged, train anew")
