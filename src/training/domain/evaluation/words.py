"""A comparison in words."""

from collections.abc import Sequence

from training.domain.evaluation.report import Identity
from training.domain.evaluation.verdict import (
    AUC,
    FALSE_POSITIVE_RATE,
    RECALL,
    RECALL_AT,
    Difference,
    SuiteComparison,
    Verdict,
)

MAX_PLACES = 3
"""Groups that a statement names on either side; the table has all."""

MEASURES = {
    RECALL: "recall",
    FALSE_POSITIVE_RATE: "false alarms",
    AUC: "AUC",
    RECALL_AT: "recall at 1 % false alarms",
}


def state_all(verdict: Verdict, champion: Identity, suites: Sequence[SuiteComparison]) -> str:
    """The verdict over all suites, then each suite's statement."""
    against = f"{champion.name} {champion.version}"
    by_verdict = {
        side: [suite.suite for suite in suites if suite.verdict is side] for side in Verdict
    }
    match verdict:
        case Verdict.BETTER | Verdict.WORSE:
            opening = f"{verdict.capitalize()} than {against}, on {_list(by_verdict[verdict])}."
        case Verdict.UNDECIDED if by_verdict[Verdict.BETTER] and by_verdict[Verdict.WORSE]:
            opening = (
                f"Undecided against {against}: better on {_list(by_verdict[Verdict.BETTER])},"
                f" worse on {_list(by_verdict[Verdict.WORSE])}."
            )
        case Verdict.UNDECIDED:
            opening = f"Undecided against {against}: no suite tells the two apart."
    return " ".join([opening, *(suite.statement for suite in suites)])


def state_alike(suite: str) -> str:
    """Where the two give every row the same score, and the same answer."""
    return f"On {suite} the two answer alike."


def state_suite(
    suite: str, verdict: Verdict, deciding: Sequence[Difference], where: Sequence[Difference]
) -> str:
    """What decided on this suite, and in which groups the two differ."""
    told = [one for one in deciding if one.verdict is not Verdict.UNDECIDED]
    if told:
        reasons = "; ".join(map(_change, told))
        trade = verdict is Verdict.UNDECIDED
        heading = f"undecided, a trade: {reasons}" if trade else f"{verdict}: {reasons}"
    else:
        heading = f"undecided: {'; '.join(map(_bounds, deciding))}"
    return f"On {suite} {heading}.{_places(where)}"


def state_overlap(rows: int, candidate: int | None, champion: int | None) -> str:
    """Whom a suite flatters, with the rows of it that were trained on; empty for nobody."""
    match candidate or 0, champion or 0:
        case 0, 0:
            return ""
        case some, 0:
            told = f"The candidate was trained on {some} of its {rows} rows, which flatters it."
        case 0, some:
            told = f"The champion was trained on {some} of its {rows} rows, which flatters it."
        case some, others:
            told = (
                f"The candidate was trained on {some} of its {rows} rows and the champion on"
                f" {others}, which flatters both."
            )
    return f" {told}"


def _change(one: Difference) -> str:
    return (
        f"{MEASURES[one.measure]} {_amount(one, one.champion)} → {_amount(one, one.candidate)}"
        f" ({_sign(one, one.low)} to {_sign(one, one.high)}, p = {one.p_value:.2g})"
    )


def _bounds(one: Difference) -> str:
    return f"{MEASURES[one.measure]} {_sign(one, one.low)} to {_sign(one, one.high)}"


def _places(where: Sequence[Difference]) -> str:
    sentences = []
    for side in (Verdict.BETTER, Verdict.WORSE):
        there = sorted(
            (one for one in where if one.verdict is side),
            key=lambda one: (one.p_value, one.axis, one.group),
        )
        if not there:
            continue
        named = [f"{one.axis} {one.group} ({_change(one)})" for one in there[:MAX_PLACES]]
        more = len(there) - len(named)
        sentences.append(f" {side.capitalize()} in {_list([*named, *_more(more)])}.")
    return "".join(sentences)


def _more(count: int) -> list[str]:
    return [f"{count} more"] if count else []


def _amount(one: Difference, value: float) -> str:
    return f"{value:.4f}" if one.measure == AUC else f"{value:.1%}".replace("%", " %")


def _sign(one: Difference, value: float) -> str:
    return f"{value:+.4f}" if one.measure == AUC else f"{value * 100:+.1f} points"


def _list(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
