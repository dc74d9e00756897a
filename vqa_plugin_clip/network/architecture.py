"""All sizes and switches of a CLIPVQA network, as data (arXiv 2407.04928).

Nothing here imports torch: a checkpoint's card can be read and checked without it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Protocol

from vqa_harness.errors import UsageError

NamedBehaviour = Literal["published", "corrected"]
"""A setting of the three switches: as in the published code, or as the paper describes it."""
Behaviour = Literal["published", "corrected", "mixed"]
Stem = Literal["patch", "efficientnet-lite0"]
Activation = Literal["quick_gelu", "gelu"]

STEM_STRIDE = 16
"""Pixels along a side for which the ``efficientnet-lite0`` stem gives one token."""

MAX_VOCABULARY = 65_536
"""Most entries a vocabulary may have; CLIP's has 49,408."""

_LIMITS = {
    "image_size": 4096,
    "patch_size": 256,
    "vision_width": 4096,
    "vision_layers": 64,
    "embed_dim": 4096,
    "frames": 512,
    "text_width": 4096,
    "text_layers": 64,
    "context_length": 1024,
    "vocab_size": MAX_VOCABULARY,
    "sat_layers": 64,
    "vat_layers": 64,
    "levels": 64,
    "head_width": 512,
}


class _HasShape(Protocol):
    """A tensor, or anything else with a shape."""

    @property
    def shape(self) -> Sequence[int]: ...


@dataclass(frozen=True, slots=True)
class Architecture:
    """Sizes and switches of one network; a checkpoint fits exactly one of these.

    Attributes:
        image_size: Side of the square input in pixels; a multiple of ``patch_size``.
        patch_size: Side of a patch in pixels (16 with the ``efficientnet-lite0`` stem).
        vision_width: Channels of the frame tower.
        vision_layers: CAT blocks of the frame tower; each adds one fusion token per frame.
        embed_dim: Size of the space that video and text share.
        frames: Frames per clip (T); two weights have a shape that depends on it.
        text_width: Channels of the text tower.
        text_layers: Blocks of the text tower.
        context_length: Tokens per text.
        vocab_size: Number of token ids.
        sat_layers: Blocks of the spatiotemporal aggregation transformer.
        vat_layers: Blocks of the video-content/language aggregation transformer.
        levels: Number of quality levels (K).
        head_width: Channels per attention head, in every attention layer.
        attend_over_tokens: Whether the spatiotemporal aggregator attends over the tokens of one
            video; if false it attends over the batch axis, as the published code does.
        select_class_tokens: Whether it attends over the T class tokens; if false, over the first T
            tokens in frame-major order, as published.
        permute_conv2: Whether the temporal convolution's output is transposed to one row per patch;
            if false, its memory is read in the new shape, as published.
        stem: What turns pixels into tokens: the paper's patch convolution, or EfficientNet-Lite0 to
            stride 16 followed by a 1x1 convolution.
        activation: The activation of every MLP; CLIP's is ``quick_gelu``.
        vocabulary: Words of a compact vocabulary in the order of their ids, which start at 1;
            empty for CLIP's byte-pair vocabulary.
    """

    image_size: int = 224
    patch_size: int = 16
    vision_width: int = 768
    vision_layers: int = 12
    embed_dim: int = 512
    frames: int = 32
    text_width: int = 512
    text_layers: int = 12
    context_length: int = 77
    vocab_size: int = 49408
    sat_layers: int = 1
    vat_layers: int = 2
    levels: int = 6
    head_width: int = 64
    attend_over_tokens: bool = True
    select_class_tokens: bool = True
    permute_conv2: bool = True
    stem: Stem = "patch"
    activation: Activation = "quick_gelu"
    vocabulary: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: A value is out of range, or two do not fit together.
        """
        for name, most in _LIMITS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise UsageError(f"{name}={value!r}: needs a whole number from 1 to {most}")
        self._check_choices()
        if self.image_size % self.patch_size:
            raise UsageError(
                f"image_size={self.image_size}: needs a multiple of patch_size={self.patch_size}"
            )
        if self.stem != "patch" and self.patch_size != STEM_STRIDE:
            raise UsageError(
                f"patch_size={self.patch_size}: stem {self.stem} needs patch_size={STEM_STRIDE}"
            )
        for name in ("vision_width", "embed_dim", "text_width"):
            if getattr(self, name) % self.head_width:
                value = getattr(self, name)
                raise UsageError(
                    f"{name}={value}: needs a multiple of head_width={self.head_width}"
                )
        if self.vocabulary and self.vocab_size != len(self.vocabulary) + 3:
            raise UsageError(
                f"vocab_size={self.vocab_size}: {len(self.vocabulary)} words need"
                f" {len(self.vocabulary) + 3} (padding, words, start, end)"
            )

    def _check_choices(self) -> None:
        for name in ("attend_over_tokens", "select_class_tokens", "permute_conv2"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name}={getattr(self, name)!r}: needs true or false")
        if self.stem not in ("patch", "efficientnet-lite0"):
            raise UsageError(f"stem={self.stem!r}: choose patch or efficientnet-lite0")
        if self.activation not in ("quick_gelu", "gelu"):
            raise UsageError(f"activation={self.activation!r}: choose quick_gelu or gelu")
        words = self.vocabulary
        if not isinstance(words, tuple) or not all(isinstance(word, str) for word in words):
            raise UsageError("vocabulary: needs a list of words")
        if len(set(words)) != len(words) or any(not re.fullmatch(r"\S+", word) for word in words):
            raise UsageError("vocabulary: needs different words without spaces")

    @property
    def grid(self) -> int:
        """Patches along one side of a frame."""
        return self.image_size // self.patch_size

    @property
    def patches(self) -> int:
        """Patches per frame (P)."""
        return self.grid**2

    @property
    def behaviour(self) -> Behaviour:
        """Name of the setting of the three switches.

        It is ``published`` if all are off, ``corrected`` if all are on, and ``mixed`` otherwise.
        Cards written by earlier versions call the first one ``authors``; the switches count.
        """
        switches = {self.attend_over_tokens, self.select_class_tokens, self.permute_conv2}
        if len(switches) > 1:
            return "mixed"
        return "corrected" if True in switches else "published"

    def with_behaviour(self, behaviour: NamedBehaviour) -> Architecture:
        """Return the same sizes with all three switches set to a named behaviour.

        Args:
            behaviour: ``published`` turns all switches off, ``corrected`` all on.

        Raises:
            UsageError: There is no behaviour of that name.
        """
        if behaviour not in ("published", "corrected"):
            raise UsageError(f"behaviour={behaviour!r}: choose published or corrected")
        on = behaviour == "corrected"
        return replace(self, attend_over_tokens=on, select_class_tokens=on, permute_conv2=on)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-compatible dict that `from_dict` reads back."""
        return asdict(self) | {"vocabulary": list(self.vocabulary)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Architecture:
        """Read what `to_dict` wrote; keys that are left out take their default.

        Raises:
            UsageError: A key is unknown, or a value does not fit.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise UsageError(f"architecture: unknown key {unknown[0]!r}")
        vocabulary = values.get("vocabulary", ())
        if not isinstance(vocabulary, list | tuple):
            raise UsageError("vocabulary: needs a list of words")
        return cls(**(dict(values) | {"vocabulary": tuple(vocabulary)}))

    @classmethod
    def from_state_dict(
        cls, state: Mapping[str, _HasShape], behaviour: NamedBehaviour = "published"
    ) -> Architecture:
        """Read every size off the shapes of a full state dict.

        The switches, the activation, the number of levels and the width of a head leave no trace in
        the weights: they take ``behaviour`` and their defaults.

        Args:
            state: Tensors, or anything with a ``shape``, by key.
            behaviour: Setting of the three switches.

        Raises:
            UsageError: A key is missing, or the shapes are not those of such a network.
        """
        shapes = _Shapes(state)
        with_stem = any(key.startswith("visual.stem.") for key in state)
        patch_size = STEM_STRIDE if with_stem else shapes.size("visual.conv1.weight", -1)
        patches = shapes.size("visual.positional_embedding", 0) - 1
        side = math.isqrt(max(patches, 0))
        if side == 0 or side**2 != patches:
            raise UsageError(f"visual.positional_embedding: {patches} patches do not make a square")
        sizes = cls(
            image_size=side * patch_size,
            patch_size=patch_size,
            vision_width=shapes.size("visual.class_embedding", 0),
            vision_layers=shapes.count("visual.transformer.resblocks."),
            embed_dim=shapes.size("visual.proj", 1),
            frames=shapes.size("mit.positional_embedding", 1),
            text_width=shapes.size("ln_final.weight", 0),
            text_layers=shapes.count("transformer.resblocks."),
            context_length=shapes.size("positional_embedding", 0),
            vocab_size=shapes.size("token_embedding.weight", 0),
            sat_layers=shapes.count("mit.resblocks."),
            vat_layers=shapes.count("prompts_generator.decoder."),
            stem="efficientnet-lite0" if with_stem else "patch",
        )
        return sizes.with_behaviour(behaviour)


@dataclass(frozen=True, slots=True)
class _Shapes:
    """Looks sizes up in a state dict, with errors that name the key."""

    state: Mapping[str, _HasShape]

    def size(self, key: str, axis: int) -> int:
        if key not in self.state:
            raise UsageError(f"state dict: no {key}; is this a CLIPVQA checkpoint?")
        shape = tuple(self.state[key].shape)
        if not -len(shape) <= axis < len(shape):
            raise UsageError(f"state dict: {key} has the shape {shape}")
        return int(shape[axis])

    def count(self, prefix: str) -> int:
        numbers = {
            key.removeprefix(prefix).split(".")[0] for key in self.state if key.startswith(prefix)
        }
        return len(numbers)
