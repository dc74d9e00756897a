"""SSIMULACRA2 of a pair of pictures."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from vqa_metrics.light.frames import SMALLEST, size_of
from vqa_metrics.light.kernels import Codes
from vqa_metrics.ssimulacra2.maps import SUMS
from vqa_metrics.ssimulacra2.scales import Buffers, first_scale, new_buffers, next_scale
from vqa_metrics.ssimulacra2.score import COMPONENTS, MAPS, NORMS, SCALES, score, weights_of

_local = threading.local()
"""The buffers of each thread, for pictures of the last size."""


def scale_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Return rows and columns of each scale; there are further ones while both are 8 or more.

    Args:
        height: rows of the picture.
        width: columns of the picture.
    """
    sizes = [(height, width)]
    while len(sizes) < SCALES and min(sizes[-1]) >= SMALLEST:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def error_norms(reference: Codes, distorted: Codes) -> NDArray[np.float64]:
    """Compute the norms of all error maps.

    Args:
        reference: the reference.
        distorted: a picture of the same size, at least 8x8.

    Returns:
        (scales, components, maps, norms) as `score` takes them. Structure that no weight asks for
        is left out, as 0: at 1:1 that of X and of B - Y.

    Raises:
        ValueError: the sizes differ, or the picture is too small.
    """
    height, width = size_of("SSIMULACRA2", reference, distorted)
    sizes = scale_sizes(height, width)
    wanted = np.any(weights_of(len(sizes))[..., 0] > 0, axis=2)
    sums = np.zeros((len(sizes), COMPONENTS, SUMS))
    own = _buffers(height, width)
    for number, (rows, columns) in enumerate(sizes):
        structure, further = np.ascontiguousarray(wanted[:, number]), number + 1 < len(sizes)
        if number == 0:
            first_scale(reference, distorted, structure, further, sums[0], own)
        else:
            next_scale(rows, columns, structure, further, sums[number], own)
    norms = sums.reshape(len(sizes), COMPONENTS, MAPS, NORMS)
    norms /= np.prod(sizes, axis=1).reshape(-1, 1, 1, 1)
    norms[..., 1] **= 0.25
    return norms


def ssimulacra2(reference: Codes, distorted: Codes) -> float:
    """Compute the score of a pair of pictures, 100 at most.

    Args:
        reference: the reference.
        distorted: a picture of the same size, at least 8x8.

    Raises:
        ValueError: as `error_norms`.
    """
    return score(error_norms(reference, distorted))


def _buffers(height: int, width: int) -> Buffers:
    """This thread's buffers, made anew where the size changes."""
    if getattr(_local, "size", None) != (height, width):
        _local.size, _local.buffers = (height, width), new_buffers(height, width)
    return _local.buffers  # type: ignore[no-any-return]
