"""Seeding an action expert from a checkpoint of the π0 family, whose expert has the same shape: Gemma-300M.

What is taken is the trunk: attention, feed-forward parts and, from π0, norms. Read are safetensors under the names of
openpi's PyTorch models, and of LeRobot's, which are the same behind ``model.``. Their expert is Hugging Face's Gemma;
half-split rotary pairs, norms of gain ``1 + weight`` and the scale of attention agree with ours, so the seeded trunk
computes what theirs does on the same tokens.

What cannot be taken: π0.5's norms, whose gain is made from the time of flow matching, and whatever of the projections
in and out belongs to a robot of other sizes. These stay as they are; the report names each.

Sources: openpi ``models_pytorch/pi0_pytorch.py`` and ``gemma_pytorch.py``; lerobot ``policies/pi0/modeling_pi0.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from arvla_ros.policy.expert import ActionExpert
from arvla_ros.policy.tensor_files import TensorFiles

ROPE_BASE = 10_000.0
"""Base of Gemma's rotary frequencies."""
HEAD_DIM = 256
"""Dimension of the heads in Gemma-300M; the weights' shapes do not tell it."""

_ROOTS = ("", "model.")
_TRUNK = "paligemma_with_expert.gemma_expert.model."
# Ours, and what of theirs is stacked, row upon row, to make it.
_LAYER = {
    "attention_norm.weight": ("input_layernorm.weight",),
    "query_key_value.weight": ("self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"),
    "out.weight": ("self_attn.o_proj.weight",),
    "mlp_norm.weight": ("post_attention_layernorm.weight",),
    "mlp.gate_up.weight": ("mlp.gate_proj.weight", "mlp.up_proj.weight"),
    "mlp.down.weight": ("mlp.down_proj.weight",),
}
_ENDS = {"token_in": "state_proj", "action_out": "action_out_proj"}


class SeedError(ValueError):
    """A checkpoint that cannot seed this expert; one line that says what is wrong and what to do."""


@dataclass(frozen=True)
class SeedReport:
    """What became of every tensor on both sides.

    Attributes:
        source: where the other checkpoint lies.
        taken: ours, and what of theirs it was stacked from.
        left: ours that stay as they were, and why.
        unused: theirs that have no use here.
        warnings: what agrees in shape and yet computes something else.
    """

    source: str
    taken: dict[str, tuple[str, ...]]
    left: dict[str, str]
    unused: tuple[str, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        """Return a table as text, where a line stands for all layers that are alike."""
        ours = len(self.taken) + len(self.left)
        lines = [f"seeded from {self.source}: {len(self.taken)} of {ours} tensors", "", "taken:"]
        lines += _rows((name, " + ".join(theirs)) for name, theirs in self.taken.items())
        lines += ["left as they were:", *_rows(self.left.items())] if self.left else []
        lines += ["not used:", *_rows((name, "") for name in self.unused)] if self.unused else []
        return "\n".join(lines + [f"warning: {warning}" for warning in self.warnings])


def seed_expert(expert: ActionExpert, source: str | Path) -> SeedReport:
    """Replace the weights of ``expert`` by those of a checkpoint's expert; all of them at the end, or on error none.

    Args:
        expert: of the shape of the checkpoint's: as many layers, and as wide everywhere.
        source: a safetensors file, an index of shards, or a folder that has one of them; only what is taken is read.

    Raises:
        SeedError: there is no such expert in ``source``, or it has another number of layers or another activation.
        TensorFileError: a tensor is missing, damaged, of another shape, not of floating type or not finite.
    """
    files = TensorFiles(source)
    root = _root(files)
    _check_kind(expert, files, root)
    state = expert.state_dict()
    taken, left = _plan(state, files, root)
    for name, theirs in taken.items():
        for part, shape in zip(theirs, _part_shapes(expert, name, state[name]), strict=True):
            files.check_shape(part, shape)
    weights = {name: torch.cat([files.read(part, state[name].dtype) for part in taken[name]]) for name in taken}
    with torch.no_grad():
        for name, weight in weights.items():
            state[name].copy_(weight)
    used = {part for parts in taken.values() for part in parts}
    unused = tuple(name for name in files.shapes if name not in used)
    return SeedReport(str(source), taken, left, unused, _warnings(expert, left))


def _root(files: TensorFiles) -> str:
    """Return what stands before every name: nothing in openpi, ``model.`` in LeRobot."""
    first = f"{_TRUNK}layers.0.self_attn.q_proj.weight"
    for root in _ROOTS:
        if root + first in files.shapes:
            return root
    found = next(iter(files.shapes), "nothing")
    raise SeedError(
        f"{files.source}: no tensor {first!r}, found {found!r} and others; "
        "give a checkpoint of π0 or π0.5 in PyTorch form, from openpi or LeRobot"
    )


def _check_kind(expert: ActionExpert, files: TensorFiles, root: str) -> None:
    if expert.config.activation != "gelu_tanh_gated":
        raise SeedError(
            f"{files.source}: its expert has activation 'gelu_tanh_gated', ours {expert.config.activation!r}; "
            "seed an expert of the Gemma-300M shape"
        )
    of_layer = re.compile(re.escape(root + _TRUNK) + r"layers\.(\d+)\.")
    layers = {found[1] for found in map(of_layer.match, files.shapes) if found}
    if len(layers) != expert.config.layers:
        raise SeedError(
            f"{files.source}: its expert has {len(layers)} layers, expected {expert.config.layers}; "
            "seed an expert of as many layers"
        )


def _plan(
    state: Mapping[str, Tensor], files: TensorFiles, root: str
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Decide for every tensor of ours what it is made of, or why it stays."""
    taken: dict[str, tuple[str, ...]] = {}
    left: dict[str, str] = {}
    for name in state:
        theirs = _theirs(name, root)
        reason = _reason_to_leave(name, theirs[0], state, files.shapes) if theirs else "nothing there corresponds to it"
        if reason:
            left[name] = reason
        else:
            taken[name] = theirs
    return taken, left


def _theirs(name: str, root: str) -> tuple[str, ...]:
    """Return what of theirs makes a tensor of ours, by name; empty if nothing does."""
    module, _, kind = name.rpartition(".")
    if module in _ENDS:
        return (f"{root}{_ENDS[module]}.{kind}",)
    if name == "norm.weight":
        return (f"{root}{_TRUNK}{name}",)
    layer = re.fullmatch(r"(layers\.\d+\.)(.+)", name)
    return tuple(f"{root}{_TRUNK}{layer[1]}{part}" for part in _LAYER.get(layer[2], ())) if layer else ()


def _reason_to_leave(
    name: str, theirs: str, state: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]
) -> str | None:
    """Return why a tensor of ours cannot be made of theirs, None if it is to be."""
    module, their_module = name.rpartition(".")[0], theirs.rpartition(".")[0]
    conditioned, projection = f"{their_module}.dense.weight", f"{their_module}.weight"
    if conditioned in shapes:
        return f"{conditioned} makes its gain from the time of flow matching (π0.5)"
    if module not in _ENDS:
        return None
    # A bias belongs to its weight: it is taken with it or not at all.
    ours = state[f"{module}.weight"].shape
    if f"{module}.centers" in state:
        return "ours chooses among bins"
    if projection not in shapes:
        return f"{projection} is not there"
    return (
        None if shapes[projection] == tuple(ours) else f"{projection} is {list(shapes[projection])}, ours {list(ours)}"
    )


def _part_shapes(expert: ActionExpert, name: str, tensor: Tensor) -> list[tuple[int, ...]]:
    """Return the shapes that the parts of a stacked tensor must have."""
    config = expert.config
    rows = [tensor.shape[0]]
    if name.endswith("query_key_value.weight"):
        rows = [heads * config.head_dim for heads in (config.query_heads, config.kv_heads, config.kv_heads)]
    elif name.endswith("gate_up.weight"):
        rows = [config.mlp_width] * 2
    return [(count, *tensor.shape[1:]) for count in rows]


def _warnings(expert: ActionExpert, left: Mapping[str, str]) -> tuple[str, ...]:
    warnings = []
    if expert.config.rope_base != ROPE_BASE:
        warnings.append(f"rope_base is {expert.config.rope_base:g}, theirs {ROPE_BASE:g}: attention will differ")
    if expert.config.head_dim != HEAD_DIM:
        warnings.append(f"head_dim is {expert.config.head_dim}, Gemma-300M's is {HEAD_DIM}: heads may be cut elsewhere")
    if any(name.endswith("norm.weight") for name in left):
        warnings.append("norms were not taken: the trunk does not compute what theirs did until it is trained")
    return tuple(warnings)


def _rows(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return a line for each pair, layers that are alike as one with ``*`` for their number."""
    counts: dict[tuple[str, str], int] = {}
    for pair in pairs:
        left, right = (re.sub(r"(?<=\.)\d+(?=\.)", "*", text) for text in pair)
        counts[left, right] = counts.get((left, right), 0) + 1
    width = max((len(left) for left, _ in counts), default=0)
    times = {pair: f"x {count}" if count > 1 else "" for pair, count in counts.items()}
    return [f"  {left:<{width}}  {times[left, right]:<5} {right}".rstrip() for left, right in counts]
