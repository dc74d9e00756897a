"""Checkpoints of the published CLIPVQA code, converted to ours without unpickling objects."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vqa_harness.errors import InputError, UsageError
from vqa_plugin_clip.checkpoint.backbone import is_clip_key
from vqa_plugin_clip.checkpoint.card import WHOLE_VIDEO, CheckpointCard
from vqa_plugin_clip.checkpoint.files import save_checkpoint
from vqa_plugin_clip.checkpoint.hugging_face import is_hugging_face
from vqa_plugin_clip.checkpoint.weights import MAX_WEIGHTS_BYTES
from vqa_plugin_clip.checkpoint.wordings import choose_wording
from vqa_plugin_clip.inputs.preprocess import Preprocessing
from vqa_plugin_clip.inputs.sampling import short_side
from vqa_plugin_clip.network.architecture import Architecture
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import CLIP_VOCABULARY, tokens_for

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
like that. Of what it holds only the name of the list of labels is looked at.
"""

_ACTIVATION_FROM = "the published code, whose activation is fixed"
"""Published files hold nothing that tells it."""


def import_published(
    path: Path,
    out: Path,
    *,
    levels: str = "",
    training_data: str = "not stated",
    licence: str = "not stated",
    version: str = "1",
) -> CheckpointCard:
    """Convert a ``.pth`` file of the published training code (or a bare state dict of tensors).

    Only the tensors under ``model`` are kept, as float32. The card says ``published`` behaviour,
    has the published preprocessing and one window over the whole video, as published.

    Args:
        path: The ``.pth`` file.
        out: Weights to write, ending in ``.safetensors``; the card goes beside them.
        levels: Wordings that the network was trained with, as `read_levels` takes them; empty for
            the published list that the file's configuration names.
        training_data: What the card says about the training data.
        licence: What the card says about the licence.
        version: What the card says about the version.

    Returns:
        The card as written; ``levels_from`` and ``activation_from`` in its ``extra`` say where
        the wordings and the activation come from.

    Raises:
        InputError: The file cannot be read, holds objects other than tensors, or the tensors are
            not those of such a network.
        UsageError: ``out`` has another ending, the wordings do not fit, or nobody says which they
            are.
        MissingBackend: A wording has words whose ids only open_clip knows, which is not installed.
    """
    loaded = _load(path)
    state = _state(path, loaded)
    try:
        model = ClipVqa(Architecture.from_state_dict(state, "published"))
        model.load_state_dict({key: value.float() for key, value in state.items()}, strict=True)
    except UsageError as error:
        raise InputError(f"{path}: {error}") from None
    except RuntimeError as error:
        raise InputError(
            f"{path}: not the weights of a CLIPVQA network ({_first(error)})"
        ) from None
    wording = choose_wording(levels, _label_list(loaded))
    if model.architecture.vocab_size == CLIP_VOCABULARY:
        tokens_for(wording.levels, model.architecture)  # every word must have an id
    size = model.architecture.image_size
    preprocessing = Preprocessing(kind="resize", size=size, grid=1, resize_to=short_side(size))
    card = CheckpointCard(
        architecture=model.architecture,
        levels=wording.levels,
        preprocessing=preprocessing.to_dict(),
        training_data=training_data,
        licence=licence,
        version=version,
        extra={"levels_from": wording.origin, "activation_from": _ACTIVATION_FROM},
        window=WHOLE_VIDEO,
    )
    return save_checkpoint(model, card, out, half=False)


def _load(path: Path) -> dict[Any, Any]:
    """Read a file without executing anything in it."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size > MAX_WEIGHTS_BYTES:
        raise InputError(f"{path}: at most {MAX_WEIGHTS_BYTES} bytes are read")
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        with torch.serialization.safe_globals(_STAND_INS):
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: cannot be read ({_first(error)})") from None
    except Exception as error:  # a hostile file can make the reader fail in any way
        raise InputError(
            f"{path}: holds more than tensors, or is damaged ({_first(error)}); if you trust it,"
            " run where nothing can be harmed: import torch;"
            " torch.save(torch.load('IN', weights_only=False)['model'], 'OUT')"
        ) from None
    return loaded if isinstance(loaded, dict) else {}


def _state(path: Path, loaded: dict[Any, Any]) -> dict[str, Tensor]:
    state = loaded.get("model", loaded)
    tensors = isinstance(state, dict) and all(isinstance(v, Tensor) for v in state.values())
    if not tensors or not state:
        raise InputError(f"{path}: has no state dict of tensors under 'model'")
    keyed = {str(key): value for key, value in state.items()}
    clip = "visual.conv1.weight" in keyed and all(is_clip_key(key) for key in keyed)
    if clip or is_hugging_face(keyed):
        layout = "" if clip else " in the layout of Hugging Face"
        raise InputError(
            f"{path}: the weights of a plain CLIP{layout}, without the parts of CLIPVQA; train from"
            " them: vqa-harness clipvqa train --init open_clip:MODEL/FILE"
        )
    return keyed


def _label_list(loaded: dict[Any, Any]) -> str:
    """Find the path of the list of labels in a published file's configuration; empty if none."""
    node: Any = loaded
    for key in ("config", "DATA", "LABEL_LIST"):
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, str) else ""


def _first(error: BaseException) -> str:
    """Return what is wrong, out of an error that may be a page long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.partition("WeightsUnpickler error: ")[2][:120] or text[:120]
