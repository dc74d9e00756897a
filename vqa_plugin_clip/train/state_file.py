"""The state of an interrupted training in one safetensors file: tensors, and JSON in its header.

Nothing is pickled; the file is written under a temporary name and moved into place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vqa_harness.errors import InputError, UsageError, VqaError, one_line
from vqa_harness.files import replacing

FORMAT = 1
"""Version of the layout; a state of another one is refused."""
_KEY = "vqa_harness_training"

Count = Annotated[int, Field(ge=0, le=2**53, strict=True)]
"""Of epochs, passes or updates."""
_MESSAGE = 200
"""Characters of an error that are shown; PyTorch's list every weight."""
Number = Annotated[float, Field(allow_inf_nan=False)]


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

    epoch: Count = 0
    step: Count = 0
    updates: Count = 0
    loss: Number = 0.0
    rate: Number = 0.0
    seconds: Number = 0.0
    best: dict[str, Number] = field(default_factory=dict)
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


class _Row(BaseModel):
    """What the curve shows of an epoch."""

    model_config = ConfigDict(extra="allow")
    epoch: Number
    updates: Number
    rate: Number | None
    loss: Number | None
    seconds: Number | None
    srocc: Number | None
    plcc: Number | None
    rmse: Number | None


_POSITION = TypeAdapter(Position)
_ROWS = TypeAdapter(list[_Row])


def _position(document: Any) -> Position:
    """The position that a state holds, checked.

    Raises:
        ValueError: it is none.
    """
    position = _POSITION.validate_python(document)
    trained = [row for row in _ROWS.validate_python(position.rows) if row.epoch]
    if any(row.loss is None or row.seconds is None for row in trained):
        raise ValueError("an epoch without a loss")
    if position.epoch and len(position.rows) <= position.epoch:
        raise ValueError(
            f"{position.epoch} epochs are over and {len(position.rows)} rows are there"
        )
    return position


@contextmanager
def taken_up(path: Path) -> Iterator[None]:
    """A block in which a state is put to use: what does not fit is the file's fault.

    Raises:
        InputError: the block raised an error of Python's or PyTorch's.
    """
    try:
        yield
    except VqaError as error:
        raise InputError(_wrong(path, error)) from None
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as e:
        raise InputError(_wrong(path, e)) from None


def _wrong(path: Path, error: Exception) -> str:
    why = one_line(error)
    if isinstance(error, ValidationError):
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part)[:40] for part in fault["loc"])
        why = f"{place}: {fault['msg']}"
    short = why if len(why) <= _MESSAGE else f"{why[:_MESSAGE]}..."
    return f"{path.name}: not a training state ({short}); remove it to start again"


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
    with taken_up(path):
        if not isinstance(header["facts"].get("recipe", {}), dict):
            raise ValueError("facts.recipe: not an object")
        return State(
            _position(header["position"]),
            dict(header["facts"]),
            dict(header["random"]),
            dict(header["scaler"]),
            tensors,
        )
