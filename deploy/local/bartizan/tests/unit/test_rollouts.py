"""Beginning, taking up and watching a rollout."""

import io
from typing import Any

import httpx
import pytest
from rich.console import Console

from bartizan.gateway import rollouts
from bartizan.gateway.gateway import Gateway, Refused
from bartizan.gateway.rollout_showing import watching
from bartizan.gateway.shapes import Gate, Rollout

ROLLOUTS = "/api/training/models/detector/rollouts"
PLAN: list[dict[str, Any]] = [
    {"stage": "shadow", "predictions": 200, "minutes": 2.0},
    {"stage": "canary", "weight": 0.25, "minutes": 10.0},
]


def standing(state: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "r1", "model": "detector", "version": 2, "state": state, "step": 0, "plan": PLAN,
        **more,
    }  # fmt: skip


def gateway(answers: dict[tuple[str, str], httpx.Response]) -> Gateway:
    """Answers by method and path; whatever else is asked is an error of the test."""
    transport = httpx.MockTransport(lambda asked: answers[(asked.method, asked.url.path)])
    return Gateway(httpx.Client(base_url="http://gateway", transport=transport))


def refusing(kind: str, version: int) -> Gateway:
    return gateway(
        {
            ("POST", ROLLOUTS): httpx.Response(409, json={"code": "ROLLOUT_ACTIVE"}),
            ("GET", "/api/training/models/detector"): httpx.Response(
                200,
                json={
                    "name": "detector", "champion": 1, "latest_version": 2, "active_rollout": "r1"
                },
            ),
            ("GET", f"{ROLLOUTS}/r1"): httpx.Response(
                200, json=standing("shadow", kind=kind) | {"version": version}
            ),
        }
    )  # fmt: skip


def test_the_rollout_of_the_same_version_is_taken_up() -> None:
    found, goes_on = rollouts.begin_or_take_up(
        refusing("rollout", version=2), "detector", {"version": 2}
    )
    assert (found.id, found.version, goes_on) == ("r1", 2, True)


@pytest.mark.parametrize(("kind", "version"), [("rollout", 3), ("rollback", 2)])
def test_another_rollout_under_way_is_refused(kind: str, version: int) -> None:
    with pytest.raises(Refused):
        rollouts.begin_or_take_up(refusing(kind, version), "detector", {"version": 2})


def test_a_rollout_under_way_is_undone_and_else_the_former_champion_comes_back() -> None:
    model = {"name": "detector", "champion": 2, "latest_version": 2}
    for active, path in (
        ("r1", f"{ROLLOUTS}/r1/rollback"),
        (None, "/api/training/models/detector/rollback"),
    ):
        asked = gateway(
            {
                ("GET", "/api/training/models/detector"): httpx.Response(
                    200, json={**model, "active_rollout": active}
                ),
                ("GET", f"{ROLLOUTS}/r1"): httpx.Response(200, json=standing("shadow")),
                ("POST", path): httpx.Response(202, json=standing("rolling_back")),
            }
        )
        assert rollouts.undo(asked, "detector", "a drill").state == "rolling_back"


@pytest.mark.parametrize("terminal", ["", "dumb"])
def test_a_pipe_gets_each_stage_each_hold_and_the_last_word_of_each_gate_once(
    terminal: str,
) -> None:
    def gate(words: str, outcome: str = "passed") -> Gate:
        return Gate(gate="error_rate", outcome=outcome, in_words=words)

    def at(state: str, step: int, *gates: Gate, waiting_for: str | None = None) -> Rollout:
        return Rollout(
            id="r1", model="detector", version=2, state=state, step=step, plan=PLAN,
            gate_results=list(gates), waiting_for=waiting_for,
        )  # fmt: skip

    out = io.StringIO()
    console = Console(
        file=out, width=60, force_terminal=bool(terminal), _environ={"TERM": terminal}
    )
    with watching(console) as watch:
        for seen in (
            at("staging", 0),
            at("shadow", 0, gate("too few", "too_little_traffic")),
            at("shadow", 0, waiting_for="error rate: 7 predictions in 60 s, 50 are needed"),
            at("shadow", 0, waiting_for="error rate: 9 predictions in 60 s, 50 are needed"),
            at("shadow", 0, gate("error rate 0 within 0.01 (60 predictions)")),
            at("shadow", 0, gate("error rate 0 within 0.01 (90 predictions)")),
            at("canary", 1),
            at("rolling_back", 1, gate("error rate 0.5 exceeds 0.01", "failed")),
        ):
            watch.tell(seen)
    assert out.getvalue().splitlines() == [
        "staging",
        "shadow of 100% (step 1 of 2): until 200 predictions or 2 min",
        "  waits: error rate: 7 predictions in 60 s, 50 are needed",
        "  error rate 0 within 0.01 (90 predictions)",
        "canary of 25% (step 2 of 2): until 10 min",
        "rolling back",
        "  error rate 0.5 exceeds 0.01",
    ]
