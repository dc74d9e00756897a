"""How well predictions follow opinion scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vqa_plugin_clip.correlation import correlations

Values = NDArray[np.float64]


def figures(predicted: Values, wanted: Values) -> dict[str, float | None]:
    """SROCC, PLCC (raw, no mapping, as the published code measures it) and RMSE.

    Args:
        predicted: [n], on the scale of ``wanted``.
        wanted: [n] mean opinion scores.

    Returns:
        ``srocc``, ``plcc`` and ``rmse``; correlations are None below three files, and where all
        values of one side are equal.
    """
    rmse = float(np.sqrt(np.mean((predicted - wanted) ** 2)))
    srocc, plcc = correlations(predicted, wanted) or (None, None)
    return {"srocc": srocc, "plcc": plcc, "rmse": rmse}


def rank(found: dict[str, float | None]) -> tuple[float, float]:
    """What epochs are compared by: SROCC, then PLCC; an undefined one is worst."""
    srocc, plcc = found.get("srocc"), found.get("plcc")
    return (-2.0 if srocc is None else srocc, -2.0 if plcc is None else plcc)


def on_scale(shares: Values, scale: tuple[float, float]) -> Values:
    """Shares of the way from worst (0) to best (1) as scores on a scale."""
    low, high = scale
    return low + shares * (high - low)
