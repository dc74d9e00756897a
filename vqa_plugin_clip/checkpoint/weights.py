"""A weights file as bytes, given out only if its hash is that of its card; imports no torch."""

from __future__ import annotations

import hashlib
from pathlib import Path

from vqa_harness.errors import InputError
from vqa_plugin_clip.checkpoint.card import CheckpointCard

MAX_WEIGHTS_BYTES = 8 << 30
"""Largest weights file that is read, in bytes."""


def read_weights(path: Path, card: CheckpointCard) -> bytes:
    """Read a weights file whole.

    Args:
        path: The .safetensors file.
        card: The card that has its hash.

    Raises:
        InputError: The file cannot be read, is too large, or is not the one that the card
            describes.
    """
    try:
        size = path.stat().st_size
        if size > MAX_WEIGHTS_BYTES:
            raise InputError(f"{path}: {size} bytes; at most {MAX_WEIGHTS_BYTES} are read")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.sha256:
        raise InputError(
            f"{path}: sha256 {digest[:12]}... is not the card's {card.sha256[:12]}...;"
            " the file is damaged or belongs to another card"
        )
    return content
