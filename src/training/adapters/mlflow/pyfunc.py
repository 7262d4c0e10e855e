"""Loads a model bundle inside MLflow; travels with the model, as code, under another name.

What it imports travels too (mlflow_model.py sees to it), so it must need numpy alone.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from training.domain.linear.ngrams import NgramSpec
from training.domain.linear.scorer import LinearScorer


class BundledModel:
    """What `mlflow.pyfunc.load_model` wraps. `threshold` is the operating point `balanced`."""

    def __init__(self, scorer: LinearScorer, categories: tuple[str, ...], threshold: float) -> None:
        self._scorer = scorer
        self._categories = categories
        self._threshold = threshold

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """One row a text of the column `text`: score, decision, and a score by category.

        In and out is a pandas.DataFrame: the model's signature has MLflow make one of whatever
        else it is given. So pandas need not be imported, which the service does without.
        """
        del params
        verdicts = self._scorer.judge(model_input["text"].tolist())
        rows = [
            dict(zip(self._categories, row, strict=True)) for row in verdicts.categories.tolist()
        ]
        alarm = verdicts.scores >= self._threshold
        columns = {
            "score": verdicts.scores,
            "decision": np.where(alarm, "block", "allow").astype(object),
            "categories": rows,
        }
        return type(model_input)(columns, index=model_input.index)


def _load_pyfunc(data_path: str) -> BundledModel:
    """The function that MLflow calls, with the folder of the bundle."""
    folder = Path(data_path)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    features = manifest["features"]
    weights = np.load(folder / manifest["weights"]["file"], allow_pickle=False)
    scorer = LinearScorer(
        weights=np.ascontiguousarray(weights.T, np.float32),
        biases=np.array(manifest["weights"]["biases"]),
        slope=manifest["calibration"]["slope"],
        intercept=manifest["calibration"]["intercept"],
        ngrams=NgramSpec(
            char_min=features["char_ngrams"][0],
            char_max=features["char_ngrams"][1],
            word_max=features["word_ngrams"][1],
            char_bits=features["char_bits"],
            word_bits=features["word_bits"],
        ),
        window_size=manifest["window"]["size"],
        window_overlap=manifest["window"]["overlap"],
    )
    threshold = manifest["operating_points"]["balanced"]["threshold"]
    return BundledModel(scorer, tuple(manifest["categories"]), threshold)
