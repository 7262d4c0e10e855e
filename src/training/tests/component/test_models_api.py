"""The registry, the rollouts and the audit log, as callers see them."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from training.adapters.bundles.platform_key import PlatformKey
from training.adapters.postgres import Database
from training.tests.support import api as application
from training.tests.support.api import Api, assert_problem
from training.tests.support.database import Databases, TestDatabase
from training.tests.support.guard_peer import GuardPeer, guard_peer
from training.tests.support.issuer import Issuer
from training.tests.support.models import register, registered
from training.tests.support.waiting import eventually

PLATFORM = "default"
PLAN = [
    {"stage": "shadow", "sample": 0.5, "predictions": 100},
    {"stage": "canary", "weight": 0.25, "minutes": 1000},
]
WANTED = {"version": 1, "plan": [], "reason": "it is the first"}


@dataclass
class Registry:
    """The application with models in its database, called by ana unless said otherwise."""

    api: Api
    issuer: Issuer
    database: Database
    key: PlatformKey
    peer: GuardPeer

    async def register(self, name: str, *versions: int, tenant: str = PLATFORM) -> None:
        await register(self.database, self.key, tenant, name, *versions)

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        who: str = "ana",
        tenant: str = PLATFORM,
        if_match: str | None = None,
    ) -> httpx.Response:
        token = self.issuer.token(tenant, sub=who)
        headers = {"Authorization": f"Bearer {token}"}
        if if_match is not None:
            headers["If-Match"] = if_match
        return await self.api.anonymous(method, path, headers=headers, json=body)

    async def rollout(self, name: str, body: Any = None) -> str:
        """A rollout that was begun."""
        answer = await self.call("POST", f"/models/{name}/rollouts", body or WANTED)
        assert answer.status_code == 202, answer.text
        rollout: str = answer.json()["id"]
        assert answer.headers["Location"] == f"/models/{name}/rollouts/{rollout}"
        return rollout

    async def until(self, name: str, rollout: str, state: str) -> dict[str, Any]:
        """The rollout, once it is in that state."""
        seen: list[dict[str, Any]] = []

        async def check() -> bool:
            answer = await self.call("GET", f"/models/{name}/rollouts/{rollout}")
            seen.append(answer.json())
            return bool(seen[-1]["state"] == state)

        await eventually(check)
        return seen[-1]


@pytest.fixture(scope="module")
async def the_registry(
    shared_database: TestDatabase,
    issuer: Issuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Registry]:
    folder = tmp_path_factory.mktemp("registry")
    variables = application.environment(folder, issuer, shared_database)
    async with guard_peer() as peer:
        variables["TRAINING_MODEL_API_URL"] = variables["TRAINING_MLFLOW_URL"] = peer.url
        async with (
            application.serving(variables, issuer) as api,
            Database(shared_database.url, shared_database.password) as database,
        ):
            state = Path(variables["TRAINING_STATE_DIR"])
            key = PlatformKey.load(state / "signing.key", state / "signing.pub")
            yield Registry(api, issuer, database, key, peer)


@pytest.fixture
def registry(the_registry: Registry) -> Registry:
    the_registry.peer.counts = {}
    the_registry.peer.desired = None
    return the_registry


@pytest.fixture
def name() -> str:
    """A model that no other test has."""
    return f"model-{secrets.token_hex(4)}"


async def test_a_registered_version_is_shown_with_its_evidence(
    registry: Registry, name: str
) -> None:
    await registry.register(name, 1, 2, 3)
    model = (await registry.call("GET", f"/models/{name}")).json()
    assert (model["champion"], model["latest_version"], model["four_eyes"]) == (None, 3, False)
    assert model["position"] == 3
    version = (await registry.call("GET", f"/models/{name}/versions/2")).json()
    assert version["state"] == "registered"
    assert version["evidence"] == registered(2).evidence
    first = (await registry.call("GET", f"/models/{name}/versions?limit=2")).json()
    assert [each["version"] for each in first["items"]] == [3, 2]
    rest = f"/models/{name}/versions?limit=2&cursor={first['next_cursor']}"
    last = (await registry.call("GET", rest)).json()
    assert ([each["version"] for each in last["items"]], last["next_cursor"]) == ([1], None)


async def test_models_are_their_tenants_own(registry: Registry, name: str) -> None:
    await registry.register(name, 1, tenant="acme")
    assert (await registry.call("GET", f"/models/{name}", tenant="acme")).status_code == 200
    for path, code in (
        (f"/models/{name}", "MODEL_NOT_FOUND"),
        (f"/models/{name}/versions", "MODEL_NOT_FOUND"),
        (f"/models/{name}/versions/1", "MODEL_VERSION_NOT_FOUND"),
        (f"/models/{name}/versions/1/history", "MODEL_VERSION_NOT_FOUND"),
        (f"/models/{name}/rollouts", "MODEL_NOT_FOUND"),
        (f"/models/{name}/promotion-policy", "MODEL_NOT_FOUND"),
    ):
        assert_problem(await registry.call("GET", path), 404, code)
    listed = (await registry.call("GET", "/models?limit=200")).json()["items"]
    assert name not in [each["name"] for each in listed]
    refused = await registry.call("POST", f"/models/{name}/rollouts", WANTED, tenant="acme")
    assert_problem(refused, 403, "NOT_THE_PLATFORM_TENANT")


@pytest.mark.parametrize("version", [0, -1, 2**31, 2**63])
async def test_a_number_that_no_version_has(registry: Registry, name: str, version: int) -> None:
    await registry.register(name, 1)
    path = f"/models/{name}/versions/{version}"
    for each in (path, f"{path}/history"):
        assert_problem(await registry.call("GET", each), 404, "MODEL_VERSION_NOT_FOUND")
    answer = await registry.call("POST", f"{path}/reject", {"reason": "no"})
    assert_problem(answer, 404, "MODEL_VERSION_NOT_FOUND")


async def test_a_version_is_rejected_and_stays_so(registry: Registry, name: str) -> None:
    await registry.register(name, 1)
    path = f"/models/{name}/versions/1"
    rejected = await registry.call("POST", f"{path}/reject", {"reason": "it is biased"})
    assert (rejected.status_code, rejected.json()["state"]) == (200, "rejected")
    again = await registry.call("POST", f"{path}/retire", {"reason": "and old"})
    assert_problem(again, 409, "TRANSITION_ILLEGAL")
    refused = await registry.call("POST", f"/models/{name}/rollouts", WANTED)
    assert_problem(refused, 409, "TRANSITION_ILLEGAL")
    history = (await registry.call("GET", f"{path}/history")).json()["items"]
    assert [each["type"] for each in history] == ["VersionRegistered", "Rejected"]
    assert (history[1]["actor"], history[1]["reason"]) == ("ana", "it is biased")
    assert history[1]["previous_hash"] == history[0]["hash"]


@pytest.mark.parametrize("reason", ["", "x" * 1001, "a\0b", None])
async def test_a_reason_is_needed(registry: Registry, name: str, reason: str | None) -> None:
    await registry.register(name, 1)
    body = {} if reason is None else {"reason": reason}
    answer = await registry.call("POST", f"/models/{name}/versions/1/reject", body)
    assert_problem(answer, 422, "VALIDATION_FAILED")


async def test_a_rollout_is_watched_and_undone(registry: Registry, name: str) -> None:
    await registry.register(name, 1)
    registry.peer.counts = {"shadow": {"predictions": 150}}
    body = {**WANTED, "plan": PLAN, "gates": {"error_rate": {"maximum": 0.1}}}
    rollout = await registry.rollout(name, body)
    seen = await registry.until(name, rollout, "shadow")
    assert seen["plan"] == PLAN
    assert seen["gates"] == {
        "error_rate": {"maximum": 0.1, "window_seconds": 300, "minimum_predictions": 50}
    }
    assert (await registry.call("GET", f"/models/{name}")).json()["active_rollout"] == rollout
    again = await registry.call("POST", f"/models/{name}/rollouts", body)
    problem = assert_problem(again, 409, "ROLLOUT_ACTIVE")
    assert rollout in problem["detail"]
    await registry.until(name, rollout, "canary")
    path = f"/models/{name}/rollouts/{rollout}"
    paused = await registry.call("POST", f"{path}/pause", {})
    assert (paused.json()["state"], paused.json()["stopped_in"]) == ("paused", "canary")
    assert_problem(await registry.call("POST", f"{path}/approve", {}), 409, "ROLLOUT_STATE")
    assert (await registry.call("POST", f"{path}/resume", {})).json()["state"] == "canary"
    undone = await registry.call("POST", f"{path}/rollback", {"reason": "I saw it"}, who="ben")
    assert undone.status_code == 202
    ended = await registry.until(name, rollout, "rolled_back")
    assert ended["ending"]["actor"] == "ben"
    assert_problem(
        await registry.call("POST", f"{path}/rollback", {"reason": "again"}), 409, "ROLLOUT_STATE"
    )
    listed = (await registry.call("GET", f"/models/{name}/rollouts")).json()["items"]
    assert [each["id"] for each in listed] == [rollout]


async def test_a_second_person_promotes(registry: Registry, name: str) -> None:
    await registry.register(name, 1)
    policy = f"/models/{name}/promotion-policy"
    body = {"four_eyes": True}
    changed = await registry.call("PUT", policy, body, if_match="*")
    assert changed.json() == {"four_eyes": True, "version": 1}
    rollout = await registry.rollout(name)
    await registry.until(name, rollout, "awaiting_approval")
    path = f"/models/{name}/rollouts/{rollout}/approve"
    assert_problem(await registry.call("POST", path, {}), 403, "SECOND_PERSON_NEEDED")
    assert (await registry.call("POST", path, {}, who="ben")).status_code == 200
    await registry.until(name, rollout, "completed")
    assert registry.api.metric("rollout_moves_count_total", state="completed") >= 1
    model = (await registry.call("GET", f"/models/{name}")).json()
    assert (model["champion"], model["active_rollout"]) == (1, None)
    nothing = await registry.call("POST", f"/models/{name}/rollback", {"reason": "why not"})
    assert_problem(nothing, 409, "NOTHING_TO_ROLL_BACK_TO")


async def test_of_two_who_change_the_promotion_policy_the_later_reads_it_again(
    registry: Registry, name: str
) -> None:
    await registry.register(name, 1)
    policy = f"/models/{name}/promotion-policy"
    careful, quick = {"four_eyes": True}, {"four_eyes": False}
    read = await registry.call("GET", policy)
    assert (read.json(), read.headers["etag"]) == ({"four_eyes": False, "version": 0}, '"0"')

    assert_problem(await registry.call("PUT", policy, careful), 428, "PRECONDITION_REQUIRED")
    first = await registry.call("PUT", policy, careful, if_match=read.headers["etag"])
    assert (first.status_code, first.headers["etag"]) == (200, '"1"')
    assert (await registry.call("PUT", policy, quick, if_match='"1"')).headers["etag"] == '"2"'
    late = await registry.call("PUT", policy, careful, if_match='"1"')
    assert "version 2" in assert_problem(late, 412, "PRECONDITION_FAILED")["detail"]

    # Whoever has lost the answer asks again, and is told what holds.
    again = await registry.call("PUT", policy, quick, if_match='"1"')
    assert (again.status_code, again.json()) == (200, {"four_eyes": False, "version": 2})
    audited = (await registry.call("GET", "/audit", None)).json()["items"]
    actions = [each["action"] for each in audited if each["target"] == name]
    assert actions.count("model.promotion_policy_changed") == 2


async def test_a_repeated_start_gets_the_first_answer(registry: Registry, name: str) -> None:
    await registry.register(name, 1)
    token = registry.issuer.token(PLATFORM, sub="ana")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"start-{name}"}
    path = f"/models/{name}/rollouts"
    first = await registry.api.anonymous("POST", path, headers=headers, json=WANTED)
    second = await registry.api.anonymous("POST", path, headers=headers, json=WANTED)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    other = await registry.api.anonymous(
        "POST", path, headers=headers, json={**WANTED, "reason": "another"}
    )
    assert_problem(other, 422, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"plan": [{"stage": "canary", "weight": 0.5}]}, "/plan/0"),
        ({"plan": [{"stage": "canary", "weight": 1.5, "minutes": 1}]}, "/plan/0/weight"),
        ({"plan": [{"stage": "elsewhere", "minutes": 1}]}, "/plan/0/stage"),
        ({"plan": [{"stage": "shadow", "weight": 0.5, "minutes": 1}]}, "/plan/0"),
        ({"gates": {"error_rate": {"maximum": 7}}}, "/gates/error_rate/maximum"),
        ({"gates": {"happiness": {"maximum": 1}}}, "/gates"),
        ({"version": 0}, "/version"),
        ({"sticky_by": "mood"}, "/sticky_by"),
    ],
)
async def test_a_plan_that_cannot_be_meant_is_refused(
    registry: Registry, name: str, change: dict[str, Any], pointer: str
) -> None:
    await registry.register(name, 1)
    answer = await registry.call("POST", f"/models/{name}/rollouts", {**WANTED, **change})
    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert problem["errors"][0]["pointer"] == pointer


async def test_the_audit_log_tells_who_did_what(registry: Registry, name: str) -> None:
    await registry.register(name, 1)
    await registry.call("POST", f"/models/{name}/versions/1/reject", {"reason": "it is biased"})
    page = (await registry.call("GET", "/audit?limit=1")).json()
    entry = page["items"][0]
    assert (entry["actor"], entry["action"], entry["target"]) == ("ana", "model.rejected", name)
    assert entry["details"]["position"] == 2
    assert page["verification"] is None
    older = (await registry.call("GET", f"/audit?limit=1&cursor={page['next_cursor']}")).json()
    assert older["items"][0]["action"] == "model.version_registered"


async def test_the_audit_log_names_the_first_bad_event(
    registry: Registry, name: str, rows: asyncpg.Connection
) -> None:
    tenant = f"tenant-{name}"
    await registry.register(name, 1, 2, 3, tenant=tenant)
    answer = await registry.call("GET", "/audit?verify=true", tenant=tenant)
    assert answer.json()["verification"] == {
        "sound": True,
        "models": 1,
        "events": 3,
        "first_bad": None,
    }
    async with rows.transaction():
        await rows.execute("ALTER TABLE registry_events DISABLE TRIGGER USER")
        await rows.execute(
            "UPDATE registry_events SET actor = 'nobody' WHERE name = $1 AND position = 2", name
        )
        await rows.execute("ALTER TABLE registry_events ENABLE TRIGGER USER")
    answer = await registry.call("GET", "/audit?verify=true", tenant=tenant)
    assert answer.json()["verification"]["first_bad"] == {
        "model": name,
        "position": 2,
        "what": "differs from its hash",
    }


async def test_a_tenant_cannot_roll_out_what_answers_everybody(
    registry: Registry, databases: Databases, name: str
) -> None:
    await registry.register(name, 1, tenant="acme")
    for path in ("rollouts", "rollback"):
        body = WANTED if path == "rollouts" else {"reason": "mine"}
        answer = await registry.call("POST", f"/models/{name}/{path}", body, tenant="acme")
        assert_problem(answer, 403, "NOT_THE_PLATFORM_TENANT")


async def test_nothing_is_done_on_a_history_that_this_platform_did_not_sign(
    registry: Registry, name: str
) -> None:
    stranger = PlatformKey.of(Ed25519PrivateKey.generate())
    await register(registry.database, stranger, PLATFORM, name, 1)
    answer = await registry.call("POST", f"/models/{name}/rollouts", WANTED)
    assert_problem(answer, 500, "HISTORY_BROKEN")
    assert "event 1" in answer.json()["detail"]
