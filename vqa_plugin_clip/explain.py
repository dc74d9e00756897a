"""Which wordings of damage fit each window of a video best: CLIPVQA's explanation of its score."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqa_harness.errors import InputError
from vqa_plugin_clip.checkpoint.card import CheckpointCard

_CAPTIONS_MAX = 1000
"""Most captions that a card may have."""
_SHOWN = 3
"""Wordings that are reported for each window."""
_LINES_MAX = 20
"""Most lines that are shown to people; a long video changes often."""


def captions_of(card: CheckpointCard) -> tuple[str, ...]:
    """Read the wordings of damage that a checkpoint was trained with; most have none.

    Raises:
        InputError: The card's entry is not a list of texts.
    """
    captions = card.extra.get("captions", [])
    if (
        not isinstance(captions, list)
        or len(captions) > _CAPTIONS_MAX
        or not all(isinstance(text, str) for text in captions)
    ):
        raise InputError("card: captions needs a list of texts")
    return tuple(captions)


class Explanation:
    """The best wordings of each window.

    Args:
        captions: The C wordings.
    """

    def __init__(self, captions: tuple[str, ...]) -> None:
        self._captions = captions
        self._windows: list[dict[str, Any]] = []

    def add(self, start: int, stop: int, fit: NDArray[np.float64]) -> None:
        """Take in a window.

        Args:
            start: Its first frame.
            stop: One past its last frame.
            fit: [C] float64, how well each wording fits; sums to 1.
        """
        best = np.argsort(-fit, kind="stable")[:_SHOWN]
        words = {self._captions[index]: round(float(fit[index]), 4) for index in best}
        self._windows.append({"start": start, "end": stop, "words": words})

    def extend(self, windows: Iterable[dict[str, Any]]) -> None:
        """Take in windows as `to_list` gave them."""
        self._windows += windows

    def to_list(self) -> list[dict[str, Any]]:
        """Return a dict per window: ``start``, ``end`` (frames) and ``words``, best first."""
        return self._windows

    def lines(self) -> list[str]:
        """Describe, for people, runs of windows that one wording fits best, with its mean fit."""
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
