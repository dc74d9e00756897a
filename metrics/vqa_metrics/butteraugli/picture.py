"""Butteraugli of a pair of pictures: a map of differences, its maximum and its 3-norm.

J. Alakuijala et al., Google, 2016 and later; as libjxl 0.11 computes it, written from the method's
description. The map is computed at full and at half resolution, and both are added.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import kernel, part
from vqa_metrics.butteraugli.bands import (
    activity_row,
    high_row,
    low_row,
    middle_row,
    split_row,
    suppress_row,
)
from vqa_metrics.butteraugli.buffers import Buffers, Three, new_buffers
from vqa_metrics.butteraugli.malta import add_malta
from vqa_metrics.butteraugli.mask import mask_differences
from vqa_metrics.butteraugli.opsin import cone_row
from vqa_metrics.butteraugli.planes import (
    Plane,
    Size,
    blur,
    fill_margins,
    mirror_margins,
    start_of,
)
from vqa_metrics.light.frames import SMALLEST, size_of
from vqa_metrics.light.kernels import Codes, linear_row, scratch_size

_HALF_SHARE = np.float32(0.5)
_FULL_SHARE = np.float32(1 - 0.3 * 0.5)
_local = threading.local()
"""The buffers of each thread, for pictures of the last size."""


@part()
def _cones(light: Three, own: Buffers, nits: np.float32) -> None:
    """Replace linear light by responses of cones."""
    height, width, pitch = own.size
    smooth = own.spare
    for plane, near in zip(light, smooth):  # noqa: B905 - Numba knows no strict
        mirror_margins(plane, own.size)
        blur(plane, own.blurs.adaptation, own.size, own.line, near)
    for row in range(height):
        at = start_of(row, pitch)
        cone_row(
            (light[0][at:], light[1][at:], light[2][at:]),
            (smooth[0][at:], smooth[1][at:], smooth[2][at:]),
            width,
            nits,
        )
    for plane in light:
        fill_margins(plane, own.size, np.float32(0))


@part()
def _low_and_middle(a: Plane, b: Plane, component: int, own: Buffers) -> None:
    """Compare low and middle frequencies of a component, and leave the high ones in its planes."""
    height, width, pitch = own.size
    one, other, change = own.spare
    blur(a, own.blurs.low, own.size, own.line, one)
    blur(b, own.blurs.low, own.size, own.line, other)
    for row in range(height):
        at = start_of(row, pitch)
        low_row(
            a[at:], b[at:], one[at:], other[at:], component, width, own.yellow[at:], own.coarse[at:]
        )
    blur(a, own.blurs.middle, own.size, own.line, one)
    blur(b, own.blurs.middle, own.size, own.line, other)
    for row in range(height):
        at = start_of(row, pitch)
        middle_row(a[at:], b[at:], one[at:], other[at:], component, width, own.fine[at:])
    if component < 2:
        by = own.weights.middle[component]
        add_malta(one, other, by, own.sparse, own.size, change, own.fine)


@part()
def _high(a: Plane, b: Plane, component: int, own: Buffers) -> None:
    """Compare high frequencies of X or Y, and gather activity in the planes of X."""
    height, width, pitch = own.size
    one, other, change = own.spare
    blur(a, own.blurs.high, own.size, own.line, one)
    blur(b, own.blurs.high, own.size, own.line, other)
    for row in range(height):
        at = start_of(row, pitch)
        split_row(a[at:], one[at:], component, width)
        split_row(b[at:], other[at:], component, width)
        high_row(one[at:], other[at:], component, width, own.fine[at:])
    by = own.weights.highest[component]
    add_malta(a, b, by, own.full, own.size, change, own.fine)
    by = own.weights.high[component]
    add_malta(one, other, by, own.sparse, own.size, change, own.fine)
    for row in range(height):
        at = start_of(row, pitch)
        activity_row(a[at:], one[at:], component, width, own.a[0][at:])
        activity_row(b[at:], other[at:], component, width, own.b[0][at:])


@part()
def _halve(plane: Plane, size: Size, small: Plane, small_size: Size) -> None:
    """Average 2 by 2 pixels; the last row and column of an odd size are repeated."""
    for row in range(small_size.height):
        upper = plane[start_of(2 * row, size.pitch) :]
        lower = plane[start_of(min(2 * row + 1, size.height - 1), size.pitch) :]
        out = small[start_of(row, small_size.pitch) :]
        for c in range(small_size.width):
            right = min(2 * c + 1, size.width - 1)
            total = upper[2 * c] + upper[right] + lower[2 * c] + lower[right]
            out[c] = total * np.float32(0.25)


@kernel()
def load_pictures(reference: Codes, distorted: Codes, scratch: Plane, own: Buffers) -> None:
    """Make linear light of both pictures.

    Args:
        reference: its code values.
        distorted: those of the distorted picture, of the same size.
        scratch: of `linear_row`.
        own: where the light goes.
    """
    height, _, pitch = own.size
    for row in range(height):
        at = start_of(row, pitch)
        linear_row(reference, row, scratch, own.a[0][at:], own.a[1][at:], own.a[2][at:])
        linear_row(distorted, row, scratch, own.b[0][at:], own.b[1][at:], own.b[2][at:])


@kernel()
def halve_light(own: Buffers, small: Buffers) -> None:
    """Halve the light of both pictures into the buffers of half the size."""
    for k in range(3):
        _halve(own.a[k], own.size, small.a[k], small.size)
        _halve(own.b[k], own.size, small.b[k], small.size)


@kernel()
def compare(own: Buffers, nits: np.float32) -> None:
    """Replace the light of both pictures by what is left of it; the map is in ``own.fine``.

    Args:
        own: with linear light in ``a`` and ``b``.
        nits: luminance of 1.0 in cd/m2.
    """
    height, width, pitch = own.size
    _cones(own.a, own, nits)
    _cones(own.b, own, nits)
    for plane in own.spare:
        fill_margins(plane, own.size, np.float32(0))
    _low_and_middle(own.a[1], own.b[1], 1, own)
    _low_and_middle(own.a[0], own.b[0], 0, own)
    _low_and_middle(own.a[2], own.b[2], 2, own)
    for row in range(height):
        at = start_of(row, pitch)
        suppress_row(own.a[0][at:], own.a[1][at:], width)
        suppress_row(own.b[0][at:], own.b[1][at:], width)
    _high(own.a[0], own.b[0], 0, own)
    _high(own.a[1], own.b[1], 1, own)
    active_a, active_b = own.spare[0], own.spare[1]
    blur(own.a[0], own.blurs.activity, own.size, own.line, active_a)
    blur(own.b[0], own.blurs.activity, own.size, own.line, active_b)
    fill_margins(active_a, own.size, np.float32(np.inf))
    mask_differences(active_a, active_b, own.coarse, own.fine, own.size, own.line)


@kernel()
def pool(own: Buffers, small: Buffers, both: bool) -> tuple[float, float, float, float]:
    """Return the maximum of the map, and the sums of its 3rd, 6th and 12th powers.

    Args:
        own: with the map of full size.
        small: with that of half the size.
        both: whether there is one of half the size, which is added.
    """
    height, width, pitch = own.size
    largest, third, sixth, twelfth = 0.0, 0.0, 0.0, 0.0
    for row in range(height):
        fine = own.fine[start_of(row, pitch) :]
        coarse = small.fine[start_of(row // 2 if both else 0, small.size.pitch) :]
        for c in range(width):
            value = fine[c]
            if both:
                value = _FULL_SHARE * value + _HALF_SHARE * coarse[c // 2]
            largest = max(largest, float(value))
            cube = float(value) * float(value) * float(value)
            third += cube
            sixth += cube * cube
            twelfth += (cube * cube) * (cube * cube)
    return largest, third, sixth, twelfth


def butteraugli(reference: Codes, distorted: Codes, nits: float) -> tuple[float, float]:
    """Compute the largest difference and the 3-norm.

    Args:
        reference: the reference.
        distorted: a picture of the same size, at least 8x8.
        nits: luminance of 1.0 in cd/m2.

    Returns:
        Both, 0 where the pictures are equal; 1 is about what is just seen. The 3-norm is the mean
        of the norms of orders 3, 6 and 12, as in libjxl.

    Raises:
        ValueError: the sizes differ, or the picture is too small.
    """
    height, width = size_of("Butteraugli", reference, distorted)
    own, small, scratch = _buffers(height, width)
    both = min(small.size.height, small.size.width) >= SMALLEST
    load_pictures(reference, distorted, scratch, own)
    if both:
        halve_light(own, small)
        compare(small, np.float32(nits))
    compare(own, np.float32(nits))
    largest, *sums = pool(own, small, both)
    norms = [(total / (height * width)) ** (1 / p) for total, p in zip(sums, (3, 6, 12))]  # noqa: B905
    return largest, sum(norms) / 3


def _buffers(height: int, width: int) -> tuple[Buffers, Buffers, NDArray[np.float32]]:
    """This thread's buffers for full and half size, made anew where the size changes."""
    if getattr(_local, "size", None) != (height, width):
        half = (height + 1) // 2, (width + 1) // 2
        scratch = np.zeros(scratch_size(width), np.float32)
        _local.buffers = new_buffers(height, width), new_buffers(*half), scratch
        _local.size = height, width
    return _local.buffers  # type: ignore[no-any-return]
