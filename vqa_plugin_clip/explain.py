"""Which wordings of damage fit each window of a video best: CLIPVQA's explanation of its score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import InputError
from vqa_plugin_clip.checkpoint.card import Card

_CAPTIONS_MAX = 1000
_SHOWN = 3
_LINES_MAX = 20


def captions_of(card: Card) -> tuple[str, ...]:
    """The wordings of damage that a checkpoint was trained with; none for most.

    Raises:
        InputError: the card's entry is no list of texts.
    """
    found = card.extra.get("captions", [])
    if (
        not isinstance(found, list)
        or len(found) > _CAPTIONS_MAX
        or not all(isinstance(text, str) for text in found)
    ):
        raise InputError("card: captions needs a list of texts")
    return tuple(found)


class Explanation:
    """The best wordings of each window.

    Args:
        captions: C wordings.
    """

    def __init__(self, captions: tuple[str, ...]) -> None:
        self._captions = captions
        self._windows: list[dict[str, Any]] = []

    def add(self, start: int, stop: int, fit: NDArray[np.float64]) -> None:
        """Take in a window.

        Args:
            start: its first frame.
            stop: one past its last frame.
            fit: [C], how well each wording fits; sums to 1.
        """
        best = np.argsort(-fit, kind="stable")[:_SHOWN]
        words = {self._captions[index]: round(float(fit[index]), 4) for index in best}
        self._windows.append({"start": start, "end": stop, "words": words})

    def to_list(self) -> list[dict[str, Any]]:
        """Per window, JSON-compatible: ``start``, ``end`` (frames) and ``words``, best first."""
        return self._windows

    def lines(self) -> list[str]:
        """For people: runs of windows that the same wording fits best, with its mean fit."""
        runs: list[tuple[str, list[dict[str, Any]]]] = []
        for window in self._windows:
            best = next(iter(window["words"]))
            if not runs or runs[-1][0] != best:
                runs.append((best, []))
            runs[-1][1].append(window)
        lines = []
        for best, windows in runs[:_LINES_MAX]:
            fit = sum(window["words"][best] for window in windows) / len(windows)
            lines.append(
                f"frames {windows[0]['start']}-{windows[-1]['end'] - 1}: {best} ({fit:.2f})"
            )
        rest = len(runs) - _LINES_MAX
        return [*lines, f"and {rest} changes more; the log has every window"] if rest > 0 else lines
