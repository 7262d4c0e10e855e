"""Logistic regression: the only door to scikit-learn, which ships no types."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped] # has no types


@dataclass(frozen=True, slots=True)
class Head:
    """A logit: `weights @ row + bias`; weights of shape (features,)."""

    weights: NDArray[np.float64]
    bias: float

    def logits(self, rows: csr_array[np.floating]) -> NDArray[np.float64]:
        """One logit a row."""
        return np.asarray(rows @ self.weights, np.float64) + self.bias


def fit_sparse(
    rows: csr_array[np.floating],
    positive: NDArray[np.bool_],
    regularisation: float,
    seed: int,
    max_iterations: int,
) -> Head:
    """By dual coordinate descent (liblinear), which `seed` makes repeatable.

    `regularisation` is scikit-learn's C: the smaller, the stronger.
    """
    model = LogisticRegression(
        C=regularisation,
        solver="liblinear",
        dual=True,
        tol=1e-2,
        max_iter=max_iterations,
        random_state=seed,
    )
    return _head(model.fit(rows, positive))


def fit_one_feature(values: NDArray[np.float64], positive: NDArray[np.bool_]) -> Head:
    """On one feature, all but unregularised; `values` of shape (rows,)."""
    model = LogisticRegression(C=1e6, max_iter=1000, tol=1e-10)
    return _head(model.fit(values.reshape(-1, 1), positive))


def _head(model: LogisticRegression) -> Head:
    return Head(np.asarray(model.coef_[0], np.float64), float(model.intercept_[0]))
