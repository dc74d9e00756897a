"""The state of an interrupted training in one safetensors file: tensors, and JSON in its header.

Nothing is pickled; the file is written under a temporary name and moved into place.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vqa_harness.errors import InputError, UsageError
from vqa_harness.files import replacing

FORMAT = 1
_KEY = "vqa_harness_training"


@dataclass(slots=True)
class Position:
    """How far training has come.

    Attributes:
        epoch: epochs that are over, validation included.
        step: forward passes of the current epoch, up to the last update.
        updates: of the weights, in all.
        loss: sum over those passes.
        rate: learning rate of the vision tower at the last update.
        seconds: spent on the current epoch.
        best: figures of the best epoch so far; empty before the first.
        rows: one per epoch that is over, for the curve.
    """

    epoch: int = 0
    step: int = 0
    updates: int = 0
    loss: float = 0.0
    rate: float = 0.0
    seconds: float = 0.0
    best: dict[str, float] = field(default_factory=dict)
    rows: list[dict[str, float | None]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class State:
    """Everything needed to go on.

    Attributes:
        position: how far.
        facts: JSON-compatible: the recipe and what else must be the same.
        random: JSON-compatible part of the random state.
        scaler: of mixed precision with fp16; empty otherwise.
        tensors: by group: ``model``, ``moments``, ``random``.
    """

    position: Position
    facts: dict[str, Any]
    random: dict[str, Any]
    scaler: dict[str, Any]
    tensors: dict[str, dict[str, Tensor]]


def save_state(path: Path, state: State) -> None:
    """Write a state.

    Raises:
        UsageError: it cannot be written.
    """
    header = {
        "format": FORMAT,
        "position": asdict(state.position),
        "facts": state.facts,
        "random": state.random,
        "scaler": state.scaler,
    }
    tensors = {
        f"{group}/{name}": value.detach().cpu().contiguous()
        for group, members in state.tensors.items()
        for name, value in members.items()
    }
    try:
        with replacing(path) as part:
            save_file(tensors, part, {_KEY: json.dumps(header)})
            part.chmod(0o644)
    except (OSError, SafetensorError) as error:
        raise UsageError(f"cannot write {path.name}: {error}") from None


def load_state(path: Path) -> State:
    """Read what `save_state` wrote.

    Raises:
        InputError: the file cannot be read, or is no such state.
    """
    try:
        with safe_open(path, "pt") as file:
            header = json.loads((file.metadata() or {}).get(_KEY, "null"))
            tensors: dict[str, dict[str, Tensor]] = {}
            for key in file.keys():  # noqa: SIM118  no mapping
                group, _, name = key.partition("/")
                tensors.setdefault(group, {})[name] = file.get_tensor(key)
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(
            f"{path.name}: cannot be read ({error}); remove it to begin anew"
        ) from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"{path.name}: no training state of this version; remove it to begin anew")
    try:
        return State(
            Position(**header["position"]),
            dict(header["facts"]),
            dict(header["random"]),
            dict(header["scaler"]),
            tensors,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path.name}: not a training state ({error})") from None
