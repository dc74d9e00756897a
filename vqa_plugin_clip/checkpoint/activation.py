"""Which activation the weights of a CLIP were trained with, and who says so.

The tensors are the same for both, so a wrong choice is another network that nothing tells from the
right one. open_clip's tags list it; of a file, signs in and around it are compared with the model's
name, and where they disagree the file is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from vqa_harness.errors import InputError
from vqa_harness.files import read_bytes
from vqa_plugin_clip.network.architecture import Activation
from vqa_plugin_clip.network.tokens import open_clip_package

QUICK = "-quickgelu"
"""How open_clip's names end of models that have QuickGELU and a namesake without it."""
OPENAI_KEYS = ("input_resolution", "context_length", "vocab_size")
"""Keys of OpenAI's own files that are numbers, not weights."""
_MAX_CONFIG_BYTES = 1 << 20


class ChosenActivation(NamedTuple):
    """An activation and why it was chosen.

    Attributes:
        name: ``quick_gelu`` or ``gelu``.
        origin: What said so, for a checkpoint's card.
    """

    name: Activation
    origin: str


class _Sign(NamedTuple):
    """What a sign says: the activation, the words for the card, and those for an error."""

    activation: str
    origin: str
    complaint: str


def of_tag(tag: str, entry: Mapping[str, Any]) -> ChosenActivation:
    """The activation of weights that open_clip lists, which the model's name need not tell.

    Args:
        tag: The tag.
        entry: What open_clip lists for it.
    """
    return ChosenActivation(_named(entry), f"open_clip's list, by the tag {tag}")


def of_file(
    name: str, config: Mapping[str, Any], path: Path, keys: Iterable[str]
) -> ChosenActivation:
    """The activation of weights in a file, which is that of the model's name.

    Args:
        name: An open_clip model name.
        config: What open_clip lists for it.
        path: The file of weights.
        keys: Names of the tensors in it.

    Raises:
        InputError: A configuration beside the file, its keys, or its name or folder tell that its
            weights have another activation; or the configuration cannot be read.
    """
    chosen = _named(config)
    signs = [sign for sign in _signs(name, path, set(keys)) if sign is not None]
    for sign in signs:
        if sign.activation != chosen:
            raise InputError(
                f"{path}: {sign.complaint}, and {name} has {chosen};"
                f" {_remedy(name, chosen, sign.activation)}"
            )
    origin = f"the name {name}"
    return ChosenActivation(
        chosen, f"{origin} and {signs[0].origin}" if signs else f"{origin} alone"
    )


def name_for(name: str, entry: Mapping[str, Any]) -> str:
    """The model's name under which a file of a tag's weights has the tag's activation.

    Args:
        name: The name that the tag was asked for with.
        entry: What open_clip lists for the tag.
    """
    plain = name.removesuffix(QUICK)
    return next(
        (
            other
            for other in (name, plain + QUICK, plain)
            if (config := open_clip_package().get_model_config(other)) is not None
            and _named(config) == _named(entry)
        ),
        name,
    )


def declared_activation(weights: Path) -> str:
    """Read the activation that the ``config.json`` beside a file of weights names.

    Returns:
        Such as ``quick_gelu`` or ``gelu``; empty where there is no such file, or none of a CLIP.

    Raises:
        InputError: The file cannot be read.
    """
    values = _configuration(weights.with_name("config.json"))
    if values.get("model_type") != "clip":
        return ""
    vision = values.get("vision_config")
    # transformers writes only what differs from its defaults, and that is the default
    activation = vision.get("hidden_act", "quick_gelu") if isinstance(vision, dict) else None
    return activation if isinstance(activation, str) else "quick_gelu"


def _named(config: Mapping[str, Any]) -> Activation:
    return "quick_gelu" if config.get("quick_gelu", False) else "gelu"


def _signs(name: str, path: Path, keys: set[str]) -> Iterable[_Sign | None]:
    """What tells the activation, apart from the model's name; the surest first."""
    if declared := declared_activation(path):
        yield _beside("config.json", declared)
    model = _configuration(path.with_name("open_clip_config.json")).get("model_cfg")
    if isinstance(model, dict):
        yield _beside("open_clip_config.json", _named(model))
    if keys.issuperset(OPENAI_KEYS):
        kept = "the keys of OpenAI's own files"
        yield _Sign("quick_gelu", kept, f"has {kept}, whose weights have quick_gelu")
    yield _listed(name, path)


def _beside(file: str, activation: str) -> _Sign:
    origin = f"{file} beside the file"
    return _Sign(activation, origin, f"{file} beside it names the activation {activation}")


def _listed(name: str, path: Path) -> _Sign | None:
    """What open_clip lists for weights that are published under this file's or folder's name."""
    package, plain = open_clip_package(), name.removesuffix(QUICK)
    parts = {*path.parts, *path.resolve().parts}
    for model in (plain, plain + QUICK):
        for tag in package.list_pretrained_tags_by_model(model):
            entry = package.get_pretrained_cfg(model, tag)
            found = sorted(parts & _published_names(entry))
            if found:
                origin = f"{found[0]} in the file's path, the place of the tag {tag}"
                says = f"{found[0]} in its path is the place of the tag {tag}, which has"
                return _Sign(_named(entry), origin, f"{says} {_named(entry)}")
    return None


def _published_names(entry: Mapping[str, Any]) -> set[str]:
    """Names of folders and files that the weights of a tag have where they are downloaded."""
    hub = str(entry.get("hf_hub") or "").strip("/")
    owner, _, repository = hub.partition("/")
    file = str(entry.get("url") or "").rsplit("/", 1)[-1]
    cached = f"models--{owner}--{repository}"
    return {text for text in (repository, cached if repository else "", file) if text}


def _remedy(name: str, chosen: Activation, wanted: str) -> str:
    plain = name.removesuffix(QUICK)
    other = name_for(name, {"quick_gelu": wanted == "quick_gelu"})
    if wanted in ("quick_gelu", "gelu") and other != name:
        return f"give it as open_clip:{other}/FILE"
    if wanted == "quick_gelu":
        return f"open_clip has no {plain}{QUICK}, so these weights cannot be used"
    return f"weights with {wanted} cannot be used as {chosen}"


def _configuration(path: Path) -> dict[str, Any]:
    """Read a JSON object; an empty one where there is none.

    Raises:
        InputError: The file cannot be read, or is not JSON.
    """
    if not path.is_file():
        return {}
    try:
        values = json.loads(read_bytes(path, _MAX_CONFIG_BYTES, "a model's configuration"))
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not JSON") from None
    return values if isinstance(values, dict) else {}
