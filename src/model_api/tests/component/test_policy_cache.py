"""The policies that the guard judges by, with the database and without."""

from dataclasses import replace
from pathlib import Path

from model_api.adapters.policies.cache import PolicyCache
from model_api.adapters.postgres import Database
from model_api.domain.judging.policy import ATTACK, Mode, Policy, Rule
from model_api.events.changes import Caller, Changes
from model_api.tests.support.waiting import eventually

STRICT = Policy("strict", 0, {ATTACK: Rule(flag=0.3, block="balanced")})
CALLER = Caller("acme", "key-1")
UNREACHABLE = "postgresql://nobody@127.0.0.1:1/nothing"


async def test_a_start_reads_the_policies(database: Database, tmp_path: Path) -> None:
    await Changes(database).create_policy(CALLER, STRICT)

    async with PolicyCache(database, tmp_path) as cache:
        assert cache.get("acme", "strict") == replace(STRICT, version=1)
        assert cache.get("globex", "strict") is None
        assert cache.age_s < 5


async def test_a_change_by_another_process_arrives_by_notification(
    database: Database, tmp_path: Path
) -> None:
    changes = Changes(database)
    async with PolicyCache(database, tmp_path, poll_s=3600) as cache:
        await changes.create_policy(CALLER, STRICT)
        await eventually(lambda: _is(cache.get("acme", "strict") is not None))

        await changes.replace_policy(CALLER, replace(STRICT, mode=Mode.MONITOR), None)
        await eventually(lambda: _is(_mode(cache) is Mode.MONITOR))

        await changes.delete_policy(CALLER, "strict", None)
        await eventually(lambda: _is(cache.get("acme", "strict") is None))


async def test_a_change_of_ones_own_counts_at_once(database: Database, tmp_path: Path) -> None:
    async with PolicyCache(database, tmp_path, poll_s=3600) as cache:
        await Changes(database).create_policy(CALLER, STRICT)
        await cache.refresh()
        assert cache.get("acme", "strict") is not None


async def test_a_start_without_a_database_judges_by_the_last_known_policies(
    database: Database, tmp_path: Path
) -> None:
    await Changes(database).create_policy(CALLER, STRICT)
    async with PolicyCache(database, tmp_path):
        pass

    async with Database(UNREACHABLE) as nowhere, PolicyCache(nowhere, tmp_path) as cache:
        assert cache.get("acme", "strict") == replace(STRICT, version=1)
        assert cache.age_s == float("inf")
    assert (tmp_path / "policies.json").stat().st_mode & 0o777 == 0o600


async def test_an_unreadable_snapshot_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "policies.json").write_text('[{"half"')
    async with PolicyCache(None, tmp_path) as cache:
        assert cache.get("acme", "strict") is None


def _mode(cache: PolicyCache) -> Mode | None:
    policy = cache.get("acme", "strict")
    return policy.mode if policy else None


async def _is(condition: bool) -> bool:
    return condition
