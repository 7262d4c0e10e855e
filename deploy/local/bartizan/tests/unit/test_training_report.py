"""What people read of a training, an event and a refusal."""

import io
from typing import Any

import httpx
import pytest
from rich.console import Console

from bartizan.gateway.answers import reason
from bartizan.gateway.event_lines import lines_of
from bartizan.gateway.shapes import Comparison, Difference, Event, SuiteComparison, Trained
from bartizan.gateway.showing import shown as progress_shown
from bartizan.gateway.training_report import show_version


def difference(verdict: str, axis: str = "suite", group: str = "dev") -> Difference:
    return Difference(
        suite="dev", axis=axis, group=group, measure="false_positive_rate", rows=90,
        candidate=0.021, champion=0.141, low=-0.2, high=-0.04, verdict=verdict,
    )  # fmt: skip


def shown(comparison: Comparison | None, same_bundle_as: int | None = None) -> str:
    out = io.StringIO()
    made = Trained(version=2, same_bundle_as=same_bundle_as)
    show_version(Console(file=out, width=120), "detector", made, comparison)
    return out.getvalue()


def test_the_same_model_over_again_is_said_to_be_it() -> None:
    assert "It is the same bundle as version 1, to the byte" in shown(None, same_bundle_as=1)
    assert "same bundle" not in shown(None)


def test_the_verdict_comes_with_its_numbers_and_where() -> None:
    compared = Comparison(
        verdict="better",
        summary="Better than detector 1. On dev better: false alarms.",
        suites=[
            SuiteComparison(
                differences=[
                    difference("better"),
                    difference("better", "source", "help desk"),
                    difference("undecided", "source", "wiki"),
                ]
            )
        ],
    )
    said = shown(compared)
    assert "Better than detector 1." in said
    rows = [line.split("  ") for line in said.splitlines() if "false alarms" in line]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    numbers = ["false alarms", "0.141", "0.021", "-0.200 to -0.040", "better"]
    assert cells == [["dev", *numbers], ["dev: help desk", *numbers]]
    assert "bartizan rollout 2\n" in said
    assert "bartizan report 2\n" in said


def test_what_a_better_version_does_worse_is_said_before_the_numbers() -> None:
    differences = [difference("worse"), difference("worse", "source", "help desk")]
    said = shown(
        Comparison(
            verdict="better",
            summary="Better than detector 1.",
            suites=[SuiteComparison(differences=differences)],
        )
    )
    assert "At a price: false alarms 0.141 → 0.021 on dev.\n" in said


def test_a_worse_version_is_not_commended() -> None:
    said = shown(Comparison(verdict="worse", summary="Worse than detector 1."))
    assert "all the same: bartizan rollout 2 --accept-worse" in said


def test_without_a_champion_there_is_nothing_to_compare_with() -> None:
    assert "no champion" in shown(None)


def test_an_event_tells_its_evidence() -> None:
    def lines(kind: str, evidence: dict[str, Any]) -> list[str]:
        return list(
            lines_of(
                Event(
                    position=1, type=kind, at="", actor="", reason="why", hash="",
                    evidence=evidence,
                )
            )
        )  # fmt: skip

    assert lines("GatePassed", {"gate": "error_rate", "measured": 0.0123456, "version": 2}) == [
        "why",
        "gate error_rate, measured 0.01235",
    ]
    evidence = {"datasets": [{"name": "prompts", "version": 1, "digest": "sha256:d"}]}
    registered = {"bundle_version": "0.1.2", "digest": "sha256:b", "evidence": evidence}
    assert lines("VersionRegistered", registered) == [
        "why",
        "bundle 0.1.2 sha256:b",
        "dataset prompts:1 sha256:d",
    ]


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("It does not fit.", "It does not fit. One of linear is needed."),
        ("It does not fit: One of linear is needed.", "It does not fit: One of linear is needed."),
    ],
)
def test_a_refusal_says_once_what_is_wrong_with_a_field(detail: str, said: str) -> None:
    errors = [{"pointer": "/trainer", "message": "One of linear is needed."}]
    answer = httpx.Response(422, json={"detail": detail, "errors": errors})
    assert reason(answer) == f"the gateway answered 422: {said}"


def test_a_terminal_that_cannot_move_its_cursor_gets_lines() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, _environ={"TERM": "dumb"})
    with progress_shown(console, "training") as tell:
        tell(0.1, "fold 1", "loss 2")
        tell(0.2, "fold 1", "loss 1")
        tell(0.3, "fold 2")
    assert out.getvalue() == "training: fold 1\ntraining: fold 2\n"
