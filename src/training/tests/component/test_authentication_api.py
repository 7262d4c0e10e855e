"""Who may call: the gateway's tokens, and nothing else."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from training.adapters.jwks import MIN_INTERVAL_S, Jwks
from training.domain.identity import KeysUnavailable
from training.tests.support import issuer as identity
from training.tests.support.api import Api, assert_problem, environment, serving
from training.tests.support.database import TestDatabase
from training.tests.support.issuer import Issuer


async def _call(api: Api, token: str, scheme: str = "Bearer") -> Any:
    headers = {"Authorization": f"{scheme} {token}"}
    return await api.anonymous("GET", "/models", headers=headers)


async def test_a_good_token_is_taken_again_and_again(api: Api, issuer: Issuer) -> None:
    token = issuer.token(scope="data:read models:read")

    for scheme in ("Bearer", "bearer", "BEARER"):
        assert (await _call(api, token, scheme)).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "someone"},
        {"aud": "model_api"},
        {"aud": None},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"exp": "soon"},
        {"iat": int(time.time()) + 600},
        {"sub": None},
        {"sub": "a b"},
        {"tenant": None},
        {"tenant": ""},
        {"tenant": "a\x00b"},
        {"tenant": 7},
        {"scope": None},
        {"scope": ["jobs:read"]},
        {"jti": None},
    ],
)
async def test_a_token_with_wrong_claims_is_refused(
    api: Api, issuer: Issuer, claims: dict[str, Any]
) -> None:
    answer = await _call(api, issuer.token(**claims))

    assert_problem(answer, 401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_forged_token_is_refused(api: Api, issuer: Issuer) -> None:
    good = issuer.token()
    head, payload, signature = good.split(".")
    stranger = Issuer()
    claims = jwt.decode(good, options={"verify_signature": False})
    public = issuer.key.public_key().public_bytes_raw().hex()
    forged = [
        f"{head}.{payload}.{signature[:-4]}AAAA",
        stranger.token(),
        jwt.encode(claims, "", algorithm="none", headers={"kid": issuer.key_id}),
        jwt.encode(claims, public, algorithm="HS256", headers={"kid": issuer.key_id}),
        jwt.encode(claims, issuer.key, algorithm="EdDSA", headers={"kid": "absent"}),
        jwt.encode(claims, issuer.key, algorithm="EdDSA"),
        "nonsense",
        "a.b.c",
        "x" * 10_000,
    ]

    for token in forged:
        assert_problem(await _call(api, token), 401, "UNAUTHENTICATED")


async def test_a_remembered_token_expires(shared_api: Api, issuer: Issuer) -> None:
    token = issuer.token(exp=int(time.time()) - 1)
    # Within the leeway it is taken, and remembered no longer than that.
    assert (await _call(shared_api, token)).status_code == 200

    deadline = time.monotonic() + 60
    while (answer := await _call(shared_api, token)).status_code == 200:
        assert time.monotonic() < deadline

    assert_problem(answer, 401, "UNAUTHENTICATED")


async def test_a_new_key_is_fetched_and_the_issuer_is_not_asked_too_often() -> None:
    now = 0.0
    async with identity.serving(Issuer()) as issuer, Jwks(issuer.url, lambda: now) as keys:
        old = issuer.key_id
        issuer.rotate()
        assert await keys.key(issuer.key_id) is None

        now += MIN_INTERVAL_S
        assert await keys.key(issuer.key_id) is not None
        assert await keys.key(old) is not None

        asked = issuer.requests
        for _ in range(50):
            assert await keys.key("absent") is None
        assert issuer.requests == asked


async def test_the_last_good_keys_serve_while_the_issuer_is_away() -> None:
    now = 0.0
    async with identity.serving(Issuer()) as issuer, Jwks(issuer.url, lambda: now) as keys:
        issuer.is_well = False
        now += MIN_INTERVAL_S

        assert await keys.key("absent") is None

        assert issuer.requests == 2
        assert await keys.key(issuer.key_id) is not None


async def test_without_any_keys_nobody_is_let_in(
    test_database: TestDatabase, tmp_path: Path, unused_url: str
) -> None:
    variables = {
        **environment(tmp_path, database=test_database),
        "TRAINING_JWKS_URL": unused_url,
    }
    async with serving(variables, Issuer()) as api:
        answer = await api.call("GET", "/models")

        assert_problem(answer, 503, "KEYS_UNAVAILABLE")
        health = (await api.anonymous("GET", "/health")).json()
        assert health["dependencies"]["keys"] == "unavailable"

    async with Jwks(unused_url) as keys:
        with pytest.raises(KeysUnavailable):
            await keys.key("key-1")
