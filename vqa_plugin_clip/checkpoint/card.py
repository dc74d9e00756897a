"""The JSON card beside every weights file: what the weights are, and what they were made from.

Its key ``behaviour`` is for people: what the network does follows from the switches under
``architecture``. Cards say ``published`` there, and ``authors`` if an earlier version wrote them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vqa_harness.errors import InputError, UsageError
from vqa_harness.files import read_bytes
from vqa_plugin_clip.network.architecture import Architecture

FORMAT = 1
"""Version of the layout; a card of another one is refused."""
MAX_CARD_BYTES = 1 << 20
"""Largest card that is read, in bytes."""
WHOLE_VIDEO = "video"
"""Value of ``window`` for one window over the whole video."""


@dataclass(frozen=True, slots=True)
class CheckpointCard:
    """Facts about one checkpoint.

    Attributes:
        architecture: Sizes, number of frames and behaviour of the network.
        levels: Wording of the quality levels, worst first; one per level.
        preprocessing: JSON-compatible facts on how pixels become input: resize, crop, mean, std.
        training_data: What the weights were trained on.
        licence: Licence of the weights.
        version: Version of the weights; a changed score means a changed version.
        sha256: Hash of the weights file, 64 hexadecimal digits; filled in when it is saved.
        extra: Other JSON-compatible facts, such as measured correlations.
        window: Seconds of video that the network is meant to see at once, or ``video`` for all of
            it; None in cards of earlier versions, see `vqa_plugin_clip.checkpoint.window`.
        hop: Seconds from one window's start to the next; None for the window's length.
    """

    architecture: Architecture
    levels: tuple[str, ...]
    preprocessing: Mapping[str, Any]
    training_data: str
    licence: str
    version: str
    sha256: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    window: float | str | None = None
    hop: float | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: The number of wordings is not the number of levels, the hash is not one, or
                the window or its hop is neither a length nor one of the words for it.
        """
        if len(self.levels) != self.architecture.levels:
            raise UsageError(
                f"card: {len(self.levels)} wordings for {self.architecture.levels} levels"
            )
        if self.sha256 and not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise UsageError(f"card: sha256 {self.sha256[:80]!r} is not 64 hexadecimal digits")
        if self.window not in (None, WHOLE_VIDEO) and not _is_length(self.window):
            raise UsageError(
                f"card: window {str(self.window)[:80]!r} is neither seconds above 0 nor video"
            )
        if self.hop is not None and not (_is_length(self.window) and _is_length(self.hop)):
            raise UsageError(
                f"card: hop {str(self.hop)[:80]!r} needs seconds above 0, as does window beside it"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-compatible dict, the card as it is stored; `from_dict` reads it back."""
        windows = {"window": self.window, "hop": self.hop}
        return {
            "format": FORMAT,
            "version": self.version,
            "licence": self.licence,
            "sha256": self.sha256,
            "behaviour": self.architecture.behaviour,
            "frames": self.architecture.frames,
            "levels": list(self.levels),
            "architecture": self.architecture.to_dict(),
            "preprocessing": dict(self.preprocessing),
            **{key: value for key, value in windows.items() if value is not None},
            "training_data": self.training_data,
            "extra": dict(self.extra),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CheckpointCard:
        """Read what `to_dict` wrote.

        Raises:
            UsageError: The format is another one, a key is missing, or a value has the wrong type.
        """
        if values.get("format") != FORMAT:
            raise UsageError(f"card: format {values.get('format')!r} cannot be read, only {FORMAT}")
        levels = _typed(values, "levels", list)
        if not all(isinstance(level, str) for level in levels):
            raise UsageError("card: levels needs a list of texts")
        return cls(
            architecture=Architecture.from_dict(_typed(values, "architecture", dict)),
            levels=tuple(levels),
            preprocessing=_typed(values, "preprocessing", dict),
            training_data=_typed(values, "training_data", str),
            licence=_typed(values, "licence", str),
            version=_typed(values, "version", str),
            sha256=_typed(values, "sha256", str),
            extra=_typed(values, "extra", dict),
            window=values.get("window"),
            hop=values.get("hop"),
        )


def read_card(path: Path) -> CheckpointCard:
    """Read a card.

    Args:
        path: The JSON file.

    Raises:
        InputError: The file cannot be read, is too large, or is not a card.
    """
    content = read_bytes(path, MAX_CARD_BYTES, "a checkpoint's card")
    try:
        text = content.decode("utf-8-sig")
        values = json.loads(text, parse_constant=_finite, parse_float=_finite)
        if not isinstance(values, dict):
            raise UsageError("card: needs a JSON object")
        return CheckpointCard.from_dict(values)
    except (ValueError, RecursionError, UsageError) as error:
        raise InputError(f"{path}: not a checkpoint card ({error})") from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is not a finite number")
    return number


def _is_length(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < math.inf  # type: ignore[operator]


def _typed(values: Mapping[str, Any], key: str, kind: type) -> Any:
    value = values.get(key)
    if not isinstance(value, kind):
        raise UsageError(f"card: {key} needs a {kind.__name__}, not {type(value).__name__}")
    return value
