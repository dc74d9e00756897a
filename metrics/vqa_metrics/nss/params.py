"""The released parameters of NIQE and BRISQUE; ``data/ORIGIN.md`` says where they are from."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NiqeParams:
    """The pristine model: a multivariate Gaussian over 36 features.

    Attributes:
        mean: (36,) float64, in the order of `vqa_metrics.niqe.niqe_features`.
        covariance: (36, 36) float64, in the same order.
    """

    mean: Array
    covariance: Array


@dataclass(frozen=True, slots=True)
class BrisqueParams:
    """The support-vector regressor from 36 features to a score.

    Attributes:
        support_vectors: (774, 36) float64.
        weights: (774,) float64, the dual coefficients.
        rho: What is subtracted from the weighted sum of kernels.
        gamma: Factor in the kernel ``exp(-gamma * squared distance)``.
        feature_range: (36, 2) float64, the value of each feature that is scaled to -1, and to 1.
    """

    support_vectors: Array
    weights: Array
    rho: float
    gamma: float
    feature_range: Array


def _numbers() -> dict[str, Array]:
    path = resources.files("vqa_metrics") / "data" / "nss_params.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@functools.cache
def niqe_params() -> NiqeParams:
    """Read the parameters of the LIVE NIQE release; once per process."""
    numbers = _numbers()
    return NiqeParams(numbers["niqe_mu"], numbers["niqe_cov"])


@functools.cache
def brisque_params() -> BrisqueParams:
    """Read the parameters of the LIVE BRISQUE release; once per process."""
    numbers = _numbers()
    return BrisqueParams(
        support_vectors=numbers["brisque_support_vectors"],
        weights=numbers["brisque_dual_coef"],
        rho=float(numbers["brisque_rho"]),
        gamma=float(numbers["brisque_gamma"]),
        feature_range=numbers["brisque_feature_range"],
    )


@functools.cache
def window_taps() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Read the window as 7 taps down the columns and 7 along the rows, exact to the last bit."""
    numbers = _numbers()
    column, row = numbers["window_column"], numbers["window_row"]
    return tuple(float(tap) for tap in column), tuple(float(tap) for tap in row)
