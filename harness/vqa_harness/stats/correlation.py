"""How well predictions agree with opinions: SROCC, PLCC and RMSE after a logistic fit, KROCC.

The fit is the monotonic four-parameter logistic of VQEG's final reports (FR-TV phase II, 2003)::

    f(x) = b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|))

by least squares. Sums of squares of this curve have many local minima where scores and opinions go
together weakly, so a grid of b3 and b4 is looked at first (b1 and b2 follow from them, being
linear), and Levenberg-Marquardt goes on from its best places. Where that ends in no finite curve,
or in one that is no better than a straight line, the line takes its place.

Signs: 1 is a metric that orders as people do. What a metric declares lower to be better, and a
scale of degradation, are turned round; without a declared direction nothing is turned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float64]

MIN_ITEMS = 5
"""Below this a curve of four parameters says nothing: no statistic is given."""
MAX_EVALUATIONS = 200
"""Evaluations of the curve that one search for its parameters may take."""
_PRECISE, _QUICK = 1e-8, 1e-6
"""Relative error at which a search ends: alone, and from a fit of similar data."""
_STEEPNESS = (0.005, 0.02, 0.06, 0.15, 0.35, 0.8, 2.0, 6.0)
"""Values of ``|b4|`` that are looked at, in standard deviations of x."""
_PLACES, _FEW_PLACES = 61, 15
"""Values of b3 that are looked at, alone and beside a fit of similar data."""
_REFINED, _FEW_REFINED = 3, 1
"""Places of the grid from which a search goes on, likewise."""


STATISTICS = ("srocc", "plcc", "krocc", "rmse")
"""Names of the statistics of `Agreement`."""
LEVEL = 0.95
"""Confidence of the intervals."""
FEWEST = 3
"""Values below which a correlation says nothing."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The curve from scores to opinions.

    Attributes:
        kind: ``logistic``, or ``line`` where that failed.
        parameters: b1, b2, b3, b4 of the logistic; slope and intercept of the line.
    """

    kind: Literal["logistic", "line"]
    parameters: tuple[float, ...]

    def __call__(self, x: Vector) -> Vector:
        """Opinions predicted from scores."""
        if self.kind == "line":
            slope, intercept = self.parameters
            return np.asarray(slope * x + intercept)
        return logistic(x, *self.parameters)

    @property
    def rising(self) -> bool:
        """Whether higher scores mean higher opinions."""
        if self.kind == "line":
            return self.parameters[0] >= 0
        return self.parameters[0] >= self.parameters[1]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Statistics of one metric on one set.

    Attributes:
        srocc: Spearman's rank-order correlation, -1 to 1.
        plcc: Pearson's linear correlation of fitted scores, -1 to 1; negative where the fitted
            curve runs against the declared direction.
        krocc: Kendall's tau-b, -1 to 1.
        rmse: root of the mean squared error of fitted scores, on the scale of the opinions.
    """

    srocc: float
    plcc: float
    krocc: float
    rmse: float


def logistic(x: Vector, b1: float, b2: float, b3: float | Vector, b4: float) -> Vector:
    """VQEG's four-parameter logistic."""
    from scipy.special import expit

    return np.asarray(b2 + (b1 - b2) * expit((x - b3) / abs(b4)))


def fit(scores: Vector, opinions: Vector, start: Fit | None = None) -> Fit:
    """The curve that predicts opinions from scores best.

    Args:
        scores: (n,), not all equal.
        opinions: (n,), not all equal.
        start: a fit of similar data, which spares the search for a starting point.
    """
    scale, unit = _power(scores), _power(opinions)
    scores, opinions = scores / scale, opinions / unit
    centre, spread = float(scores.mean()), float(scores.std())
    z = (scores - centre) / spread
    slope, intercept = np.polyfit(z, opinions, 1)
    line_error = float(np.sum((slope * z + intercept - opinions) ** 2))
    tolerance = _PRECISE if start is None else _QUICK
    guesses = _starts(z, opinions, few=start is not None)
    if start is not None and start.kind == "logistic":
        b1, b2, b3, b4 = start.parameters
        known = [b1 / unit, b2 / unit, (b3 / scale - centre) / spread, b4 / scale / spread]
        guesses.append(np.array(known))
    error, best = min((_search(z, opinions, g, tolerance) for g in guesses), key=lambda r: r[0])
    if not error < line_error:
        slope, intercept = slope / spread, intercept - slope * centre / spread
        return Fit("line", (float(slope / scale * unit), float(intercept * unit)))
    b1, b2, b3, b4 = (float(value) for value in best)
    place, width = b3 * spread + centre, abs(b4) * spread
    return Fit("logistic", (b1 * unit, b2 * unit, place * scale, width * scale))


def _power(values: Vector) -> float:
    """The power of two of the largest magnitude, by which nothing is rounded when divided."""
    return math.ldexp(1.0, math.frexp(float(np.abs(values).max()))[1] - 1)


def _starts(z: Vector, opinions: Vector, *, few: bool) -> list[Vector]:
    """The best places of a grid, one for each steepness at most, with b1 and b2 that fit them."""
    count = min(len(z), _FEW_PLACES if few else _PLACES)
    inner = np.quantile(z, (np.arange(count) + 0.5) / count)
    places = np.concatenate([[z.min() - 1.0], inner, [z.max() + 1.0]])
    found = []
    for width in _STEEPNESS:
        g = logistic(z[None], 1.0, 0.0, places[:, None], width)
        centred: Vector = g - g.mean(axis=1)[:, None]
        target = opinions - opinions.mean()
        power = np.einsum("ij,ij->i", centred, centred)
        with np.errstate(all="ignore"):
            gain = np.where(power > 1e-12, centred @ target / power, 0.0)
        explained = gain**2 * power
        best = int(np.argmax(explained))
        b2 = float(opinions.mean() - gain[best] * g[best].mean())
        start = np.array([b2 + gain[best], b2, places[best], width])
        found.append((float(explained[best]), start))
    found.sort(key=lambda pair: -pair[0])
    return [start for _, start in found[: _FEW_REFINED if few else _REFINED]]


def _search(z: Vector, opinions: Vector, guess: Vector, tolerance: float) -> tuple[float, Vector]:
    """The sum of squared errors and the parameters; infinity where these are not finite."""
    from scipy.optimize import leastsq

    def residuals(b: Vector) -> Vector:
        return logistic(z, b[0], b[1], b[2], b[3] or 1e-12) - opinions

    def derivatives(b: Vector) -> Vector:
        width = abs(b[3]) or 1e-12
        g = logistic(z, 1.0, 0.0, b[2], width)
        bell = (b[0] - b[1]) * g * (1 - g) / width
        return np.stack([g, 1 - g, -bell, -bell * (z - b[2]) / width * np.sign(b[3] or 1.0)])

    with np.errstate(all="ignore"):
        solution, _, facts, _, _ = leastsq(
            residuals, guess, Dfun=derivatives, col_deriv=True, full_output=True,
            maxfev=MAX_EVALUATIONS, ftol=tolerance, xtol=tolerance,
        )  # fmt: skip
    error = float(np.sum(np.square(facts["fvec"])))
    good = np.all(np.isfinite(solution)) and math.isfinite(error)
    return (error if good else math.inf), solution


def agreement(
    scores: Vector, opinions: Vector, sign: int = 1, start: Fit | None = None
) -> tuple[Agreement, Fit] | None:
    """All statistics and the fit they come from.

    Args:
        scores: (n,) scores of the metric.
        opinions: (n,) opinion scores of people.
        sign: -1 where low scores are to go with high opinions, else 1.
        start: as in `fit`.

    Returns:
        None below `MIN_ITEMS` items, or where all scores or all opinions are equal.
    """
    from scipy.stats import kendalltau

    if len(scores) < MIN_ITEMS or np.ptp(scores) == 0 or np.ptp(opinions) == 0:
        return None
    unit = _power(opinions)
    if not (scores / _power(scores)).std() > 0 or not (opinions / unit).std() > 0:
        return None  # too close together to square
    curve = fit(scores, opinions, start)
    fitted = curve(scores)
    plcc = abs(pearson(fitted, opinions)) * (sign if curve.rising else -sign)
    statistics = Agreement(
        srocc=sign * spearman(scores, opinions),
        plcc=plcc,
        krocc=sign * float(kendalltau(scores, opinions).statistic),
        rmse=float(np.sqrt(np.mean((fitted / unit - opinions / unit) ** 2))) * unit,
    )
    return statistics, curve


def pearson(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Pearson's linear correlation of [n] and [n], -1 to 1; 0 where one of them is constant."""
    a, b = (_centred(np.asarray(side, np.float64)) for side in (x, y))
    norm = math.sqrt(float(a @ a) * float(b @ b))
    return float(np.clip(a @ b / norm, -1.0, 1.0)) if norm > 0 else 0.0


def _centred(values: Vector) -> Vector:
    """The values less their mean, in a unit in which squares neither overflow nor vanish."""
    if not np.any(values):
        return values
    scaled = values / _power(values)
    return np.asarray(scaled - scaled.mean())


def spearman(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Spearman's rank-order correlation of [n] and [n], -1 to 1; 0 where one is constant."""
    from scipy.stats import rankdata

    return pearson(rankdata(x), rankdata(y))


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a statistic lies with a confidence of 95 %."""

    low: float
    high: float


def intervals(
    scores: Vector, opinions: Vector, sign: int, start: Fit, *, samples: int, seed: int
) -> dict[str, Interval]:
    """Bootstrap intervals of each statistic of `agreement`.

    They are percentiles over samples of the items with replacement. The curve is fitted again to
    every sample. Samples in which a statistic is undefined are left
    out.

    Args:
        scores: (n,) scores of the metric.
        opinions: (n,) opinion scores of people.
        sign: as in `agreement`.
        start: the fit to all items.
        samples: how many samples are drawn; 0 for no intervals.
        seed: seed of the generator (NumPy's PCG64). Metrics scored on the same items get the same
            samples.
    """
    rng = np.random.default_rng(seed)
    rows: list[list[float]] = []
    for _ in range(samples):
        chosen = rng.integers(0, len(scores), len(scores))
        result = agreement(scores[chosen], opinions[chosen], sign, start)
        if result is not None:
            rows.append([getattr(result[0], name) for name in STATISTICS])
    return percentiles(rows)


def percentiles(rows: list[list[float]]) -> dict[str, Interval]:
    """The central 95 % of each statistic; empty without rows."""
    if not rows:
        return {}
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(np.asarray(rows), [tail, 100 - tail], axis=0)
    return {name: Interval(float(low[i]), float(high[i])) for i, name in enumerate(STATISTICS)}


class Correlations(NamedTuple):
    """Spearman's and Pearson's coefficients, -1 to 1."""

    srocc: float
    plcc: float


def correlations(
    predicted: NDArray[np.floating], opinions: NDArray[np.floating]
) -> Correlations | None:
    """Both coefficients as they are, without a curve fitted and without a sign turned round.

    The result is None below three values, and where all of one side are equal.

    Args:
        predicted: (n,) predictions.
        opinions: (n,) opinion scores.
    """
    if len(opinions) < FEWEST or np.ptp(opinions) == 0 or np.ptp(predicted) == 0:
        return None
    return Correlations(spearman(predicted, opinions), pearson(predicted, opinions))
