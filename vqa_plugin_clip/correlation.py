"""How well predictions follow what was wanted: SROCC, and PLCC without any mapping."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, rankdata

FEWEST = 3
"""Values below which a correlation says nothing."""


class Correlations(NamedTuple):
    """Spearman's and Pearson's coefficients, -1 to 1."""

    srocc: float
    plcc: float


def correlations(
    predicted: NDArray[np.floating], wanted: NDArray[np.floating]
) -> Correlations | None:
    """Both coefficients; None below three values, and where all of one side are equal.

    Args:
        predicted: [n].
        wanted: [n].
    """
    if len(wanted) < FEWEST or np.ptp(wanted) == 0 or np.ptp(predicted) == 0:
        return None
    return Correlations(
        float(pearsonr(rankdata(predicted), rankdata(wanted)).statistic),
        float(pearsonr(predicted, wanted).statistic),
    )
