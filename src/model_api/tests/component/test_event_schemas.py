"""Every event that the service publishes satisfies its schema in contracts/events."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, ValidationError
from uuid_utils.compat import uuid7

from model_api.adapters import outbox_table
from model_api.adapters.postgres import Database
from model_api.adapters.predictions.feedback_store import Label
from model_api.adapters.predictions.frame import encode
from model_api.adapters.predictions.writer import PredictionWriter
from model_api.domain.deployments.deployment import (
    Canary,
    Deployment,
    DeploymentStale,
    Shadow,
    StickyBy,
    Version,
)
from model_api.domain.judging.policy import ATTACK, Policy, Rule
from model_api.events.changes import Caller, Changes
from model_api.events.cloudevents import envelope
from model_api.events.deployment_changes import DeploymentChanges
from model_api.tests.support.predictions import a_prediction

SCHEMAS = {
    path.stem: json.loads(path.read_text())
    for path in Path("contracts/events").glob("io.bartizan.model_api.*.json")
}
CALLER = Caller("acme", "key-1")
NEW = ("2", "sha256:" + "0" * 64, "default/detector/2")
FULL = Deployment(
    generation=2,
    reason="a canary",
    rollout_id=uuid7(),
    champion=Version("1", "sha256:" + "1" * 64, "default/detector/1"),
    canary=Canary(*NEW, 0.25, StickyBy.SESSION),
    shadow=Shadow(*NEW, 1.0),
    warm=(Version(*NEW),),
)
POLICY = Policy("strict", 0, {ATTACK: Rule(flag=0.3, block="balanced")})


def check(event: dict[str, Any]) -> None:
    Draft202012Validator(SCHEMAS[event["type"]], validate_formats=True).validate(event)


@pytest.fixture
async def events(database: Database) -> list[dict[str, Any]]:
    """One event of every kind, and the shapes that each can take."""
    full = a_prediction()
    bare = a_prediction(
        subject_fingerprint=None,
        session=None,
        score=None,
        spans=(),
        categories={},
        signals={},
        key_id=None,
        degraded="deadline",
    )
    writer = PredictionWriter(database)
    await writer.insert([encode(full), encode(bare)], 5)
    writer.drop()
    changes = Changes(database)
    await changes.create_policy(CALLER, POLICY)
    await changes.replace_policy(CALLER, replace(POLICY, store_text=True), None)
    await changes.delete_policy(CALLER, "strict", None)
    await changes.add_feedback(CALLER, full.id, Label.ATTACK, "a note")
    await changes.model_reloaded(CALLER, "detector", "1.0.0", "sha256:00")
    deployments = DeploymentChanges(database)
    await deployments.deploy(CALLER, "detector", Deployment(1, "back to the packaged one"))
    await deployments.deploy(CALLER, "detector", FULL)
    with pytest.raises(DeploymentStale):
        await deployments.deploy(CALLER, "detector", replace(FULL, reason="another"))
    async with database.transaction() as connection:
        rows = await outbox_table.take(connection, 100, 10_000_000)
    return [json.loads(envelope(row, row.data or "")) for row in rows]


async def test_each_schema_has_its_event_and_each_event_its_schema(
    events: list[dict[str, Any]],
) -> None:
    assert {event["type"] for event in events} == set(SCHEMAS)
    for event in events:
        check(event)


async def test_the_schemas_are_closed(events: list[dict[str, Any]]) -> None:
    for event in events:
        for spoilt in (
            event | {"more": 1},
            event | {"data": event["data"] | {"more": 1}},
            event | {"data": {}},
            {name: value for name, value in event.items() if name != "tenant"},
        ):
            with pytest.raises(ValidationError):
                check(spoilt)
