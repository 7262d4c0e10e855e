"""A report for people, as Markdown."""

import re
from collections.abc import Iterable, Iterator, Sequence

from training.domain.evaluation.report import (
    Calibration,
    Disguise,
    Estimate,
    Latency,
    Rates,
    Report,
    Slice,
    SuiteReport,
    digest_of,
)
from training.domain.evaluation.verdict import Comparison
from training.domain.evaluation.words import MEASURES

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


def render_markdown(report: Report, comparison: Comparison | None) -> str:
    """The whole report, with the comparison before it where there is one."""
    model = report.model
    lines = [
        f"# Evaluation of {_plain(model.name)} {_plain(model.version)}",
        "",
        f"Bundle `{model.digest}`, report `{digest_of(report)}`, seed {report.seed}."
        " Intervals cover 95 %.",
        *_comparison(comparison),
    ]
    for suite in report.suites:
        lines += ["", *_suite(suite)]
    if report.not_measured:
        lines += ["", "## Not measured", "", *(f"- {what}" for what in report.not_measured)]
    return "\n".join(lines) + "\n"


def _comparison(comparison: Comparison | None) -> Iterator[str]:
    if comparison is None:
        yield from ("", "There is no champion to compare it with.")
        return
    champion = f"{_plain(comparison.champion.name)} {_plain(comparison.champion.version)}"
    yield from ("", f"## Against the champion, {champion}: {comparison.verdict}", "")
    yield _plain(comparison.summary)
    rows = [
        [
            one.suite,
            one.axis if one.axis == "suite" else f"{one.axis}: {one.group}",
            MEASURES[one.measure],
            str(one.rows),
            f"{one.champion:.4f}",
            f"{one.candidate:.4f}",
            f"{one.difference:+.4f} ({one.low:+.4f} to {one.high:+.4f})",
            f"{one.p_value:.2g}",
            one.verdict,
        ]
        for suite in comparison.suites
        for one in suite.differences
        if one.axis == "suite" or one.verdict != "undecided"
    ]
    heads = ["suite", "where", "measure", "rows", "champion", "candidate", "difference", "p", ""]
    yield ""
    yield from _table(heads, rows)


def _suite(suite: SuiteReport) -> Iterator[str]:
    benign = suite.rows - suite.attacks
    yield f"## Suite {_plain(suite.suite)}"
    yield ""
    kept = "protected from training" if suite.protected else "not protected"
    yield f"{suite.attacks} attacks, {benign} benign, {kept}, `{suite.digest}`. {_overlap(suite)}"
    yield ""
    yield from _table(
        ["operating point", "threshold", "recall", "false alarms"], _rates(suite.rates)
    )
    if suite.ranking:
        yield ""
        rows = [
            ["AUC", "", _interval(suite.ranking.auc)],
            ["average precision", "", _interval(suite.ranking.average_precision)],
        ]
        for at in suite.ranking.recall_at:
            threshold = "" if at.threshold is None else f"{at.threshold:.6f}"
            name = f"recall at {at.false_positive_rate * 100:g} % false alarms"
            rows.append([name, threshold, _interval(at.recall)])
        yield from _table(["whatever the threshold", "score there", ""], rows)
    if suite.calibration:
        yield from ("", _calibration(suite.calibration))
    if suite.latency:
        yield from ("", _latency(suite.latency))
    yield from _slices(suite.slices)
    if suite.disguises:
        yield ""
        yield from _table(
            ["disguise", "rows", "recall", "plain", "false alarms", "plain"],
            [_disguise(one) for one in suite.disguises],
        )
    wrong = suite.misjudged
    yield ""
    yield (
        f"At `balanced`: {wrong.missed_attacks} attacks missed{_rows(wrong.worst_missed)},"
        f" {wrong.false_alarms} false alarms{_rows(wrong.worst_alarms)}."
    )


def _overlap(suite: SuiteReport) -> str:
    match suite.trained_on:
        case None:
            return "Whether the model was trained on any of these rows is not known."
        case 0:
            return "The model was trained on none of these rows."
        case rows:
            return f"The model was trained on {rows} of these rows, which flatter it."


def _rates(rates: Iterable[Rates]) -> list[list[str]]:
    return [
        [
            one.operating_point,
            f"{one.threshold:.6f}",
            _interval(one.recall),
            _interval(one.false_positive_rate),
        ]
        for one in rates
    ]


def _calibration(calibration: Calibration) -> str:
    beyond = "no more" if calibration.error <= calibration.error_by_chance else "more"
    return (
        f"Calibration error {calibration.error:.4f}, {beyond} than a calibrated model may show by"
        f" chance ({calibration.error_by_chance:.4f}); Brier score {_interval(calibration.brier)}."
    )


def _latency(latency: Latency) -> str:
    return (
        f"One text took {latency.p50:.2f} ms (median), {latency.p95:.2f} ms (95 %),"
        f" {latency.p99:.2f} ms (99 %) on {latency.machine}, over {latency.texts} texts;"
        " this differs from machine to machine and is no part of the report's digest."
    )


def _slices(slices: Sequence[Slice]) -> Iterator[str]:
    if not slices:
        return
    yield ""
    yield from _table(
        ["group", "rows", "attacks", "recall", "false alarms"],
        [
            [
                f"{one.axis}: {one.group}",
                str(one.rows),
                str(one.attacks),
                _interval(one.recall),
                _interval(one.false_positive_rate),
            ]
            for one in slices
        ],
    )


def _disguise(one: Disguise) -> list[str]:
    return [
        one.name,
        str(one.rows),
        _interval(one.recall),
        _share(one.plain_recall),
        _interval(one.false_positive_rate),
        _share(one.plain_false_positive_rate),
    ]


def _rows(worst: Sequence[int]) -> str:
    return f" (worst rows: {', '.join(map(str, worst))})" if worst else ""


def _interval(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    return f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f})"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(map(_plain, row))} |"


def _plain(text: str) -> str:
    """Names come from data sets: no Markdown and no HTML in them, and one line each."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
