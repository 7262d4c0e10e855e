"""Lists of predictions: newest first, page by page, filtered."""

from datetime import UTC, datetime, timedelta

import pytest

from model_api.adapters.postgres import Database
from model_api.adapters.predictions.frame import encode
from model_api.adapters.predictions.store import PredictionStore
from model_api.adapters.predictions.writer import PredictionWriter
from model_api.domain.judging.decision import Decision
from model_api.domain.prediction import Prediction
from model_api.tests.support.predictions import a_prediction


@pytest.fixture
async def predictions(database: Database) -> list[Prediction]:
    """Nine, every third of them allowed; newest first."""
    decisions = [Decision.ALLOW, Decision.FLAG, Decision.BLOCK] * 3
    made = [a_prediction(decision=decision) for decision in decisions]
    writer = PredictionWriter(database)
    await writer.insert([encode(one) for one in made], 5)
    writer.drop()
    return made[::-1]


async def test_pages_follow_each_other_without_gap_or_overlap(
    database: Database, predictions: list[Prediction]
) -> None:
    store = PredictionStore(database)
    found: list[Prediction] = []
    while page := await store.page("acme", limit=4, before=found[-1].id if found else None):
        assert len(page) <= 4
        found += page
    assert found == predictions


async def test_decisions_are_filtered_across_pages(
    database: Database, predictions: list[Prediction]
) -> None:
    store = PredictionStore(database)
    flagged = [one for one in predictions if one.decision is Decision.FLAG]

    first = await store.page("acme", limit=2, decision=Decision.FLAG)
    rest = await store.page("acme", limit=2, decision=Decision.FLAG, before=first[-1].id)
    assert first + rest == flagged


async def test_only_what_came_since_is_listed(
    database: Database, predictions: list[Prediction]
) -> None:
    store = PredictionStore(database)
    middle = predictions[4].created_at

    assert await store.page("acme", limit=100, since=middle) == predictions[:5]
    future = datetime.now(UTC) + timedelta(days=1)
    assert await store.page("acme", limit=100, since=future) == []


async def test_a_tenants_list_is_a_scan_of_its_index(database: Database) -> None:
    async with database.connection() as connection:
        plan = await connection.fetch(
            "EXPLAIN SELECT id FROM predictions WHERE tenant = 'acme' ORDER BY id DESC LIMIT 5"
        )
    assert "Index Only Scan Backward using predictions_pkey" in plan[1]["QUERY PLAN"]
