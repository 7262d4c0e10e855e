"""/policies: what a tenant writes is what it is judged by."""

import asyncio
from typing import Any

import pytest

from model_api.tests.support.api import ATTACK, BENIGN, Api, assert_problem

RULES = {"attack": {"flag": 0.4, "block": "balanced"}}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/policies"),
        ("POST", "/policies"),
        ("GET", "/policies/strict"),
        ("PUT", "/policies/strict"),
        ("DELETE", "/policies/strict"),
    ],
)
async def test_an_anonymous_caller_is_refused(api: Api, method: str, path: str) -> None:
    assert_problem(await api.anonymous(method, path), 401, "UNAUTHENTICATED")


async def test_reading_does_not_permit_writing(api: Api) -> None:
    answer = await api.call("POST", "/policies", scope="policies:read", json={})

    assert_problem(answer, 403, "FORBIDDEN")


async def test_a_policy_is_read_back_as_it_was_written(api: Api) -> None:
    body = {
        "name": "strict",
        "mode": "monitor",
        "fail_mode": "open",
        "deadline_ms": 150,
        "audit": "fast",
        "store_text": True,
        "rules": {**RULES, "jailbreak": {"block": 0.5}},
    }

    made = await api.call("POST", "/policies", json=body)

    assert made.status_code == 201
    assert (made.headers["location"], made.headers["etag"]) == ("/policies/strict", '"1"')
    read = await api.call("GET", "/policies/strict")
    assert read.json() == made.json()
    assert {**read.json(), **body} == read.json()
    assert read.json()["version"] == 1
    assert read.headers["etag"] == '"1"'


async def test_a_policy_takes_effect_with_the_answer_to_its_writing(api: Api) -> None:
    await api.create_policy(name="default", rules={"attack": {"flag": "balanced"}})

    answered = await api.predict(text=ATTACK)

    assert answered["predictions"][0]["decision"] == "flag"
    assert answered["policy"]["version"] == 1


async def test_the_built_in_policy_is_there_until_it_is_overridden(api: Api) -> None:
    built_in = await api.call("GET", "/policies/default")
    assert (built_in.json()["version"], built_in.headers["etag"]) == (0, '"0"')

    changed = await _put(api, "default", '"0"', rules=RULES)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"1"')
    assert_problem(await _put(api, "default", '"0"', rules=RULES), 412, "PRECONDITION_FAILED")

    removed = await api.call("DELETE", "/policies/default", headers={"If-Match": '"1"'})
    assert removed.status_code == 204
    assert (await api.predict(text=BENIGN))["policy"]["version"] == 0


async def test_a_change_must_name_the_version_that_it_changes(api: Api) -> None:
    await api.create_policy(name="strict")

    bare = await api.call("PUT", "/policies/strict", json={"rules": RULES})
    assert_problem(bare, 428, "PRECONDITION_REQUIRED")
    bare = await api.call("DELETE", "/policies/strict")
    assert_problem(bare, 428, "PRECONDITION_REQUIRED")

    assert (await _put(api, "strict", '"1"', rules=RULES)).json()["version"] == 2
    assert_problem(await _put(api, "strict", "2", rules=RULES), 400, "MALFORMED_REQUEST")
    for stale in ('"1"', '"7"', 'W/"2"', '"nonsense"'):
        answer = await _put(api, "strict", stale, rules=RULES)
        assert_problem(answer, 412, "PRECONDITION_FAILED")
    assert (await _put(api, "strict", "*", rules=RULES)).json()["version"] == 3


async def test_of_two_changes_at_once_one_is_refused(api: Api) -> None:
    await api.create_policy(name="strict")

    answers = await asyncio.gather(*(_put(api, "strict", '"1"', rules=RULES) for _ in range(2)))

    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_a_deleted_policy_is_gone_and_its_versions_are_not_given_again(api: Api) -> None:
    await api.create_policy(name="strict")
    await api.call("DELETE", "/policies/strict", headers={"If-Match": '"1"'})

    assert_problem(await api.call("GET", "/policies/strict"), 404, "POLICY_NOT_FOUND")
    answer = await api.call("POST", "/predict", json={"text": BENIGN, "policy": "strict"})
    assert_problem(answer, 422, "UNKNOWN_POLICY")
    assert (await api.create_policy(name="strict"))["version"] > 1


async def test_a_name_is_taken_once(api: Api) -> None:
    await api.create_policy(name="strict")

    answer = await api.call("POST", "/policies", json={"name": "strict", "rules": RULES})

    assert_problem(answer, 409, "POLICY_EXISTS")


async def test_a_repetition_under_the_same_key_gets_the_first_answer(api: Api) -> None:
    key = {"Idempotency-Key": "once-1"}
    body = {"name": "strict", "rules": RULES}

    first = await api.call("POST", "/policies", headers=key, json=body)
    second = await api.call("POST", "/policies", headers=key, json=body)
    other = await api.call("POST", "/policies", headers=key, json={**body, "name": "lenient"})

    assert (second.status_code, second.json()) == (201, first.json())
    assert_problem(other, 422, "IDEMPOTENCY_KEY_REUSED")
    again = await api.call("POST", "/policies", tenant=api.stranger, headers=key, json=body)
    assert again.status_code == 201


async def test_tenants_do_not_see_each_other(api: Api) -> None:
    await api.create_policy(name="strict")

    async def globex(method: str, **request: Any) -> Any:
        return await api.call(method, "/policies/strict", tenant=api.stranger, **request)

    match = {"If-Match": '"1"'}
    assert_problem(await globex("GET"), 404, "POLICY_NOT_FOUND")
    assert_problem(await globex("DELETE", headers=match), 404, "POLICY_NOT_FOUND")
    changed = await globex("PUT", headers=match, json={"rules": RULES})
    assert_problem(changed, 404, "POLICY_NOT_FOUND")
    listed = (await api.call("GET", "/policies", tenant=api.stranger)).json()
    assert [item["name"] for item in listed["items"]] == ["default"]


@pytest.mark.parametrize("size", [1, 2, 3, 10])
async def test_pages_hold_every_policy_once_in_order(api: Api, size: int) -> None:
    for name in ("alpha", "zulu", "echo", "bravo"):
        await api.create_policy(name=name)

    names: list[str] = []
    cursor: str | None = None
    while True:
        parameters = {"limit": size} | ({"cursor": cursor} if cursor else {})
        page = (await api.call("GET", "/policies", params=parameters)).json()
        assert 1 <= len(page["items"]) <= size
        names += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert names == ["alpha", "bravo", "default", "echo", "zulu"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": "Strict"}, "/name"),
        ({"name": "strict\n"}, "/name"),
        ({"name": "s" * 65}, "/name"),
        ({"rules": {}}, "/rules"),
        ({"rules": {"attack": {}}}, "/rules/attack"),
        ({"rules": {"attack": {"block": 1.5}}}, "/rules"),
        ({"rules": {"attack": {"block": "absent"}}}, "/rules/attack/block"),
        ({"rules": {"attack": {"flag": 0.9, "block": 0.1}}}, "/rules/attack/flag"),
        ({"rules": {"absent": {"block": 0.5}}}, "/rules/absent"),
        ({"deadline_ms": 0}, "/deadline_ms"),
        ({"mode": "observe"}, "/mode"),
        ({"surprise": 1}, ""),
    ],
)
async def test_a_policy_that_cannot_be_is_pointed_to(
    api: Api, change: dict[str, object], pointer: str
) -> None:
    body = {"name": "strict", "rules": RULES, **change}

    problem = assert_problem(
        await api.call("POST", "/policies", json=body), 422, "VALIDATION_FAILED"
    )

    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert "observe" not in str(problem)


@pytest.mark.parametrize("parameters", [{"limit": 0}, {"limit": 201}, {"cursor": "?"}])
async def test_a_page_that_cannot_be_is_refused(api: Api, parameters: dict[str, Any]) -> None:
    answer = await api.call("GET", "/policies", params=parameters)

    assert_problem(answer, 400, "MALFORMED_REQUEST")


async def test_without_a_database_the_built_in_policy_can_be_read_alone(standalone: Api) -> None:
    listed = (await standalone.anonymous("GET", "/policies")).json()
    assert [(item["name"], item["version"]) for item in listed["items"]] == [("default", 0)]

    answer = await standalone.anonymous("POST", "/policies", json={"name": "a", "rules": RULES})
    assert_problem(answer, 503, "STORAGE_UNAVAILABLE")


async def _put(api: Api, name: str, version: str, **body: object) -> Any:
    return await api.call("PUT", f"/policies/{name}", headers={"If-Match": version}, json=body)
