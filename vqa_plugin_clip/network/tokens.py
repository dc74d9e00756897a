"""Wordings of the quality levels as token ids.

With CLIP's vocabulary the three published wordings need no tokenizer: their ids are here. A small
network has a compact vocabulary of whole words, kept in its `Architecture`. Only `tokens_for`
imports torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vqa_harness.errors import MissingBackend, UsageError
from vqa_harness.installation import pip_install
from vqa_plugin_clip.libraries import SCORING
from vqa_plugin_clip.network.architecture import Architecture

if TYPE_CHECKING:
    from torch import Tensor

CLIP_VOCABULARY = 49408
"""Token ids of CLIP's byte-pair vocabulary."""

LABELS = ("bad", "poor", "fair", "good", "great", "excellent")
"""The wording that the published method was trained with, worst first."""

LABELS_1 = ("very bad", "poor", "normal", "good", "great", "perfect")
"""The second published wording."""

LABELS_LONG = (
    "very bad",
    "bad and very annoying",
    "poor and annoying",
    "fair and slightly annoying",
    "good and perceptible",
    "excellent and imperceptible",
)
"""The third published wording."""

PADDING = 0
"""Token id behind the end of a text."""

_CLIP_START, _CLIP_END = 49406, 49407
_CLIP_WORDS: dict[str, tuple[int, ...]] = {
    "and": (537,),
    "annoying": (15248,),
    "bad": (2103,),
    "excellent": (4239,),
    "fair": (2849,),
    "good": (886,),
    "great": (830,),
    "imperceptible": (7727, 2632, 11453),
    "normal": (5967,),
    "perceptible": (28017, 11453),
    "perfect": (1878,),
    "poor": (3665,),
    "slightly": (8456,),
    "very": (1070,),
}


def words(text: str) -> list[str]:
    """Split a text into its words, lower-case, at spaces of any kind."""
    return text.lower().split()


def vocabulary_of(texts: Sequence[str]) -> tuple[str, ...]:
    """Make a compact vocabulary for texts: their different words in alphabetical order."""
    return tuple(sorted({word for text in texts for word in words(text)}))


def tokens_for(texts: Sequence[str], architecture: Architecture) -> Tensor:
    """Turn texts, such as the level wordings, into token ids for a network.

    Each row is start, the text, end, zeros; the end token is the largest id.

    Args:
        texts: The K texts.
        architecture: Gives vocabulary and context length.

    Returns:
        [K, context_length] int64.

    Raises:
        UsageError: A word is not in the vocabulary, a text is empty or too long, or the
            architecture names no vocabulary.
        MissingBackend: CLIP's tokenizer is needed and open_clip is not installed.
    """
    import torch

    rows = torch.full((len(texts), architecture.context_length), PADDING, dtype=torch.int64)
    for row, text in zip(rows, texts, strict=True):
        ids = _ids(text, architecture)
        if len(ids) <= 2:
            raise UsageError(f"wording {text!r}: needs at least one word")
        if len(ids) > len(row):
            raise UsageError(
                f"wording {text!r}: {len(ids)} tokens, the network takes {len(row)}; shorten it"
            )
        row[: len(ids)] = torch.tensor(ids)
    return rows


def _ids(text: str, architecture: Architecture) -> list[int]:
    if architecture.vocabulary:
        return _compact_ids(text, architecture.vocabulary)
    if architecture.vocab_size == CLIP_VOCABULARY:
        return _clip_ids(text)
    raise UsageError(
        f"vocab_size={architecture.vocab_size}: neither CLIP's {CLIP_VOCABULARY} token ids nor a"
        " vocabulary of words; give token ids yourself"
    )


def _compact_ids(text: str, vocabulary: tuple[str, ...]) -> list[int]:
    start, end = len(vocabulary) + 1, len(vocabulary) + 2
    known = {word: index for index, word in enumerate(vocabulary, start=1)}
    unknown = [word for word in words(text) if word not in known]
    if unknown:
        raise UsageError(
            f"word {unknown[0]!r}: not in the network's vocabulary of {len(vocabulary)} words"
            f" ({', '.join(vocabulary[:12])}{', ...' if len(vocabulary) > 12 else ''})"
        )
    return [start, *(known[word] for word in words(text)), end]


def _clip_ids(text: str) -> list[int]:
    parts = words(text)
    if all(word in _CLIP_WORDS for word in parts):
        return [_CLIP_START, *(index for word in parts for index in _CLIP_WORDS[word]), _CLIP_END]
    return [_CLIP_START, *clip_token_ids(text), _CLIP_END]


def clip_token_ids(text: str) -> list[int]:
    """Turn a text into ids of CLIP's vocabulary, without start and end.

    Raises:
        MissingBackend: open_clip is not installed.
    """
    ids: list[int] = open_clip_package().SimpleTokenizer().encode(" ".join(text.lower().split()))
    return ids


def open_clip_package() -> Any:
    """Import the package open_clip.

    Raises:
        MissingBackend: It is not installed.
    """
    try:
        return importlib.import_module("open_clip")
    except ModuleNotFoundError:
        raise MissingBackend(
            f"CLIP: open_clip is not installed; run: {pip_install(SCORING)}"
        ) from None
