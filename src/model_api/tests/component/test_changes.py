"""Changes of state: each with its audit entry and its event, once for an idempotency key."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from model_api.adapters.audit_log import AuditLog
from model_api.adapters.idempotency import IdempotencyConflict
from model_api.adapters.policies.store import (
    PolicyChanged,
    PolicyExists,
    PolicyStore,
    PolicyUnknown,
)
from model_api.adapters.postgres import Database
from model_api.adapters.predictions.feedback_store import FeedbackStore, Label, PredictionUnknown
from model_api.adapters.predictions.frame import encode
from model_api.adapters.predictions.writer import PredictionWriter
from model_api.domain.judging.policy import ATTACK, Mode, Policy, Rule
from model_api.domain.prediction import Prediction
from model_api.events.changes import Caller, Changes
from model_api.tests.support.database import TestDatabase
from model_api.tests.support.predictions import a_prediction

STRICT = Policy("strict", 0, {ATTACK: Rule(flag=0.3, block="balanced")})
CALLER = Caller("acme", "key-1", "request-1")


@pytest.fixture
def changes(database: Database) -> Changes:
    return Changes(database)


@pytest.fixture
async def prediction(database: Database) -> Prediction:
    prediction = a_prediction()
    writer = PredictionWriter(database)
    await writer.insert([encode(prediction)], 5)
    writer.drop()
    return prediction


async def events(database: Database, kind: str) -> list[dict[str, object]]:
    async with database.connection() as connection:
        rows = await connection.fetch(
            "SELECT data FROM outbox WHERE type LIKE $1 ORDER BY position", f"%{kind}%"
        )
    return [json.loads(row["data"]) for row in rows]


async def actions(database: Database) -> list[str]:
    return [entry.action for entry in await AuditLog(database).page("acme", limit=100)]


async def test_a_policy_is_created_replaced_and_deleted(
    changes: Changes, database: Database
) -> None:
    store = PolicyStore(database)
    created = await changes.create_policy(CALLER, STRICT)
    assert await store.get("acme", "strict") == created
    assert created.policy == replace(STRICT, version=1)

    changed = await changes.replace_policy(CALLER, replace(STRICT, mode=Mode.MONITOR), 1)
    assert await store.get("acme", "strict") == changed
    assert changed.policy == replace(STRICT, mode=Mode.MONITOR, version=2)
    assert changed.created_at == created.created_at < changed.updated_at

    await changes.delete_policy(CALLER, "strict", 2)
    assert await store.get("acme", "strict") is None

    told = await events(database, "policy.changed")
    assert [(one["change"], one["version"]) for one in told] == [
        ("created", 1),
        ("replaced", 2),
        ("deleted", 3),
    ]
    assert await actions(database) == ["policy.deleted", "policy.replaced", "policy.created"]


async def test_a_name_and_a_version_never_mean_two_things(changes: Changes) -> None:
    await changes.create_policy(CALLER, STRICT)
    await changes.delete_policy(CALLER, "strict", None)

    assert (await changes.create_policy(CALLER, STRICT)).policy.version == 3


async def test_what_cannot_be_changed_leaves_no_trace(changes: Changes, database: Database) -> None:
    await changes.create_policy(CALLER, STRICT)
    with pytest.raises(PolicyExists):
        await changes.create_policy(CALLER, STRICT)
    with pytest.raises(PolicyChanged):
        await changes.replace_policy(CALLER, STRICT, 7)
    with pytest.raises(PolicyUnknown):
        await changes.delete_policy(CALLER, "other", None)
    with pytest.raises(PolicyUnknown):
        await changes.replace_policy(Caller("globex", "key-2"), STRICT, None)

    assert len(await events(database, "policy")) == 1
    assert await actions(database) == ["policy.created"]


async def test_only_one_of_two_replacements_of_a_version_wins(changes: Changes) -> None:
    await changes.create_policy(CALLER, STRICT)
    outcomes = await asyncio.gather(
        *(changes.replace_policy(CALLER, STRICT, 1) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(one, PolicyChanged) for one in outcomes) == 3


async def test_policies_are_listed_by_name_within_their_tenant(
    changes: Changes, database: Database
) -> None:
    for name in ("b", "a", "c"):
        await changes.create_policy(CALLER, replace(STRICT, name=name))
    await changes.create_policy(Caller("globex", "key-2"), STRICT)
    store = PolicyStore(database)

    assert [one.policy.name for one in await store.page("acme", limit=2)] == ["a", "b"]
    assert [one.policy.name for one in await store.page("acme", limit=2, after="b")] == ["c"]
    assert len(await store.all()) == 4


async def test_feedback_is_stored_told_and_audited(
    changes: Changes, database: Database, prediction: Prediction
) -> None:
    feedback = await changes.add_feedback(CALLER, prediction.id, Label.BENIGN, "asked by Ann")

    assert await said(database, "acme", prediction) == [(feedback.id, "benign", "asked by Ann")]
    assert await said(database, "globex", prediction) == []
    [told] = await events(database, "feedback")
    assert told["label"] == "benign"
    assert "Ann" not in json.dumps(told)
    assert await actions(database) == ["feedback.added"]


async def test_feedback_on_what_is_not_the_tenants_is_refused(
    changes: Changes, prediction: Prediction
) -> None:
    with pytest.raises(PredictionUnknown):
        await changes.add_feedback(CALLER, uuid7(), Label.ATTACK, None)
    with pytest.raises(PredictionUnknown):
        await changes.add_feedback(Caller("globex", "key-2"), prediction.id, Label.ATTACK, None)


async def test_the_same_request_gets_the_first_answer(
    changes: Changes, database: Database, prediction: Prediction
) -> None:
    caller = replace(CALLER, idempotency_key="once")
    answers = await asyncio.gather(
        *(changes.add_feedback(caller, prediction.id, Label.ATTACK, "x") for _ in range(4))
    )
    assert len({answer.id for answer in answers}) == 1
    assert await said(database, "acme", prediction) == [(answers[0].id, "attack", "x")]
    assert len(await events(database, "feedback")) == 1


async def test_a_key_is_good_for_one_request_of_one_tenant(
    changes: Changes, prediction: Prediction
) -> None:
    caller = replace(CALLER, idempotency_key="once")
    first = await changes.create_policy(caller, STRICT)
    assert await changes.create_policy(caller, STRICT) == first

    with pytest.raises(IdempotencyConflict):
        await changes.create_policy(caller, replace(STRICT, name="other"))
    with pytest.raises(IdempotencyConflict):
        await changes.add_feedback(caller, prediction.id, Label.ATTACK, None)
    assert await changes.create_policy(replace(caller, tenant="globex"), STRICT) != first


async def test_a_request_that_failed_may_be_repeated_with_its_key(changes: Changes) -> None:
    caller = replace(CALLER, idempotency_key="once")
    await changes.create_policy(CALLER, STRICT)
    with pytest.raises(PolicyExists):
        await changes.create_policy(caller, STRICT)
    await changes.delete_policy(CALLER, "strict", None)

    assert (await changes.create_policy(caller, STRICT)).policy.version == 3


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_log",
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM policy_history",
        "UPDATE policy_history SET changed_by = 'nobody'",
    ],
)
async def test_what_happened_cannot_be_rewritten_by_the_service(
    test_database: TestDatabase, statement: str
) -> None:
    service = await asyncpg.connect(test_database.url, password=test_database.password)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute(statement)
    await service.close()


async def test_audit_entries_come_in_pages(changes: Changes, database: Database) -> None:
    await changes.model_reloaded(CALLER, "detector", "1.0.0", "sha256:00")
    await changes.model_reloaded(CALLER, "detector", "1.0.1", "sha256:01")
    log = AuditLog(database)

    [newest] = await log.page("acme", limit=1)
    [oldest] = await log.page("acme", limit=5, before=newest.id)
    assert newest.details == {"version": "1.0.1", "digest": "sha256:01"}
    assert oldest.request_id == "request-1"


async def said(
    database: Database, tenant: str, prediction: Prediction
) -> list[tuple[UUID, str, str | None]]:
    """The feedback on a prediction."""
    found = await FeedbackStore(database).page(
        tenant, limit=10, until=datetime.now(UTC), prediction_id=prediction.id
    )
    return [(each.id, each.label.value, each.note) for each in found]
