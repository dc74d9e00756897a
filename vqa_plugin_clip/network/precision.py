"""Full float32 on GPUs: without it, NVIDIA's convolutions round their inputs to TF32 (10 bits)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute in float32 as processors do while the block runs, on any device.

    Torch lets cuDNN use TF32 unless told otherwise: scores on a GPU then differ from those on a
    processor by up to 0.02. The switches are the process's, so they are put back.
    """
    switches = _switches()
    before = [getattr(place, name) for place, name, _ in switches]
    for place, name, exact in switches:
        setattr(place, name, exact)
    try:
        yield
    finally:
        for (place, name, _), value in zip(switches, before, strict=True):
            setattr(place, name, value)


def _switches() -> list[tuple[Any, str, object]]:
    """Where torch keeps what it may round: the place, the name, the value for float32."""
    convolutions, products = torch.backends.cudnn, torch.backends.cuda.matmul
    if hasattr(convolutions, "conv"):  # torch 2.9 and later
        return [
            (convolutions.conv, "fp32_precision", "ieee"),
            (products, "fp32_precision", "ieee"),
        ]
    return [(convolutions, "allow_tf32", False), (products, "allow_tf32", False)]
