"""Pictures of an evaluation, as PNG: drawn on figures of their own, without pyplot's global state.

The same evaluation gives the same bytes with the same libraries.
"""

import io
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.domain.evaluation.groups import BENIGN
from training.domain.evaluation.judged import Evaluation, JudgedSuite
from training.domain.evaluation.measures import FALSE_POSITIVE_RATES, MAX_BINS
from training.domain.evaluation.sorted_scores import grouped

_HISTOGRAM_BINS = 40
_ALLOWED = "allowed"
_CANDIDATE, _CHAMPION, _REFERENCE = "#0b5fa5", "#c2570c", "#8a8a8a"


def draw(evaluation: Evaluation, champion: Evaluation | None) -> Mapping[str, bytes]:
    """Files by path: `<suite>/{roc,precision_recall,calibration,scores,confusion}.png`.

    With a champion, which must have judged the same suites, `<suite>/comparison.png` too. Curves
    need attacks and benign rows; a suite without either has none.
    """
    theirs = {suite.name: suite for suite in champion.suites} if champion else {}
    files = {}
    for suite in evaluation.suites:
        pictures = {
            "calibration": _calibration(suite),
            "scores": _scores(suite, evaluation.threshold),
            "confusion": _confusion(suite, evaluation),
        }
        if suite.attack.any() and not suite.attack.all():
            pictures["roc"] = _roc({"": suite})
            pictures["precision_recall"] = _precision_recall(suite)
            if suite.name in theirs:
                pictures["comparison"] = _roc({"candidate": suite, "champion": theirs[suite.name]})
        for name, figure in sorted(pictures.items()):
            files[f"{suite.name}/{name}.png"] = _png(figure)
    return files


def _new(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.4, 4.8), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title)
    return figure, axes


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _cumulated(suite: JudgedSuite) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Attacks and benign rows above each threshold, by falling threshold, from none to all."""
    groups = grouped(suite.scores)
    sides = np.stack([suite.attack, ~suite.attack]).astype(float)
    above = np.cumsum(groups.sums(sides), axis=1)
    attacks, benign = np.concatenate([np.zeros((2, 1)), above], axis=1)
    return attacks, benign


def _roc(models: Mapping[str, JudgedSuite]) -> Figure:
    suite = next(iter(models.values()))
    figure, axes = _new(f"ROC on {suite.name}")
    for (label, judged), colour in zip(models.items(), (_CANDIDATE, _CHAMPION), strict=False):
        attacks, benign = _cumulated(judged)
        axes.plot(benign / benign[-1], attacks / attacks[-1], color=colour, label=label)
    for rate in FALSE_POSITIVE_RATES:
        axes.axvline(rate, color=_REFERENCE, linewidth=0.7, linestyle=":")
    # A guard lives at the left edge, which a linear axis would not show.
    axes.set_xscale("symlog", linthresh=0.01, linscale=0.5)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.01)
    axes.set_xlabel("false-positive rate")
    axes.set_ylabel("recall")
    if len(models) > 1:
        axes.legend(loc="lower right")
    return figure


def _precision_recall(suite: JudgedSuite) -> Figure:
    figure, axes = _new(f"Precision and recall on {suite.name}")
    attacks, benign = _cumulated(suite)
    caught = attacks[1:]
    axes.plot(caught / attacks[-1], caught / (caught + benign[1:]), color=_CANDIDATE)
    axes.axhline(float(suite.attack.mean()), color=_REFERENCE, linewidth=0.7, linestyle=":")
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.01)
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    return figure


def _calibration(suite: JudgedSuite) -> Figure:
    figure, axes = _new(f"Calibration on {suite.name}")
    order = np.argsort(suite.scores, kind="stable")
    parts = np.array_split(order, min(MAX_BINS, order.size))
    said = [float(suite.scores[part].mean()) for part in parts]
    true = [float(suite.attack[part].mean()) for part in parts]
    axes.plot([0, 1], [0, 1], color=_REFERENCE, linewidth=0.7, linestyle=":")
    axes.plot(said, true, color=_CANDIDATE, marker="o")
    axes.set_xlabel("mean score of rows with similar scores")
    axes.set_ylabel("share of attacks among them")
    return figure


def _scores(suite: JudgedSuite, threshold: float) -> Figure:
    figure, axes = _new(f"Scores on {suite.name}")
    bins = np.linspace(0, 1, _HISTOGRAM_BINS + 1).tolist()
    sides = (("benign", ~suite.attack, _CANDIDATE), ("attacks", suite.attack, _CHAMPION))
    for label, side, colour in sides:
        axes.hist(suite.scores[side], bins=bins, color=colour, alpha=0.6, label=label)
    axes.axvline(threshold, color=_REFERENCE, linestyle=":", label="balanced")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_xlabel("score")
    axes.set_ylabel("rows")
    axes.legend(loc="upper center")
    return figure


def _confusion(suite: JudgedSuite, evaluation: Evaluation) -> Figure:
    figure, axes = _new(f"Answers at balanced on {suite.name}")
    answers = [_ALLOWED, *evaluation.category_names]
    truths = [BENIGN, *evaluation.category_names]
    alarm = suite.scores >= evaluation.threshold
    given = np.where(alarm, suite.categories.argmax(axis=1) + 1, 0)
    true = np.array([truths.index(name) if name in truths else 0 for name in suite.true_categories])
    counts = np.zeros((len(truths), len(answers)), int)
    np.add.at(counts, (true, given), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(counts.shape):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(answers)), answers, rotation=20, ha="right")
    axes.set_yticks(range(len(truths)), truths)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth")
    return figure
