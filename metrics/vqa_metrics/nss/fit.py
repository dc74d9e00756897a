"""Generalised Gaussian fits by moment matching, from sums instead of samples.

Asymmetric: Lasmar, Stitou, Berthoumieu, "Multiscale skewed heavy tailed model for texture
analysis", ICIP 2009. Symmetric: Sharifi, Leon-Garcia, "Estimation of shape parameter for
generalized Gaussian distributions in subband decompositions of video", IEEE TCSVT 1995. As in the
LIVE releases, the shape is the nearest on a grid from 0.2 to 10 in steps of 0.001; where the ratio
is undefined it is the first of them.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ShapeTable:
    """Gamma-function terms of every shape a on the grid, (9801,) float64 each.

    Attributes:
        shape: The shapes a themselves: 0.2, 0.201 ... 10.
        rho: Gamma(2/a)^2 / (Gamma(1/a) Gamma(3/a)), ascending.
        ratio: Gamma(2/a) / Gamma(1/a).
        width: sqrt(Gamma(1/a) / Gamma(3/a)).
        middle: (9800,) float64, half way between neighbouring values of ``rho``.
        inverse_middle: (9800,) float64, half way between neighbours of 1 / ``rho``, negated so that
            it ascends.
    """

    shape: Array
    rho: Array
    ratio: Array
    width: Array
    middle: Array
    inverse_middle: Array


@functools.cache
def shape_table() -> ShapeTable:
    """Make the table of shapes; once per process."""
    shape = np.linspace(0.2, 10.0, 9801)
    one, two, three = (np.array([math.gamma(n / a) for a in shape]) for n in (1, 2, 3))
    rho = two**2 / (one * three)
    return ShapeTable(
        shape=shape,
        rho=rho,
        ratio=two / one,
        width=np.sqrt(one / three),
        middle=(rho[1:] + rho[:-1]) / 2,
        inverse_middle=-(1 / rho[1:] + 1 / rho[:-1]) / 2,
    )


@dataclass(frozen=True, slots=True)
class Asymmetric:
    """Fitted asymmetric generalised Gaussians; all arrays have the shape of what was fitted.

    Attributes:
        index: Where the shape is in `ShapeTable.shape`.
        left: Root mean square of the samples below zero, NaN if there are none.
        right: Root mean square of the samples above zero, NaN if there are none.
    """

    index: NDArray[np.intp]
    left: Array
    right: Array


def _nearest(middle: Array, value: Array) -> NDArray[np.intp]:
    """Index of the nearest grid value; the first on a tie, and where the value is undefined."""
    return np.where(np.isfinite(value), np.searchsorted(middle, value), 0)


def fit_asymmetric(sums: Array, samples: int) -> Asymmetric:
    """Fit asymmetric generalised Gaussians.

    Args:
        sums: (..., 5) float64, the fields of `NssSums`: squares below and above zero, magnitudes,
            counts below and above zero.
        samples: How many samples were summed; exact zeros are among them, but on neither side.

    Returns:
        Arrays of the shape that ``sums`` has before its last axis.
    """
    below, above, size, negative, positive = np.moveaxis(sums, -1, 0)
    with np.errstate(all="ignore"):
        left, right = np.sqrt(below / negative), np.sqrt(above / positive)
        skew = left / right
        ratio = (size / samples) ** 2 / ((below + above) / samples)
        ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    return Asymmetric(_nearest(shape_table().middle, ratio), left, right)


def fit_symmetric(sums: Array, samples: int) -> tuple[NDArray[np.intp], Array]:
    """Fit symmetric generalised Gaussians.

    Args:
        sums: (..., 5) float64, as for `fit_asymmetric`.
        samples: How many samples were summed.

    Returns:
        Where the shape is in `ShapeTable.shape`, and the mean square; both of the shape that
        ``sums`` has before its last axis.
    """
    below, above, size = sums[..., 0], sums[..., 1], sums[..., 2]
    mean_square = (below + above) / samples
    with np.errstate(all="ignore"):
        ratio = mean_square / (size / samples) ** 2
    return _nearest(shape_table().inverse_middle, -ratio), mean_square
