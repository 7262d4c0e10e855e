"""/models/{name}/deployment: what is asked for, and what the replicas make of it."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from model_api.tests.support import api as application
from model_api.tests.support.api import ATTACK, BENIGN, Api, assert_problem
from model_api.tests.support.database import Databases, TestDatabase
from model_api.tests.support.deployed_bundles import Signer, register_new
from model_api.tests.support.deploying import (
    PATH,
    deploy,
    deployed,
    desired,
    in_force,
    settings,
    state,
)
from model_api.tests.support.issuer import Issuer
from model_api.tests.support.s3_server import S3Server
from model_api.tests.support.waiting import eventually

SIGNER = Signer()
CHAMPION = ("1", "champion")


@pytest.fixture
async def own_database(databases: Databases) -> AsyncIterator[TestDatabase]:
    database = await databases.create()
    yield database
    await databases.drop(database)


@pytest.fixture
def variables(
    state_dir: Path, s3: S3Server, issuer: Issuer, own_database: TestDatabase
) -> dict[str, str]:
    return {
        **application.environment(state_dir, issuer, own_database),
        **settings(state_dir, s3, SIGNER),
    }


@pytest.fixture
async def guard(variables: dict[str, str], issuer: Issuer) -> AsyncIterator[Api]:
    async with application.serving(variables, issuer) as api:
        yield api


@pytest.fixture
def tenant(guard: Api) -> Api:
    """The same application, called by a tenant that is not the platform's own."""
    return guard.of_tenant("acme")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("PUT", PATH, "deployments:write"),
        ("GET", PATH, "deployments:read"),
        ("GET", f"{PATH}/metrics?since=2026-01-01T00:00:00Z", "deployments:read"),
        ("GET", f"{PATH}/disagreements", "deployments:read"),
    ],
)
async def test_who_may(api: Api, method: str, path: str, scope: str) -> None:
    assert_problem(await api.anonymous(method, path), 401, "UNAUTHENTICATED")
    others = "predict models:read policies:write deployments:all"
    problem = assert_problem(await api.call(method, path, scope=others), 403, "FORBIDDEN")
    assert scope in problem["detail"]


async def test_before_the_first_deployment_the_packaged_bundle_judges(guard: Api) -> None:
    async def is_seen() -> bool:
        return bool((await state(guard))["replicas"])

    await eventually(is_seen)
    told = await state(guard)

    assert told["desired"] is None
    (replica,) = told["replicas"]
    assert replica["generation"] is None
    (version,) = replica["versions"]
    used = (await guard.predict(text=BENIGN))["model"]
    assert version == {
        "version": used["version"],
        "digest": used["digest"],
        "state": "ready",
        "reason": None,
    }
    assert used["role"] == "champion"


async def test_a_champion_is_fetched_and_answers(guard: Api, s3: S3Server) -> None:
    one = register_new(s3, SIGNER, "1")

    await deployed(guard, desired(1, one))

    answered = await guard.predict(text="please obey")
    assert answered["model"] == {
        "name": "detector",
        "version": "1",
        "digest": one.digest,
        "role": "champion",
    }
    stored = await guard.call("GET", f"/predictions/{answered['predictions'][0]['id']}")
    assert stored.json()["model"] == answered["model"]
    (replica,) = (await state(guard))["replicas"]
    assert [(each["version"], each["state"]) for each in replica["versions"]] == [("1", "ready")]
    (model,) = (await guard.call("GET", "/models")).json()["items"]
    assert (model["version"], model["digest"], model["role"]) == ("1", one.digest, "champion")
    assert model["operating_points"]["strict"]["threshold"] == 0.9
    assert (await guard.call("GET", "/models/detector")).json() == model


async def test_the_same_again_changes_nothing_and_the_older_is_refused(
    guard: Api, s3: S3Server
) -> None:
    one, two = (register_new(s3, SIGNER, version) for version in "12")
    await deployed(guard, desired(5, one))
    await deploy(guard, desired(5, one))

    for stale in (desired(5, two), desired(4, one), desired(4, two)):
        answer = await guard.call("PUT", PATH, json=stale)
        problem = assert_problem(answer, 409, "DEPLOYMENT_STALE")
        assert problem["generation"] == 5

    await deployed(guard, desired(6, two))
    assert (await guard.predict(text=BENIGN))["model"]["version"] == "2"


async def test_every_change_and_refusal_is_kept_record_of(
    guard: Api, s3: S3Server, databases: Databases, own_database: TestDatabase
) -> None:
    one = register_new(s3, SIGNER, "1")
    unsigned = register_new(s3, None, "7")
    await deployed(guard, desired(1, one))
    await guard.call("PUT", PATH, json=desired(1, one, reason="another"))
    await deploy(guard, desired(2, one, warm=(unsigned,)))
    await in_force(guard, 2)
    await guard.call("POST", "/models/reload")

    connection = await databases.connect(own_database)
    try:
        entries = await connection.fetch("SELECT action, actor, details FROM audit_log ORDER BY id")
        events = await connection.fetch("SELECT type, data FROM outbox ORDER BY position")
    finally:
        await connection.close()
    caller = f"key-of-{guard.tenant}"
    (replica,) = (await state(guard))["replicas"]
    assert [(row["action"], row["actor"]) for row in entries] == [
        ("deployment.stored", caller),
        ("deployment.refused", caller),
        ("deployment.stored", caller),
        ("deployment.version_refused", f"replica:{replica['replica_id']}"),
        ("model.reload_refused", caller),
    ]
    assert "signature.json" in entries[3]["details"]
    assert [row["type"] for row in events] == ["io.bartizan.model_api.deployment.changed.v1"] * 3


async def test_a_version_that_must_not_be_loaded_is_refused_and_the_champion_stays(
    guard: Api, s3: S3Server
) -> None:
    one = register_new(s3, SIGNER, "1")
    forged = register_new(s3, Signer(), "2")
    await deployed(guard, desired(1, one))

    await deploy(guard, desired(2, forged))

    async def is_refused() -> bool:
        (replica,) = (await state(guard))["replicas"]
        return any(each["state"] == "refused" for each in replica["versions"])

    await eventually(is_refused)
    (replica,) = (await state(guard))["replicas"]
    assert replica["generation"] == 1
    versions = {each["version"]: each for each in replica["versions"]}
    assert versions["2"]["reason"] == "signature.json: no trusted key has signed it"
    assert versions["1"]["state"] == "ready"
    assert (await guard.predict(text=BENIGN))["model"]["version"] == "1"
    health = (await guard.call("GET", "/health")).json()
    assert "2 refused" in health["dependencies"]["deployment"]


async def test_a_request_may_ask_for_a_loaded_version(guard: Api, s3: S3Server) -> None:
    one, two = (register_new(s3, SIGNER, version) for version in "12")
    await deployed(guard, desired(1, one, warm=(two,)))

    pinned = await guard.predict(text=BENIGN, model_version="2")

    assert pinned["model"] == {
        "name": "detector",
        "version": "2",
        "digest": two.digest,
        "role": "pinned",
    }
    answer = await guard.call("POST", "/predict", json={"text": BENIGN, "model_version": "3"})
    assert_problem(answer, 409, "MODEL_VERSION_NOT_LOADED")


async def test_a_canary_answers_for_its_share_of_the_sessions(guard: Api, s3: S3Server) -> None:
    one, two = (register_new(s3, SIGNER, version) for version in "12")
    await deployed(guard, desired(1, one, canary=two, weight=0.3))

    async def sessions_of_the_canary() -> set[int]:
        found = set()
        for session in range(100):
            used = (await guard.predict(text="hi", session=f"session-{session}"))["model"]
            assert used["version"] == ("2" if used["role"] == "canary" else "1")
            if used["role"] == "canary":
                found.add(session)
        return found

    some = await sessions_of_the_canary()
    assert 10 < len(some) < 60
    assert await sessions_of_the_canary() == some

    await deployed(guard, desired(2, one, canary=two, weight=0.6))
    assert some < await sessions_of_the_canary()
    await deployed(guard, desired(3, two, warm=(one,)))
    used = (await guard.predict(text="hi", session=f"session-{some.pop()}"))["model"]
    assert (used["version"], used["role"]) == ("2", "champion")


async def test_a_canary_that_cannot_judge_leaves_it_to_the_champion(
    guard: Api, s3: S3Server
) -> None:
    points = {
        name: {"threshold": threshold, "chosen_for": "a test"}
        for name, threshold in (("sensitive", 0.4), ("balanced", 0.6), ("strict", 0.9))
    }
    special = points | {"special": {"threshold": 0.7, "chosen_for": "a test"}}
    one = register_new(s3, SIGNER, "1", operating_points=special)
    two = register_new(s3, SIGNER, "2", operating_points=points)
    await deployed(guard, desired(1, one, canary=two, weight=1.0))
    await guard.create_policy(name="special", rules={"attack": {"block": "special"}})
    since = await _now(guard)

    answered = await guard.predict(texts=["please obey", "a quiet sea"], policy="special")

    assert answered["model"]["role"] == "champion"
    assert [each["decision"] for each in answered["predictions"]] == ["block", "allow"]
    assert guard.metric("canary_fallbacks_total") == 1
    # The two are counted one after the other, so perhaps in two seconds.
    counts = await _counts(guard, since, lambda found: {("2", "canary"), CHAMPION} <= {*found})
    assert (counts["2", "canary"]["predictions"], counts["2", "canary"]["errors"]) == (2, 2)
    assert (counts["1", "champion"]["predictions"], counts["1", "champion"]["errors"]) == (2, 0)


async def test_what_each_version_did_is_counted(guard: Api, s3: S3Server) -> None:
    one, two = (register_new(s3, SIGNER, version) for version in "12")
    await deployed(guard, desired(1, one, warm=(two,)))
    since = await _now(guard)
    for _ in range(3):
        answered = await guard.predict(texts=["please obey", "a quiet sea"])
    await guard.predict(text="please obey", model_version="2")
    opinions = {"block": ("attack", "benign"), "allow": ("benign", "attack")}
    for prediction in answered["predictions"]:
        right, wrong = opinions[prediction["decision"]]
        # Said again and again, it counts once: as it was said last.
        for label in (right, right, wrong):
            body = {"prediction_id": prediction["id"], "label": label}
            assert (await guard.call("POST", "/feedback", json=body)).status_code == 201

    counts = await _counts(
        guard,
        since,
        lambda found: ("2", "pinned") in found and found[CHAMPION]["feedback"]["contradicting"] > 1,
    )

    champion = counts[CHAMPION]
    assert (champion["predictions"], champion["blocked"], champion["errors"]) == (6, 3, 0)
    latency = champion["latency_ms"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]
    assert champion["feedback"] == {"total": 2, "contradicting": 2}
    assert (counts["2", "pinned"]["predictions"], counts["2", "pinned"]["compared"]) == (1, 0)


async def test_a_shadow_judges_the_same_and_answers_nothing(guard: Api, s3: S3Server) -> None:
    one = register_new(s3, SIGNER, "1")
    two = register_new(s3, SIGNER, "2")
    await deployed(guard, desired(1, one, shadow=two))
    since = await _now(guard)

    answered = await guard.predict(texts=["please obey", "a quiet sea"])

    assert answered["model"]["role"] == "champion"
    counts = await _counts(guard, since, lambda found: ("2", "shadow") in found)
    shadow = counts["2", "shadow"]
    assert (shadow["predictions"], shadow["compared"], shadow["disagreements"]) == (2, 2, 0)
    assert (shadow["blocked"], shadow["errors"]) == (1, 0)


async def test_a_disagreement_is_told(guard: Api, s3: S3Server) -> None:
    points = {
        name: {"threshold": threshold, "chosen_for": "a test"}
        for name, threshold in (("sensitive", 0.4), ("balanced", 0.6), ("strict", 0.9))
    }
    one = register_new(s3, SIGNER, "1", operating_points=points)
    unlike = {**points, "strict": {"threshold": 0.01, "chosen_for": "a test"}}
    two = register_new(s3, SIGNER, "2", operating_points=unlike)
    await guard.create_policy(name="strict", rules={"attack": {"block": "strict"}}, mode="monitor")
    await deployed(guard, desired(1, one, shadow=two))
    since = await _now(guard)
    shadowed = await guard.predict(text="hello", policy="strict")
    await _counts(guard, since, lambda found: found.get(("2", "shadow"), {}).get("compared"))
    await deployed(guard, desired(2, one, canary=two, weight=1.0))
    answered = await guard.predict(texts=["hello", "please obey"], policy="strict")
    assert answered["model"]["role"] == "canary"

    counts = await _counts(
        guard, since, lambda found: found.get(("2", "canary"), {}).get("compared")
    )

    assert counts["2", "shadow"]["disagreements"] == 1
    assert (counts["2", "canary"]["compared"], counts["2", "canary"]["disagreements"]) == (2, 1)
    page = (await guard.call("GET", f"{PATH}/disagreements", params={"limit": 1})).json()
    (latest,) = page["items"]
    asked = {"limit": 1, "cursor": page["next_cursor"], "version": "2"}
    rest = (await guard.call("GET", f"{PATH}/disagreements", params=asked)).json()
    assert rest["next_cursor"] is None
    for found, source in ((latest, answered), (rest["items"][0], shadowed)):
        assert found["prediction_id"] == source["predictions"][0]["id"]
        assert (found["version"], found["champion_version"]) == ("2", "1")
        assert (found["decision"], found["champion_decision"]) == ("block", "allow")
        assert found["score"] == found["champion_score"] == source["predictions"][0]["score"]
    unknown = await guard.call("GET", f"{PATH}/disagreements", params={"version": "3"})
    assert unknown.json() == {"items": [], "next_cursor": None}


async def test_a_tenant_sees_its_own_disagreements_alone(
    guard: Api, tenant: Api, s3: S3Server
) -> None:
    points = {
        name: {"threshold": threshold, "chosen_for": "a test"}
        for name, threshold in (("sensitive", 0.4), ("balanced", 0.6), ("strict", 0.9))
    }
    one = register_new(s3, SIGNER, "1", operating_points=points)
    unlike = {**points, "strict": {"threshold": 0.01, "chosen_for": "a test"}}
    two = register_new(s3, SIGNER, "2", operating_points=unlike)
    await deployed(guard, desired(1, one, shadow=two))
    since = await _now(guard)
    judged = []
    for api in (guard, tenant, tenant):
        policies = (await api.call("GET", "/policies")).json()["items"]
        if not any(each["name"] == "strict" for each in policies):
            rules = {"attack": {"block": "strict"}}
            await api.create_policy(name="strict", rules=rules, mode="monitor")
        answered = await api.predict(text="hello", policy="strict")
        judged.append(answered["predictions"][0]["id"])

    def is_all(found: dict[tuple[str, str], dict[str, Any]]) -> bool:
        return ("2", "shadow") in found and found["2", "shadow"]["disagreements"] == 3

    await _counts(guard, since, is_all)

    async def seen(api: Api, scope: str = "deployments:read", **query: Any) -> list[str]:
        ids: list[str] = []
        cursor: str | None = None
        while True:
            asked = {**query, **({} if cursor is None else {"cursor": cursor})}
            answer = await api.call("GET", f"{PATH}/disagreements", scope=scope, params=asked)
            assert answer.status_code == 200, answer.text
            ids += [each["prediction_id"] for each in answer.json()["items"]]
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                return ids

    assert await seen(tenant) == await seen(tenant, limit=1) == judged[:0:-1]
    assert await seen(tenant, version="2") == judged[:0:-1]
    assert await seen(guard.of_tenant("globex")) == []
    # The operator of the platform: a key of its own tenant, or whoever may do everything.
    assert await seen(guard) == await seen(tenant, "admin") == judged[::-1]


async def test_the_counts_of_all_tenants_are_for_the_operator(guard: Api, tenant: Api) -> None:
    path = f"{PATH}/metrics?since=2026-01-01T00:00:00Z"

    refused = await tenant.call("GET", path, scope="deployments:read")
    assert_problem(refused, 403, "NOT_THE_PLATFORM_TENANT")
    assert (await guard.call("GET", path, scope="deployments:read")).status_code == 200
    assert (await tenant.call("GET", path, scope="admin")).status_code == 200
    # Which versions judge is every tenant's to know.
    assert (await tenant.call("GET", PATH, scope="deployments:read")).status_code == 200


async def test_who_operates_the_platform_is_a_setting(
    variables: dict[str, str], issuer: Issuer
) -> None:
    path = f"{PATH}/metrics?since=2026-01-01T00:00:00Z"
    variables["MODEL_API_PLATFORM_TENANT"] = "acme"
    async with application.serving(variables, issuer) as api:
        own = await api.call("GET", path, tenant="acme", scope="deployments:read")
        assert own.status_code == 200
        other = await api.call("GET", path, tenant="default", scope="deployments:read")
        assert_problem(other, 403, "NOT_THE_PLATFORM_TENANT")


async def _now(api: Api) -> str:
    answer = await api.call("GET", f"{PATH}/metrics?since=2026-01-01T00:00:00Z")
    assert answer.status_code == 200, answer.text
    until: str = answer.json()["until"]
    return until


async def _counts(api: Api, since: str, enough: Any) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}

    async def are_there() -> bool:
        answer = await api.call("GET", f"{PATH}/metrics", params={"since": since})
        assert answer.status_code == 200, answer.text
        found.clear()
        for each in answer.json()["versions"]:
            found[each["version"], each["role"]] = each
        return bool(enough(found))

    await eventually(are_there)
    return found


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"generation": 0}, "/generation"),
        ({"more": 1}, ""),
        ({"champion": {"version": "1"}}, "/champion"),
        ({"canary": {"weight": 2}}, "/canary/weight"),
    ],
)
async def test_what_is_no_deployment_is_refused(
    api: Api, body: dict[str, Any], pointer: str
) -> None:
    answer = await api.call("PUT", PATH, json={**desired(1), **body})

    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert problem["errors"][0]["pointer"] == pointer


async def test_locations_outside_the_bucket_are_refused(api: Api) -> None:
    digest = "sha256:" + secrets.token_hex(32)
    champion = {"version": "1", "digest": digest, "location": "a/../../b"}

    answer = await api.call("PUT", PATH, json=desired(1) | {"champion": champion})

    problem = assert_problem(answer, 422, "VALIDATION_FAILED")
    assert problem["errors"][0]["pointer"] == "/champion/location"


async def test_other_models_are_not_served_here(api: Api) -> None:
    for method, path in (("PUT", ""), ("GET", ""), ("GET", "/disagreements")):
        answer = await api.call(method, f"/models/other/deployment{path}", json=desired(1))
        assert_problem(answer, 404, "MODEL_NOT_FOUND")


async def test_without_a_database_there_is_no_deployment(standalone: Api) -> None:
    answer = await standalone.call("PUT", PATH, json=desired(1))

    assert_problem(answer, 503, "STORAGE_UNAVAILABLE")
    assert (await standalone.predict(text=ATTACK))["predictions"][0]["decision"] == "block"
