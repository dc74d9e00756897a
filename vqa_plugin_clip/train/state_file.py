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
"""Version of the layout; a state of another one is refused."""
_KEY = "vqa_harness_training"


@dataclass(slots=True)
class Position:
    """How far training has come.

    Attributes:
        epoch: Epochs that are over, validation included.
        step: Forward passes of the current epoch, up to the last update.
        updates: Updates of the weights, in all.
        loss: Sum of the losses of the current epoch's passes.
        rate: Learning rate of the vision tower at the last update.
        seconds: Time spent on the current epoch.
        best: Figures of the best epoch so far; empty before the first.
        rows: One row of the curve for each epoch that is over.
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
    """Everything that a training needs to go on.

    Attributes:
        position: How far training has come.
        facts: The recipe and what else must be the same, JSON-compatible.
        random: The part of the random state that is JSON-compatible.
        scaler: State of the loss scaler of fp16; empty without it.
        tensors: By group (``model``, ``moments``, ``random``), then name.
    """

    position: Position
    facts: dict[str, Any]
    random: dict[str, Any]
    scaler: dict[str, Any]
    tensors: dict[str, dict[str, Tensor]]


def save_state(path: Path, state: State) -> None:
    """Write a state.

    Args:
        path: The file; it is replaced when the new one is complete.
        state: What to write.

    Raises:
        UsageError: The file cannot be written.
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
        InputError: The file cannot be read, or is not such a state.
    """
    try:
        with safe_open(path, "pt") as file:
            header = json.loads((file.metadata() or {}).get(_KEY, "null"))
            tensors: dict[str, dict[str, Tensor]] = {}
            for key in file.keys():  # noqa: SIM118  it is not a mapping
                group, _, name = key.partition("/")
                tensors.setdefault(group, {})[name] = file.get_tensor(key)
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path.name}: cannot be read ({error}); remove it to start again"
        ) from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(
            f"{path.name}: not a training state of this version; remove it to start again"
        )
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
