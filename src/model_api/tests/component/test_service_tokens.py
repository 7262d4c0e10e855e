"""Services speak for themselves: under their own keys, and for what they may do alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from model_api.tests.support import api as application
from model_api.tests.support import issuer as identity
from model_api.tests.support.api import BENIGN, Api, assert_problem
from model_api.tests.support.database import TestDatabase
from model_api.tests.support.deploying import PATH
from model_api.tests.support.issuer import Issuer
from model_api.tests.support.waiting import eventually


@pytest.fixture(scope="module")
async def training() -> AsyncIterator[Issuer]:
    async with identity.serving(Issuer("training")) as issuer:
        yield issuer


@pytest.fixture
async def guard(
    tmp_path: Path, issuer: Issuer, training: Issuer, shared_database: TestDatabase
) -> AsyncIterator[Api]:
    variables = application.environment(tmp_path / "state", issuer, shared_database)
    variables["MODEL_API_SERVICE_ISSUERS"] = f"training={training.url}"
    async with application.serving(variables, issuer) as api:
        yield api


async def call(api: Api, token: str, method: str, path: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    body = {"text": BENIGN} if path == "/predict" else None
    answer = await api.anonymous(method, path, headers=headers, json=body)
    return answer.status_code


async def test_a_service_may_do_what_it_is_there_for(guard: Api, training: Issuer) -> None:
    claimed = "deployments:write deployments:read models:read predictions:read"
    token = training.token(scope=claimed, sub="service:training")

    counts = f"{PATH}/metrics?since=2026-01-01T00:00:00Z"
    for path in (PATH, counts, "/models", "/predictions"):
        assert await call(guard, token, "GET", path) == 200
    # Past the gate, where the missing body is the only thing wrong.
    assert await call(guard, token, "PUT", PATH) == 415


@pytest.mark.parametrize("claimed", ["admin", "predict policies:write admin models:reload"])
async def test_a_service_gets_no_more_than_it_may_have_whatever_it_claims(
    guard: Api, training: Issuer, claimed: str
) -> None:
    token = training.token(scope=claimed)

    for method, path in (
        ("POST", "/predict"),
        ("POST", "/models/reload"),
        ("GET", "/models"),
        ("PUT", PATH),
        ("GET", "/policies"),
    ):
        assert await call(guard, token, method, path) == 403


async def test_nobody_speaks_for_another(guard: Api, issuer: Issuer, training: Issuer) -> None:
    for token in (
        training.token(iss="bartizan"),
        issuer.token(iss="training", scope="models:read"),
        training.token(iss="analytics"),
        Issuer("training").token(scope="models:read"),
    ):
        assert await call(guard, token, "GET", "/models") == 401
    assert await call(guard, issuer.token(), "GET", "/models") == 200


async def test_the_gateway_alone_must_be_there(
    tmp_path: Path, issuer: Issuer, unused_url: str
) -> None:
    variables = application.environment(tmp_path / "state", issuer)
    variables["MODEL_API_SERVICE_ISSUERS"] = f"training={unused_url}"
    async with application.serving(variables, issuer) as api:
        assert (await api.predict(text=BENIGN))["model"]["role"] == "champion"
        stranger = Issuer("training")
        headers = {"Authorization": f"Bearer {stranger.token(scope='models:read')}"}
        answer = await api.anonymous("GET", "/models", headers=headers)
        assert_problem(answer, 503, "KEYS_UNAVAILABLE")


async def test_a_service_that_starts_later_is_trusted_then(tmp_path: Path, issuer: Issuer) -> None:
    async with identity.serving(Issuer("training")) as late:
        late.is_well = False
        variables = application.environment(tmp_path / "state", issuer)
        variables["MODEL_API_SERVICE_ISSUERS"] = f"training={late.url}"
        async with application.serving(variables, issuer) as api:
            token = late.token(scope="models:read")
            assert await call(api, token, "GET", "/models") == 503
            late.is_well = True

            async def is_trusted() -> bool:
                return await call(api, token, "GET", "/models") == 200

            await eventually(is_trusted)
