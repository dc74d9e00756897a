"""A weights file as bytes, given out only if it is whole and finite; imports no torch."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vqa_harness.errors import InputError
from vqa_plugin_clip.checkpoint.card import CheckpointCard

MAX_WEIGHTS_BYTES = 8 << 30
"""Largest weights file that is read, in bytes."""

_EXPONENTS = {
    "F16": ("<u2", 0x7C00),
    "BF16": ("<u2", 0x7F80),
    "F32": ("<u4", 0x7F800000),
    "F64": ("<u8", 0x7FF0000000000000),
}
"""Kinds of floating-point numbers, as unsigned integers, and the bits of their exponent: all are
set in infinity and NaN only."""


class StoredTensor(NamedTuple):
    """Where a tensor stands in a weights file.

    Attributes:
        name: Its key.
        dtype: The kind of its numbers as safetensors names it, such as ``F16``.
        shape: Its shape.
        offset: Its first byte, from the start of the file.
        length: Its number of bytes.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    length: int


def stored_tensors(weights: bytes) -> list[StoredTensor]:
    """List the tensors of a safetensors file.

    Raises:
        ValueError: The bytes are no such file.
    """
    size = int.from_bytes(weights[:8], "little")
    try:
        header: dict[str, Any] = json.loads(weights[8 : 8 + size])
        entries = {key: value for key, value in header.items() if key != "__metadata__"}
        found = [
            StoredTensor(
                name,
                str(entry["dtype"]),
                tuple(int(n) for n in entry["shape"]),
                8 + size + int(entry["data_offsets"][0]),
                int(entry["data_offsets"][1]) - int(entry["data_offsets"][0]),
            )
            for name, entry in entries.items()
        ]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise ValueError(f"its header cannot be read: {error}") from None
    for tensor in found:
        if tensor.offset < 8 + size or not 0 <= tensor.length <= len(weights) - tensor.offset:
            raise ValueError(f"tensor {tensor.name!r} lies outside the file")
    return found


def read_weights(path: Path, card: CheckpointCard) -> bytes:
    """Read a weights file whole.

    Args:
        path: The .safetensors file.
        card: The card that has its hash.

    Raises:
        InputError: The file cannot be read, is too large, or is not the one that the card
            describes; or a weight in it is not finite.
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
    _check_finite(path, content)
    return content


def _check_finite(path: Path, weights: bytes) -> None:
    """Refuse weights among which is NaN or infinity: whatever they score is no score."""
    try:
        tensors = stored_tensors(weights)
    except ValueError as error:
        raise InputError(f"{path}: not a safetensors file ({error})") from None
    for tensor in tensors:
        if tensor.dtype not in _EXPONENTS:
            continue
        kind, exponent = _EXPONENTS[tensor.dtype]
        count = tensor.length // np.dtype(kind).itemsize
        values = np.frombuffer(weights, kind, count, tensor.offset)
        wrong = int(np.count_nonzero((values & exponent) == exponent))
        if wrong:
            raise InputError(
                f"{path}: {wrong} of the {math.prod(tensor.shape)} weights of {tensor.name!r} are"
                " not finite; the training that made them went astray"
            )
