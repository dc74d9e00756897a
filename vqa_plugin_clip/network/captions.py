"""Words for damage: which one a clip shows and how strong it is, beside its quality level.

The network compares a clip with any wording, not only with the quality levels. Trained on captions
made from the damage itself, it tells which of them fits best (`ClipVqaMetric` with ``explain``).
"""

from __future__ import annotations

CLEAN = "clean"
STRENGTHS = ("slightly", "clearly", "heavily")
DAMAGES = ("compressed", "compressed upscaled", "upscaled", "blurred", "noisy", "banded")
CAPTIONS = (CLEAN, *(f"{strength} {damage}" for damage in DAMAGES for strength in STRENGTHS))
"""Every caption that the bundled network was trained with."""

_SLIGHT, _CLEAR = 75.0, 45.0


def caption(damage: str, vmaf: float) -> str:
    """The caption of a damage, one of `DAMAGES`, at this VMAF (0-100): the lower, the stronger."""
    strength = STRENGTHS[0 if vmaf >= _SLIGHT else 1 if vmaf >= _CLEAR else 2]
    return f"{strength} {damage}"
