"""What versions did, counted once, whatever happens to the writing of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from model_api.adapters.deployments.counters import DeploymentCounters
from model_api.adapters.failures import DatabaseUnavailable
from model_api.adapters.postgres import Database
from model_api.domain.deployments.comparison import Disagreement
from model_api.domain.deployments.routing import Role
from model_api.domain.deployments.tally import Second, Tally
from model_api.domain.judging.decision import Decision
from model_api.tests.support.database import Databases, TestDatabase
from model_api.work.counting import Counting

NOW = int(datetime.now(UTC).timestamp())


@pytest.fixture
def counters(database: Database) -> DeploymentCounters:
    return DeploymentCounters(database, "detector")


def a_second(at: int, version: str = "1", latency_us: int = 1_000) -> Second:
    tally = Tally()
    tally.judged(Decision.BLOCK, latency_us)
    tally.judged(Decision.ALLOW, latency_us)
    tally.failed()
    return Second(at, version, Role.CHAMPION, tally)


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


async def predictions(counters: DeploymentCounters, since: int) -> int:
    totals = await counters.totals(moment(since))
    return sum(version.predictions for version in totals.versions)


async def test_a_batch_that_is_written_again_changes_nothing(counters: DeploymentCounters) -> None:
    seconds = [a_second(NOW - 10), a_second(NOW - 9), a_second(NOW - 9, "2")]
    batch = uuid7()
    for _ in range(2):
        await counters.write(batch, seconds, [])
    assert await predictions(counters, NOW - 60) == 9

    await counters.write(uuid7(), seconds, [])
    assert await predictions(counters, NOW - 60) == 18


async def test_whole_seconds_are_counted_from_the_moment_on(counters: DeploymentCounters) -> None:
    await counters.write(uuid7(), [a_second(NOW - second) for second in range(4, 10)], [])

    assert await predictions(counters, NOW - 6) == 9
    totals = await counters.totals(moment(NOW - 6) + timedelta(milliseconds=1))
    assert totals.since == moment(NOW - 5)
    assert totals.versions[0].predictions == 6
    assert totals.until <= datetime.now(UTC)
    assert datetime.now(UTC) - totals.until < timedelta(seconds=60)
    (ahead,) = [await counters.totals(moment(NOW + 3_600))]
    assert (ahead.versions, ahead.since) == ((), ahead.until)


async def test_old_seconds_are_put_together_and_still_add_up(
    counters: DeploymentCounters, databases: Databases, test_database: TestDatabase
) -> None:
    old = NOW - 3 * 3_600
    old -= old % 60
    seconds = [a_second(old + index, latency_us=1_000 * (1 + index % 2)) for index in range(120)]
    await counters.write(uuid7(), seconds, [])
    await counters.write(uuid7(), [a_second(NOW - 10)], [])
    before = await counters.totals(moment(old))

    for _ in range(2):
        await counters.tidy()

    after = await counters.totals(moment(old))
    assert after == replace(before, until=after.until)
    connection = await databases.connect(test_database)
    try:
        rows = await connection.fetch("SELECT seconds, predictions FROM deployment_counters")
    finally:
        await connection.close()
    assert sorted(map(tuple, rows)) == [(1, 3), (60, 180), (60, 180)]
    # A replica that was cut off for long is counted beside.
    await counters.write(uuid7(), [a_second(old + 5)], [])
    await counters.tidy()
    assert await predictions(counters, old) == 366


async def test_what_is_very_old_is_forgotten(counters: DeploymentCounters) -> None:
    await counters.write(uuid7(), [a_second(NOW - 15 * 86_400), a_second(NOW - 10)], [])

    await counters.tidy()

    assert await predictions(counters, NOW - 30 * 86_400) == 3


class Flaky(DeploymentCounters):
    """Counters whose database is away, or whose answer is lost after the writing."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "detector")
        self.is_away = False
        self.loses_answers = False

    async def write(
        self, batch: UUID, seconds: Sequence[Second], disagreements: Sequence[Disagreement]
    ) -> None:
        if self.is_away:
            raise DatabaseUnavailable("away")
        await super().write(batch, seconds, disagreements)
        if self.loses_answers:
            raise DatabaseUnavailable("lost")


async def test_nothing_is_lost_or_counted_twice_while_the_database_comes_and_goes(
    database: Database,
) -> None:
    now = float(NOW - 600)
    counters = Flaky(database)
    counting = Counting(counters, clock=lambda: now)
    for second in range(400):
        now = NOW - 600 + second
        counters.is_away = 50 < second < 350
        counters.loses_answers = second % 7 == 0
        counting.now("1", Role.CHAMPION).judged(Decision.ALLOW, 100)
        await counting.write(before=int(now))
    counters.loses_answers = False
    await counting.write(before=int(now) + 1)

    assert await predictions(counters, NOW - 3_600) == 400
