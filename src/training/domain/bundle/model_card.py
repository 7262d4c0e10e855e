"""The model card: what a person must know before trusting the model."""

from collections.abc import Mapping, Sequence

from training.domain.bundle.provenance import SourceCount
from training.domain.bundle.release import Release
from training.domain.examples import CATEGORIES
from training.domain.linear.model import LinearModel
from training.domain.linear.operating_points import OperatingPoint


def model_card(
    release: Release,
    model: LinearModel,
    points: Mapping[str, OperatingPoint],
    sources: Sequence[SourceCount],
    metrics: Mapping[str, Mapping[str, object]],
    misjudged: Sequence[str],
    command: str,
) -> str:
    """Markdown. `metrics` by data set name, as `metrics.evaluate` makes them."""
    ngrams = model.configuration.ngrams
    paragraphs = [
        f"# Model card: {release.name} {release.version}",
        f"Made {release.created_at} by `{command}`. Licence: {release.licence}.",
        "## What it is",
        "A linear model over hashed word and character n-grams that scores how likely a text "
        "attacks the instructions of a language model: prompt injection, directly or inside a "
        "document, jailbreaks, and attempts to extract a system prompt. "
        f"Words 1-{ngrams.word_max}, characters {ngrams.char_min}-{ngrams.char_max} within words, "
        f"{ngrams.buckets} buckets. Texts are judged in windows of "
        f"{model.configuration.window_size} characters that overlap by "
        f"{model.configuration.window_overlap}; the highest window decides. Scores are "
        "Platt-calibrated on out-of-fold scores at the base rate of attacks in the training data.",
        f"Categories: {', '.join(CATEGORIES)}. They are derived from where an attack was "
        "collected, so read them as a hint, not as a finding.",
        "## Intended use",
        "A fast first line in front of an application that uses a language model, with a policy "
        "that says what to do at which operating point. Not meant to judge people, nor to decide "
        "whether a topic is harmful: a harmful question that does not attack the model's "
        "instructions is benign to this model.",
        "## Limits",
        "English, mostly; attacks in other languages are often missed. It knows wordings, not "
        "meanings: an attack in words unlike those it was trained on, a paraphrase or an encoded "
        "one is likely missed, and sources never seen in training are the honest measure of "
        "that. Texts about prompt injection resemble prompt injection.",
        "## Operating points",
        "Chosen on out-of-fold scores, in folds that keep near-duplicates together.",
        _operating_points(points),
        "## Scores",
        "As served: the highest window of each text. Rates at `balanced`; no set but "
        "the training data (out of fold) touched weights, calibration or thresholds. Scores on "
        "development sets were compared when the feature settings were chosen, so they are "
        "somewhat optimistic.",
        _scores(metrics),
        *(f"### {name}, by source\n\n{_by_source(result)}" for name, result in metrics.items()),
        "## Self-test",
        f"Known texts that this model misjudges and that its self-test therefore leaves out: "
        f"{', '.join(misjudged) or 'none'}.",
        "## Training data",
        "No training text is in the bundle; its weights are sums over many texts. `permissive` "
        "means MIT, Apache-2.0 or CC0-1.0, not told apart in the collection.",
        _sources(sources),
        f"Beside these, {model.configuration.embedded} documents were made for training by putting "
        "short attacks of the above into excerpts of benign texts of the above.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def _operating_points(points: Mapping[str, OperatingPoint]) -> str:
    return _table(
        ("name", "threshold", "chosen for", "false positives", "recall"),
        [
            (name, point.threshold, point.chosen_for, point.false_positive_rate, point.recall)
            for name, point in points.items()
        ],
    )


def _scores(metrics: Mapping[str, Mapping[str, object]]) -> str:
    rows = []
    for name, result in metrics.items():
        balanced = _mapping(_mapping(result["operating_points"])["balanced"])
        rows.append(
            (
                name,
                result["rows"],
                result["attacks"],
                result["auc"],
                result["expected_calibration_error"],
                balanced["false_positive_rate"],
                balanced["recall"],
            )
        )
    return _table(("set", "rows", "attacks", "AUC", "ECE", "false positives", "recall"), rows)


def _by_source(result: Mapping[str, object]) -> str:
    return _table(
        ("source", "rows", "false positives", "recall"),
        [
            (name, *(_mapping(row)[key] for key in ("rows", "false_positive_rate", "recall")))
            for name, row in _mapping(result["sources"]).items()
        ],
    )


def _sources(sources: Sequence[SourceCount]) -> str:
    return _table(
        ("source", "licence", "rows", "attacks"),
        [(one.source, one.licence, one.rows, one.attacks) for one in sources],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"a mapping is needed, not {type(value).__name__}")
    return value
