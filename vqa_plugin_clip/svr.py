"""The published decoder: support vector regression from level vectors to opinion scores.

Kept for parity (arXiv 2407.04928). It is not monotone outside the range of scores it was fitted
on and meaningless on peaked vectors; `vqa_plugin_clip.network.labels.score` is neither, and is
the default.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vqa_harness.errors import MissingBackend, UsageError
from vqa_plugin_clip.network.labels import LEVELS, Labels, vectorised_label


@dataclass(frozen=True, slots=True)
class SvrDecoder:
    """A fitted regressor with the radial basis kernel exp(-gamma |x - v|^2), as plain numbers.

    Attributes:
        vectors: [n, K] float64, the support vectors.
        dual: [n] float64, the dual coefficients.
        intercept: What is added to the weighted sum of kernels.
        gamma: Factor in the kernel, above 0.
    """

    vectors: NDArray[np.float64]
    dual: NDArray[np.float64]
    intercept: float
    gamma: float

    def __post_init__(self) -> None:
        """Check shapes and values.

        Raises:
            UsageError: Shapes do not agree, or a number is not finite.
        """
        if self.vectors.ndim != 2 or self.dual.shape != (len(self.vectors),):
            raise UsageError(
                f"SVR decoder: {self.vectors.shape} vectors and {self.dual.shape} coefficients"
                " do not fit; needs [n, levels] and [n]"
            )
        numbers = np.array([*self.vectors.ravel(), *self.dual, self.intercept, self.gamma])
        if not np.isfinite(numbers).all() or self.gamma <= 0:
            raise UsageError("SVR decoder: needs finite numbers and gamma above 0")

    def predict(self, probs: ArrayLike) -> NDArray[np.float64]:
        """Turn level vectors [n, K] into opinion scores [n], on the scale of the fitted scores."""
        values = np.asarray(probs, dtype=np.float64)
        squares = ((values[:, None, :] - self.vectors[None]) ** 2).sum(axis=-1)
        scores: NDArray[np.float64] = np.exp(-self.gamma * squares) @ self.dual + self.intercept
        return scores

    @classmethod
    def fit(
        cls, mos: ArrayLike, levels: int = LEVELS, labels: Labels = vectorised_label
    ) -> SvrDecoder:
        """Fit a decoder with the published settings.

        They are C = 1, epsilon = 0.1, gamma = 1 / (K * variance of the inputs), tolerance 1e-3.

        Args:
            mos: [n], opinion scores in [0, levels - 1].
            levels: Number of quality levels (K).
            labels: Makes the label vectors that the network is trained with.

        Raises:
            MissingBackend: Scikit-learn is not installed.
            UsageError: There are fewer than two scores, or scores that are not finite.
        """
        try:
            svm = importlib.import_module("sklearn.svm")
        except ModuleNotFoundError:
            raise MissingBackend(
                "SVR decoder: fitting needs scikit-learn; run: pip install scikit-learn"
            ) from None
        scores = np.asarray(mos, dtype=np.float64)
        if scores.ndim != 1 or len(scores) < 2 or not np.isfinite(scores).all():
            raise UsageError("SVR decoder: needs a list of at least two finite opinion scores")
        inputs = labels(scores, levels)
        variance = float(inputs.var())
        gamma = 1.0 / (levels * variance) if variance > 0 else 1.0
        fitted = svm.SVR(kernel="rbf", C=1.0, epsilon=0.1, gamma=gamma, tol=1e-3)
        fitted.fit(inputs, scores)
        return cls(
            vectors=np.asarray(fitted.support_vectors_, dtype=np.float64),
            dual=np.asarray(fitted.dual_coef_[0], dtype=np.float64),
            intercept=float(fitted.intercept_[0]),
            gamma=gamma,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-compatible dict that `from_dict` reads back."""
        return {
            "vectors": self.vectors.tolist(),
            "dual": self.dual.tolist(),
            "intercept": self.intercept,
            "gamma": self.gamma,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SvrDecoder:
        """Read what `to_dict` wrote.

        Raises:
            UsageError: A number is missing, or the numbers do not fit.
        """
        try:
            return cls(
                vectors=np.array(values["vectors"], dtype=np.float64),
                dual=np.array(values["dual"], dtype=np.float64),
                intercept=float(values["intercept"]),
                gamma=float(values["gamma"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise UsageError(f"SVR decoder: not a decoder's numbers ({error})") from None
