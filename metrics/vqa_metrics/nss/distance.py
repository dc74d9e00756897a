"""NIQE's distance between two Gaussian models.

Source: Mittal, Soundararajan, Bovik, "Making a 'Completely Blind' Image Quality Analyzer", IEEE
Signal Processing Letters 2013, equation 10. It is compiled, because a numerical library would start
threads for a 36 x 36 system, which take more time from other frames than the arithmetic does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_harness.jit import kernel

Array = NDArray[np.float64]


@kernel()
def _pooled_covariance(rows: Array, mean: Array, pristine: Array, out: Array) -> None:
    """Set ``out`` to the mean of ``pristine`` and the covariance of ``rows``.

    The covariance is divided by n - 1, and is zero for a single row.
    """
    count, size = rows.shape
    scale = 0.5 / max(count - 1, 1)
    for i in range(size):
        for j in range(i + 1):
            total = 0.0
            for row in range(count):
                total += (rows[row, i] - mean[i]) * (rows[row, j] - mean[j])
            out[i, j] = out[j, i] = total * scale + 0.5 * pristine[i, j]


@kernel()
def _solve_norm(matrix: Array, vector: Array) -> float:
    """Compute ``vector . inverse(matrix) . vector`` by Cholesky's method, overwriting both.

    Returns -1 if the matrix is not positive definite.
    """
    size = len(vector)
    total = 0.0
    for i in range(size):
        for j in range(i + 1):
            value = matrix[i, j]
            for k in range(j):
                value -= matrix[i, k] * matrix[j, k]
            if i > j:
                matrix[i, j] = value / matrix[j, j]
            elif value > 0.0:
                matrix[i, i] = np.sqrt(value)
            else:
                return -1.0
        value = vector[i]
        for k in range(i):
            value -= matrix[i, k] * vector[k]
        vector[i] = value / matrix[i, i]
        total += vector[i] * vector[i]
    return total


def model_distance(rows: Array, difference: Array, pristine: Array) -> float:
    """Compute ``sqrt(d . inverse((C0 + C) / 2) . d)``.

    Args:
        rows: (n, 36) float64 with n at least 1: features of whole blocks. C is their covariance.
        difference: (36,) float64: d, the difference of the two means.
        pristine: (36, 36) float64: C0, the covariance of the pristine model.

    Returns:
        The distance, at least 0.

    Raises:
        ValueError: The mean of the covariances is not positive definite.
    """
    pooled = np.empty_like(pristine)
    _pooled_covariance(rows, rows.mean(axis=0), pristine, pooled)
    squared = _solve_norm(pooled, difference.copy())
    if squared < 0.0:
        raise ValueError("the mean of the covariances is not positive definite")
    return float(np.sqrt(squared))
