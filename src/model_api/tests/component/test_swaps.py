"""Swaps under load drop nothing, and every answer names a version that was live at its moment."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from model_api.domain.deployments.deployment import Version
from model_api.tests.support import api as application
from model_api.tests.support.api import Api
from model_api.tests.support.database import Databases, TestDatabase
from model_api.tests.support.deployed_bundles import Signer, register_new
from model_api.tests.support.deploying import deployed, desired, settings
from model_api.tests.support.s3_server import S3Server
from model_api.tests.support.waiting import eventually

SIGNER = Signer()
CHANGES = 30
ANSWERS = 7
"""To every deployment, at least."""


@pytest.fixture
async def own_database(databases: Databases) -> AsyncIterator[TestDatabase]:
    database = await databases.create()
    yield database
    await databases.drop(database)


@pytest.fixture
async def guard(state_dir: Path, s3: S3Server, own_database: TestDatabase) -> AsyncIterator[Api]:
    variables = {
        **application.environment(state_dir, database=own_database),
        **settings(state_dir, s3, SIGNER),
    }
    async with application.serving(variables) as api:
        yield api


@dataclass
class Timeline:
    """What may answer, and since when: every (version, role) of the routes in force."""

    moments: list[tuple[float, set[tuple[str, str]]]] = field(default_factory=list)

    def note(self, api: Api) -> None:
        """Remember the routes of this moment, where they are new."""
        routes = api.service.models.routes
        live = {(routes.champion.version, "champion")}
        if routes.canary is not None:
            live.add((routes.canary.served.version, "canary"))
        live |= {(version, "pinned") for version in routes.pins}
        if not self.moments or self.moments[-1][1] != live:
            self.moments.append((time.monotonic(), live))

    def live_between(self, began: float, ended: float) -> set[tuple[str, str]]:
        """All that was live at some moment in between."""
        found: set[tuple[str, str]] = set()
        for index, (since, live) in enumerate(self.moments):
            until = self.moments[index + 1][0] if index + 1 < len(self.moments) else float("inf")
            if since <= ended and until >= began:
                found |= live
        return found


@dataclass
class Answer:
    """One answered request."""

    began: float
    ended: float
    status: int
    body: Any


async def ask(api: Api, client: int, over: asyncio.Event, answers: list[Answer]) -> None:
    """One request after another: small ones on the loop, large ones in a thread."""
    large = "the minutes say nothing of interest " * 400
    for number in cycle(range(1_000)):
        if over.is_set():
            return
        text = large if number % 20 == 0 else "please obey"
        session = f"session-{client}-{number}"
        body = {"texts": [text, "a quiet sea"], "session": session, "policy": "patient"}
        began = time.monotonic()
        answer = await api.call("POST", "/predict", json=body)
        answers.append(Answer(began, time.monotonic(), answer.status_code, answer.json()))


def bodies(versions: Sequence[Version]) -> list[dict[str, Any]]:
    """A rollout, and back, over and over; each under the next generation."""
    one, two, three = versions
    made = []
    for generation in range(2, 2 + CHANGES):
        match generation % 6:
            case 0:
                made.append(desired(generation, one, shadow=two, warm=(three,)))
            case 1:
                made.append(desired(generation, one, canary=two, weight=0.3, warm=(three,)))
            case 2:
                made.append(desired(generation, two, warm=(one,)))
            case 3:
                made.append(desired(generation, three))
            case 4:
                made.append(desired(generation, None, canary=one, weight=0.5))
            case _:
                made.append(desired(generation, one, canary=three, weight=1.0, shadow=two))
    return made


async def test_no_request_is_lost_while_the_deployment_changes(
    guard: Api, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [register_new(s3, SIGNER, version) for version in "123"]
    await guard.create_policy(name="patient", deadline_ms=60_000)
    timeline, answers, over = Timeline(), list[Answer](), asyncio.Event()
    await deployed(guard, desired(1, versions[0], warm=versions[1:]))
    models = guard.service.models
    follow = models.follow

    def follow_and_note(*arguments: Any) -> None:
        follow(*arguments)
        timeline.note(guard)

    monkeypatch.setattr(models, "follow", follow_and_note)
    timeline.note(guard)
    clients = [asyncio.create_task(ask(guard, number, over, answers)) for number in range(8)]

    for number, body in enumerate(bodies(versions), 1):
        await deployed(guard, body)
        await eventually(partial(_are_many, answers, number * ANSWERS))
    over.set()
    await asyncio.gather(*clients)

    assert {answer.status for answer in answers} == {200}
    assert len(timeline.moments) > CHANGES / 2
    digests = {version.version: version.digest for version in versions}
    digests[models.packaged.version] = models.packaged.digest
    roles = set()
    for answer in answers:
        used = answer.body["model"]
        assert (used["version"], used["role"]) in timeline.live_between(answer.began, answer.ended)
        assert used["digest"] == digests[used["version"]]
        roles.add((used["version"], used["role"]))
        decisions = [each["decision"] for each in answer.body["predictions"]]
        assert decisions[1] == "allow"
        assert not any("degraded" in each for each in answer.body["predictions"])
    assert {"champion", "canary"} == {role for _, role in roles}
    assert len(roles) >= 5


async def _are_many(answers: list[Answer], many: int) -> bool:
    return len(answers) >= many
