"""Rows with the scores that a model gave them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.domain.evaluation.report import Identity, Report


@dataclass(frozen=True, slots=True, eq=False)
class JudgedSuite:
    """One suite's rows, judged. Arrays have shape (rows,) but `categories`, (rows, categories).

    `groups`: each row's group by axis. `true_categories`: the detector's category that the row
    should get, or `benign`. `disguised`: scores by name of the disguise, of the rows
    `disguised_rows` alone, which depend on the suite and the seed, not on the model.
    `trained_on`: how many of the rows the model was trained on; None where nobody knows.
    """

    name: str
    digest: str
    attack: NDArray[np.bool_]
    groups: Mapping[str, tuple[str, ...]]
    true_categories: tuple[str, ...]
    scores: NDArray[np.float64]
    categories: NDArray[np.float64]
    disguised_rows: NDArray[np.intp]
    disguised: Mapping[str, NDArray[np.float64]]
    trained_on: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What `evaluate` gives: the report, and the scores that a paired comparison and plots need."""

    report: Report
    model: Identity
    category_names: tuple[str, ...]
    operating_points: Mapping[str, float]
    suites: tuple[JudgedSuite, ...]

    @property
    def threshold(self) -> float:
        """The threshold of the operating point `balanced`."""
        return self.operating_points[BALANCED]


BALANCED = "balanced"
"""The operating point at which requests are blocked, unless a policy says otherwise."""
