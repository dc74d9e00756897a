"""Which windows a checkpoint is scored on: those asked for, its card's, or those of its kind."""

from __future__ import annotations

from typing import NamedTuple

from vqa_plugin_clip.checkpoint.card import WHOLE_VIDEO, CheckpointCard

OF_CARD = "card"
"""Value of ``window`` for the window of the checkpoint's card."""

SHORT_SECONDS = 2
"""Length of the window for networks that were made from short clips."""


class WindowChoice(NamedTuple):
    """How a video is cut into windows.

    Attributes:
        window: Seconds as text, or ``video`` for one window over the whole video.
        hop: Seconds from one window's start to the next as text; empty for the window's length.
        origin: Who says so, for the log.
    """

    window: str
    hop: str
    origin: str


def choose_window(card: CheckpointCard, window: str, hop: str) -> WindowChoice:
    """Choose the windows that a checkpoint is scored on.

    Cards that earlier versions wrote name no window. Networks of the published code, and those
    trained on opinion scores, were trained and validated on whole videos; all others, such as the
    bundled ones, on short clips.

    Args:
        card: The checkpoint's card.
        window: What was asked for: seconds, ``video``, or ``card``.
        hop: What was asked for: seconds, or empty for the card's.

    Returns:
        The values as texts, neither of them checked if it was asked for.
    """
    if window != OF_CARD:
        return WindowChoice(window, hop, "asked for")
    if card.window is not None:
        of_card = "" if card.hop is None else str(card.hop)
        return WindowChoice(str(card.window), hop or of_card, "the checkpoint's card")
    seconds, reason = _of_kind(card)
    return WindowChoice(str(seconds), hop, f"{reason}; the checkpoint's card names none")


def _of_kind(card: CheckpointCard) -> tuple[float | str, str]:
    if card.architecture.behaviour == "published":
        return WHOLE_VIDEO, "the published protocol"
    if "validation_files" in card.extra:
        return WHOLE_VIDEO, "as in training on opinion scores"
    return SHORT_SECONDS, "the default"
