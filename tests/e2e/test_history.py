"""The history of a model is what was recorded, or it is said where it is not."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import psutil
import pytest

from e2e.journey import MODEL, SHIPPED, TRAINING, Registry
from e2e.records import connect_to, events_on
from e2e.running_platform import Platform


async def test_the_history_verifies_and_one_changed_byte_does_not(
    platform: Platform,
) -> None:
    shown = platform.tool("history", str(SHIPPED))
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "Promoted" in shown.stdout
    async with connect_to(platform, "training") as database:
        position, reason = await _promotion(database, SHIPPED)
        altered = chr(ord(reason[0]) ^ 1) + reason[1:]
        await _overwrite(database, position, altered)
        try:
            found = platform.tool("history", str(SHIPPED), "--json")
        finally:
            await _overwrite(database, position, reason)
    assert found.returncode == 1
    bad = msgspec.json.decode(found.stdout)["verification"]["first_bad"]
    assert (bad["model"], bad["position"]) == (MODEL, position)
    assert platform.tool("history", str(SHIPPED)).returncode == 0


@pytest.mark.parametrize("lost", ["one", "the last three"])
async def test_an_event_that_is_gone_from_the_history_is_missed(
    platform: Platform, api: httpx.AsyncClient, lost: str
) -> None:
    async with connect_to(platform, "training") as database:
        last = (await Registry(api).get(f"/models/{MODEL}"))["position"]
        first = last - 2
        async with _without(database, first, first if lost == "one" else last):
            found = await _first_bad(api)
    assert found is not None
    assert (found["model"], found["position"]) == (MODEL, first)
    assert await _first_bad(api) is None


async def test_published_events_tell_on_a_history_whose_end_is_gone_from_the_whole_database(
    platform: Platform, api: httpx.AsyncClient, tmp_path: Path
) -> None:
    """Who cut it off and made all tables agree cannot take back what was told."""
    published = tmp_path / "published.jsonl"
    events = await events_on(platform, "bartizan:events:training")
    published.write_bytes(b"\n".join(map(msgspec.json.encode, events)))
    async with connect_to(platform, "training") as database:
        last = (await Registry(api).get(f"/models/{MODEL}"))["position"]
        async with _without(database, last, last), _told_of(database, last - 1):
            agreed = await _first_bad(api)
            found = _verify(platform, published)
    assert agreed is None, "the database alone cannot know"
    assert found.returncode == 1
    assert f"event {last}" in found.stderr
    assert _verify(platform, published).returncode == 0


async def _promotion(database: asyncpg.Connection, version: int) -> tuple[int, str]:
    """Where a promotion stands in the history, and why it was done."""
    row = await database.fetchrow(
        "SELECT position, reason FROM registry_events WHERE name = $1 AND version = $2"
        " AND type = 'Promoted' ORDER BY position DESC LIMIT 1",
        MODEL,
        version,
    )
    assert row is not None
    return row["position"], row["reason"]


async def _overwrite(database: asyncpg.Connection, position: int, reason: str) -> None:
    async with _all_allowed(database):
        changed = await database.execute(
            "UPDATE registry_events SET reason = $1 WHERE name = $2 AND position = $3",
            reason,
            MODEL,
            position,
        )
    assert changed == "UPDATE 1"


async def _first_bad(api: httpx.AsyncClient) -> dict[str, Any] | None:
    """Where the history is not what was recorded, as the API tells it."""
    answer = await api.get(f"{TRAINING}/audit", params={"verify": "true", "limit": "1"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] | None = answer.json()["verification"]["first_bad"]
    return found


def _verify(platform: Platform, published: Path) -> subprocess.CompletedProcess[str]:
    """The service's own check, by somebody who kept the published events."""
    environment = psutil.Process(platform.pid("training")).environ()
    return platform.programs.run(
        "training",
        *("registry", "verify", "--published", str(published)),
        environment=environment,
    )


@asynccontextmanager
async def _without(database: asyncpg.Connection, first: int, last: int) -> AsyncIterator[None]:
    """The history lacks these positions for the length of the block."""
    which = "FROM registry_events WHERE name = $1 AND position BETWEEN $2 AND $3"
    gone = await database.fetch(f"SELECT * {which}", MODEL, first, last)
    assert len(gone) == last - first + 1
    async with _all_allowed(database):
        await database.execute(f"DELETE {which}", MODEL, first, last)
    try:
        yield
    finally:
        async with _all_allowed(database):
            await database.copy_records_to_table(
                "registry_events", records=map(tuple, gone), columns=list(gone[0].keys())
            )


@asynccontextmanager
async def _told_of(database: asyncpg.Connection, position: int) -> AsyncIterator[None]:
    """What is read of the model says for the length of the block that its history ends there."""
    head = await database.fetchrow("SELECT position, hash FROM models WHERE name = $1", MODEL)
    end = await database.fetchrow(
        "SELECT position, hash FROM registry_events WHERE name = $1 AND position = $2",
        MODEL,
        position,
    )
    assert head is not None
    assert end is not None
    change = "UPDATE models SET position = $2, hash = $3 WHERE name = $1"
    await database.execute(change, MODEL, end["position"], end["hash"])
    try:
        yield
    finally:
        await database.execute(change, MODEL, head["position"], head["hash"])


@asynccontextmanager
async def _all_allowed(database: asyncpg.Connection) -> AsyncIterator[None]:
    """As somebody could who has the whole database in hand: the table itself refuses changes."""
    async with database.transaction():
        await database.execute("SET LOCAL session_replication_role = replica")
        yield
