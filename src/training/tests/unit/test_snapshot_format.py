"""What a snapshot looks like. Whoever changes this raises `SNAPSHOT_FORMAT`: else the snapshots of
the release before would look tampered with, and be read as what they are not."""

import json
from datetime import UTC, datetime
from uuid import UUID

from training.adapters.lifecycle.snapshots import state_of
from training.domain.lifecycle import facts
from training.domain.lifecycle.chain import SNAPSHOT_FORMAT
from training.domain.lifecycle.folding import fold_all

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIRST, SECOND = UUID(int=1), UUID(int=2)


def registered(version: int) -> facts.VersionRegistered:
    return facts.VersionRegistered(
        version=version,
        digest="sha256:0",
        location="a/b",
        signed_by="key",
        bundle_version="1.0.0",
        mlflow_run_id="run",
        evidence={"job": "1"},
    )


def version(number: int, state: str) -> dict[str, object]:
    return {
        "bundle_version": "1.0.0",
        "changed_at": "2026-01-31T12:00:00Z",
        "digest": "sha256:0",
        "evidence": {"job": "1"},
        "location": "a/b",
        "mlflow_run_id": "run",
        "registered_at": "2026-01-31T12:00:00Z",
        "registered_by": "ana",
        "signed_by": "key",
        "state": state,
        "version": number,
    }


def test_a_state_looks_as_its_format_says() -> None:
    happened = (
        registered(1),
        facts.RolloutStarted(version=1, rollout=FIRST),
        facts.Promoted(version=1, rollout=FIRST, previous=None),
        facts.PromotionPolicyChanged(four_eyes=True),
        registered(2),
        facts.RolloutStarted(version=2, rollout=SECOND),
    )
    model = fold_all(facts.Recorded(fact, AT, "ana", "because") for fact in happened)
    assert SNAPSHOT_FORMAT == 1
    assert json.loads(state_of(model)) == {
        "champion": 1,
        "former": [],
        "four_eyes": True,
        "rollout": {
            "approved_by": None,
            "awaits_approval": False,
            "id": str(SECOND),
            "is_paused": False,
            "needs_approval": True,
            "proposed_by": "ana",
            "reverts": None,
            "version": 2,
        },
        "versions": {"1": version(1, "champion"), "2": version(2, "registered")},
    }
