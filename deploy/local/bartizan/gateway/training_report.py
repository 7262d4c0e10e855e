"""What an import and a training came to, for people."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bartizan.gateway.shapes import (
    Comparison,
    Dataset,
    Difference,
    Finding,
    ImportReport,
    Trained,
)

_ROWS_SHOWN = 10

_MEASURES = {
    "recall": "recall",
    "false_positive_rate": "false alarms",
    "auc": "AUC",
    "recall_at_0.01": "recall at 1 % false alarms",
}
_STYLES = {"better": "green", "worse": "red"}


def show_import(console: Console, dataset: Dataset, report: ImportReport) -> None:
    """The dataset version, and which rows were kept out of it, by reason."""
    name = f"{dataset.name}:{dataset.version}"
    console.print(
        f"{name} has {report.rows:,} rows, {report.attacks:,} of them attacks"
        + (f"; {report.quarantined:,} were kept out:" if report.quarantined else "."),
        highlight=False,
    )
    if report.findings:
        table = Table(box=None, pad_edge=False)
        table.add_column("rows", justify="right")
        table.add_column("why they were kept out")
        table.add_column("which")
        for finding in report.findings:
            table.add_row(f"{finding.total:,}", Text(finding.explanation), _which(finding))
        console.print(table)
        console.print(f"They are kept as they were: bartizan quarantine {name}", highlight=False)
    for what, pairs in (
        ("contradict each other's label", report.label_conflicts),
        ("nearly repeat another row", report.near_duplicates),
    ):
        if pairs.total:
            first = ", ".join(f"{each.row} and {each.other}" for each in pairs.pairs[:3])
            console.print(f"{pairs.total:,} {what}: {first} …", highlight=False)
    for warning in report.warnings:
        console.print(Text(warning, style="yellow"))
    for hint in report.personal_data:
        kind = hint.hint.replace("_", " ")
        console.print(f"  {kind}: {hint.total:,} rows: {_rows(hint.rows)}", highlight=False)


def _which(finding: Finding) -> str:
    return _rows(finding.rows, finding.total)


def _rows(rows: Sequence[int], total: int | None = None) -> str:
    more = (len(rows) if total is None else total) > _ROWS_SHOWN
    return ", ".join(map(str, rows[:_ROWS_SHOWN])) + (" …" if more else "")


def show_version(
    console: Console, model: str, made: Trained, comparison: Comparison | None
) -> None:
    """The version that a training made, and how it compares with the champion, in words and
    numbers."""
    console.print(f"{model} has version {made.version}.", highlight=False)
    if made.same_bundle_as is not None:
        console.print(
            f"It is the same bundle as version {made.same_bundle_as}, to the byte: the same data,"
            " parameters and seed make the same model.",
            highlight=False,
            soft_wrap=True,
        )
    console.print()
    if comparison is None:
        console.print("There is no champion to compare it with.")
    else:
        _show_comparison(console, comparison)
    worse = comparison is not None and comparison.verdict == "worse"
    command = f"bartizan rollout {made.version}" + (" --accept-worse" if worse else "")
    console.print(f"\nThe whole report: bartizan report {made.version}", highlight=False)
    console.print(
        f"{'To roll it out all the same' if worse else 'Roll it out'}: {command}", highlight=False
    )


def _show_comparison(console: Console, comparison: Comparison) -> None:
    verdict, _, where = comparison.summary.partition(". ")
    console.print(Text(f"{verdict}.", style=_STYLES.get(comparison.verdict, "")), soft_wrap=True)
    shown = [
        one
        for suite in comparison.suites
        for one in suite.differences
        # Groups of rows say where; only those that differ for sure have something to say.
        if one.axis == "suite" or one.verdict != "undecided"
    ]
    if not shown:
        console.print(Text(where), soft_wrap=True)
        return
    paid = [_price(one) for one in shown if one.axis == "suite" and one.verdict == "worse"]
    if paid and comparison.verdict != "worse":
        # A whole that is better, or undecided, may have its price.
        console.print(Text(f"At a price: {'; '.join(paid)}.", style="yellow"), soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for heading in ("suite", "measure", "champion", "new", "difference (95 %)", ""):
        table.add_column(heading)
    for one in shown:
        table.add_row(*_cells(one))
    console.print(table)


def _price(one: Difference) -> str:
    measure = _MEASURES.get(one.measure, one.measure)
    return f"{measure} {one.champion:.3f} → {one.candidate:.3f} on {one.suite}"


def _cells(one: Difference) -> tuple[str | Text, ...]:
    place = one.suite if one.axis == "suite" else f"{one.suite}: {one.group}"
    return (
        Text(place),
        _MEASURES.get(one.measure, one.measure),
        f"{one.champion:.3f}",
        f"{one.candidate:.3f}",
        f"{one.low:+.3f} to {one.high:+.3f}",
        Text(one.verdict, style=_STYLES.get(one.verdict, "")),
    )
