"""Words for damage: which one a clip shows and how strong it is, beside its quality level.

The network compares a clip with any wording, not only with the quality levels. Trained on captions
made from the damage itself, it tells which of them fits best (`ClipVqaMetric` with ``explain``).
"""

from __future__ import annotations

CLEAN = "clean"
"""Caption of a clip without visible damage."""
STRENGTHS = ("slightly", "clearly", "heavily")
DAMAGES = ("compressed", "compressed upscaled", "upscaled", "blurred", "noisy", "banded")
CAPTIONS = (CLEAN, *(f"{strength} {damage}" for damage in DAMAGES for strength in STRENGTHS))
"""Every caption that the bundled network was trained with."""

_SLIGHT, _CLEAR = 75.0, 45.0
"""VMAF from which on damage is called slight, or clear; below both it is heavy."""


def caption(damage: str, vmaf: float) -> str:
    """Return the caption of a damage.

    Args:
        damage: One of `DAMAGES`.
        vmaf: VMAF of the clip, 0-100; the lower, the stronger the damage is called.
    """
    strength = STRENGTHS[0 if vmaf >= _SLIGHT else 1 if vmaf >= _CLEAR else 2]
    return f"{strength} {damage}"
