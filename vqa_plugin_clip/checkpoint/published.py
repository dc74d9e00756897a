"""Checkpoints of the published CLIPVQA code, converted to ours without unpickling objects."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vqa_harness.errors import InputError, UsageError
from vqa_plugin_clip.checkpoint.card import CheckpointCard
from vqa_plugin_clip.checkpoint.files import MAX_WEIGHTS_BYTES, save_checkpoint
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.inputs.sampling import short_side
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import LABELS

_NUMPY_NAMES = (
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "numpy.dtypes.Float32DType",
    "numpy.dtypes.Float64DType",
)


class _Discarded:
    """Stands in for NumPy's numbers in a file, such as the best correlation; keeps nothing."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


_STAND_INS: list[Any] = [
    (OrderedDict, "yacs.config.CfgNode"),
    *((_Discarded, name) for name in _NUMPY_NAMES),
]
"""Classes that torch's safe reader may make where a published file names others.

The configuration in such a file is a dict with attributes, and the reader may fill an OrderedDict
like that; nothing of it is used.
"""


def import_published(
    path: Path,
    out: Path,
    *,
    levels: tuple[str, ...] = LABELS,
    training_data: str = "not stated",
    licence: str = "not stated",
    version: str = "1",
) -> CheckpointCard:
    """Convert a ``.pth`` file of the published training code (or a bare state dict of tensors).

    Only the tensors under ``model`` are kept, as float32. The card says ``published`` behaviour
    and has the published preprocessing.

    Args:
        path: The ``.pth`` file.
        out: Weights to write, ending in ``.safetensors``; the card goes beside them.
        levels: Wording that the network was trained with, worst first.
        training_data: What the card says about the training data.
        licence: What the card says about the licence.
        version: What the card says about the version.

    Returns:
        The card as written.

    Raises:
        InputError: The file cannot be read, holds objects other than tensors, or the tensors are
            not those of such a network.
        UsageError: ``out`` has another ending.
    """
    state = _published_state(path)
    try:
        model = ClipVqa(Architecture.from_state_dict(state, "published"))
        model.load_state_dict({key: value.float() for key, value in state.items()}, strict=True)
    except UsageError as error:
        raise InputError(f"{path}: {error}") from None
    except RuntimeError as error:
        raise InputError(
            f"{path}: not the weights of a CLIPVQA network ({_first(error)})"
        ) from None
    size = model.architecture.image_size
    preprocessing = Preprocessing(kind="resize", size=size, grid=1, resize_to=short_side(size))
    card = CheckpointCard(
        architecture=model.architecture,
        levels=levels,
        preprocessing=preprocessing.to_dict(),
        training_data=training_data,
        licence=licence,
        version=version,
    )
    return save_checkpoint(model, card, out, half=False)


def _published_state(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size > MAX_WEIGHTS_BYTES:
        raise InputError(f"{path}: at most {MAX_WEIGHTS_BYTES} bytes are read")
    try:
        with torch.serialization.safe_globals(_STAND_INS):
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile file can make the reader fail in any way
        raise InputError(
            f"{path}: holds more than tensors, or is damaged ({_first(error)}); if you trust it,"
            " run where nothing can be harmed: import torch;"
            " torch.save(torch.load('IN', weights_only=False)['model'], 'OUT')"
        ) from None
    state = loaded.get("model", loaded) if isinstance(loaded, dict) else None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise InputError(f"{path}: has no state dict of tensors under 'model'")
    return {str(key): value for key, value in state.items()}


def _first(error: BaseException) -> str:
    """Return what is wrong, out of an error that may be a page long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.partition("WeightsUnpickler error: ")[2][:120] or text[:120]
