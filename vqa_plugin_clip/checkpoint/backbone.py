"""CLIP weights as a starting point; only `network.tokens` imports open_clip.

The 302 tensors of a CLIP with a vision transformer (count for the B sizes) have the same names and
shapes here, so loading them is a plain copy; files of Hugging Face's transformers are brought to
that layout first. The weights that CLIP lacks are drawn at random.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vqa_harness.errors import InputError, MissingBackend, UsageError, one_line
from vqa_plugin_clip.checkpoint.activation import OPENAI_KEYS, name_for, of_file, of_tag
from vqa_plugin_clip.checkpoint.hugging_face import from_hugging_face, is_hugging_face
from vqa_plugin_clip.network.architecture import Activation, Architecture, NamedBehaviour
from vqa_plugin_clip.network.model import ClipVqa
from vqa_plugin_clip.network.tokens import open_clip_package

NEW_PREFIXES = ("mit.", "prompts_", "conv2.")
"""How the keys begin that CLIP does not have, besides those of the fusion layers (``message_``)."""

_HEAD_WIDTH = 64
"""Channels per attention head that CLIPVQA's layers are made for; that of all plain CLIPs."""


class LoadedClip(NamedTuple):
    """A network with the towers of a CLIP.

    Attributes:
        model: The network, float32, on the CPU.
        activation_from: What said which activation the weights have, in words for a card.
    """

    model: ClipVqa
    activation_from: str


def load_clip(
    name: str,
    weights: str | Path,
    *,
    frames: int = 32,
    behaviour: NamedBehaviour = "corrected",
) -> LoadedClip:
    """Make a network whose towers are those of a CLIP and whose other weights are new.

    Args:
        name: An open_clip model name, such as ``ViT-B-16-quickgelu``; vision transformers only.
        weights: A tag that open_clip lists for it, such as ``openai``, or a file (safetensors, or a
            state dict saved by torch; in the layout of OpenAI and open_clip or of transformers).
        frames: Frames per clip (T).
        behaviour: See `Architecture.with_behaviour`.

    Raises:
        MissingBackend: open_clip is not installed, or the tag's file cannot be downloaded.
        UsageError: open_clip has no such model or tag, or the model is of another kind.
        InputError: The file is not a state dict of that model, or something in or around it tells
            that its weights have another activation than the model.
    """
    config = _config(name)
    is_file = Path(weights).suffix != "" or Path(weights).is_file()
    path = Path(weights) if is_file else _download(name, str(weights))
    state = clip_state(path)
    if is_file:
        activation = of_file(name, config, path, state)
    else:
        activation = of_tag(str(weights), _pretrained(name, str(weights)))
    model = from_clip_state(state, frames=frames, behaviour=behaviour, activation=activation.name)
    vision, sizes = config["vision_cfg"], model.architecture
    listed_sizes = (config["embed_dim"], vision["width"], vision["layers"], vision["patch_size"])
    file_sizes = (sizes.embed_dim, sizes.vision_width, sizes.vision_layers, sizes.patch_size)
    if listed_sizes != file_sizes:
        raise InputError(
            f"{path}: embedding, width, layers and patch are {file_sizes},"
            f" {name} has {listed_sizes}; give the weights of that model"
        )
    return LoadedClip(model, activation.origin)


def from_clip_state(
    state: Mapping[str, Tensor],
    *,
    frames: int,
    behaviour: NamedBehaviour = "corrected",
    activation: Activation = "quick_gelu",
    sat_layers: int = 1,
    vat_layers: int = 2,
) -> ClipVqa:
    """Make a network from a CLIP state dict of any size; tensors are copied as float32.

    Args:
        state: Tensors by key, as open_clip and OpenAI name them.
        frames: Frames per clip (T).
        behaviour: See `Architecture.with_behaviour`.
        activation: The activation that the weights were trained with.
        sat_layers: Blocks of the spatiotemporal aggregator.
        vat_layers: Blocks of the content aggregator.

    Raises:
        InputError: The state dict is not that of a CLIP with a vision transformer.
    """
    try:
        sizes = _clip_sizes(state, frames, activation, sat_layers, vat_layers)
    except UsageError as error:
        raise InputError(f"not the weights of a CLIP vision transformer: {error}") from None
    model = ClipVqa(sizes.with_behaviour(behaviour))
    ours = {key for key in model.state_dict() if is_clip_key(key)}
    theirs = {key for key in state if key not in OPENAI_KEYS}
    if ours != theirs:
        odd = sorted(ours ^ theirs)[0]
        raise InputError(f"not the weights of a CLIP vision transformer: {odd} is on one side only")
    try:
        model.load_state_dict({key: state[key].float() for key in ours}, strict=False)
    except RuntimeError as error:
        raise InputError(
            f"not the weights of a CLIP vision transformer: {one_line(error)}"
        ) from None
    return model


def is_clip_key(key: str) -> bool:
    """Whether CLIP has a tensor of this name, too."""
    return not key.startswith(NEW_PREFIXES) and ".message_" not in key


def clip_state(path: Path) -> dict[str, Tensor]:
    """Read a state dict from a safetensors file or one saved by torch; never unpickles objects.

    Args:
        path: The file; its suffix decides how it is read.

    Returns:
        Tensors by key as OpenAI and open_clip name them, on the CPU, without the ``module.`` that
        parallel training puts in front.

    Raises:
        InputError: The file cannot be read, or holds something else.
    """
    try:
        if path.suffix == ".safetensors":
            return _renamed(path, load_file(path))
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: cannot be read ({one_line(error)})") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError):
        raise InputError(
            f"{path}: not a plain state dict of tensors; TorchScript archives are not read,"
            " take the safetensors file of the same weights"
        ) from None
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict) or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise InputError(f"{path}: not a state dict of tensors")
    return _renamed(path, {str(key).removeprefix("module."): v for key, v in loaded.items()})


def _renamed(path: Path, state: dict[str, Tensor]) -> dict[str, Tensor]:
    if not is_hugging_face(state):
        return state
    try:
        return from_hugging_face(state)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _clip_sizes(
    state: Mapping[str, Tensor], frames: int, activation: Activation, sat: int, vat: int
) -> Architecture:
    """Read the sizes off a CLIP state dict, after adding the shapes that it lacks."""
    shapes: dict[str, Any] = {key: value for key, value in state.items() if key not in OPENAI_KEYS}
    shapes["mit.positional_embedding"] = torch.empty(1, frames, 1)
    shapes |= {f"mit.resblocks.{index}.x": torch.empty(0) for index in range(sat)}
    shapes |= {f"prompts_generator.decoder.{index}.x": torch.empty(0) for index in range(vat)}
    sizes = Architecture.from_state_dict(shapes).to_dict()
    return Architecture.from_dict(sizes | {"activation": activation})


def _config(name: str) -> dict[str, Any]:
    """Look up the sizes that open_clip lists for a model.

    Raises:
        UsageError: There is no such model, or it is not a vision transformer with heads of 64.
    """
    config: dict[str, Any] | None = open_clip_package().get_model_config(name)
    if config is None:
        raise UsageError(f"CLIP model {name!r}: open_clip has no model of that name")
    vision, text = config.get("vision_cfg", {}), config.get("text_cfg", {})
    plain = isinstance(vision.get("layers"), int) and "patch_size" in vision and "width" in text
    if not plain or vision.get("timm_model_name") or text.get("hf_model_name"):
        raise UsageError(f"CLIP model {name!r}: not a plain vision transformer; try ViT-B-16")
    heads = text.get("heads", text["width"] // _HEAD_WIDTH)
    if (
        vision.get("head_width", _HEAD_WIDTH) != _HEAD_WIDTH
        or text["width"] // heads != _HEAD_WIDTH
    ):
        raise UsageError(f"CLIP model {name!r}: needs attention heads of {_HEAD_WIDTH} channels")
    return config


def _pretrained(name: str, tag: str) -> dict[str, Any]:
    entry: dict[str, Any] = open_clip_package().get_pretrained_cfg(name, tag)
    if not entry:
        tags = open_clip_package().list_pretrained_tags_by_model(name)
        raise UsageError(
            f"CLIP weights {tag!r}: neither a file nor a tag of {name}"
            f" ({', '.join(tags) or 'it has none'})"
        )
    return entry


def _download(name: str, tag: str) -> Path:
    source = _pretrained(name, tag)
    with _quiet("huggingface_hub"):
        try:
            return Path(open_clip_package().download_pretrained(source))
        except (
            Exception
        ) as error:  # whatever fails, on the way to the file, means the same to a user
            place = str(source.get("hf_hub") or source.get("url") or name).rstrip("/")
            raise MissingBackend(
                f"CLIP weights {name}:{tag}: cannot be downloaded ({type(error).__name__});"
                f" fetch open_clip_model.safetensors of {place} where there is a network"
                f" and give its path as open_clip:{name_for(name, source)}/PATH"
            ) from error


@contextmanager
def _quiet(logger_name: str) -> Iterator[None]:
    """Keep a library's warnings (one per failed attempt) off the terminal."""
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
