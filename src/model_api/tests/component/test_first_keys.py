"""A guard that starts before the gateway: it has no keys yet, and says so until it has."""

from pathlib import Path

import pytest

from model_api.adapters.jwks import FIRST_INTERVAL_S, Jwks
from model_api.domain.identity import KeysUnavailable
from model_api.tests.support import issuer as identity
from model_api.tests.support.issuer import Issuer
from model_api.tests.support.served import bare_environment, client, serving
from model_api.tests.support.waiting import eventually


async def test_the_first_keys_are_asked_for_again_soon_but_not_by_every_call() -> None:
    now = 0.0
    async with identity.serving(Issuer()) as issuer:
        issuer.is_well = False
        async with Jwks(issuer.url, lambda: now) as keys:
            for _ in range(50):
                with pytest.raises(KeysUnavailable):
                    await keys.key(issuer.key_id)
            assert issuer.requests == 1

            issuer.is_well = True
            now += FIRST_INTERVAL_S

            assert await keys.key(issuer.key_id) is not None


async def test_it_is_not_ready_before_it_has_keys_and_stays_ready_without_the_gateway(
    tmp_path: Path,
) -> None:
    async with identity.serving(Issuer()) as issuer:
        issuer.is_well = False
        environment = bare_environment(str(tmp_path), MODEL_API_JWKS_URL=issuer.url)
        async with serving(environment) as served:
            _, ops_url = await served.urls()
            async with client(ops_url) as ops:

                async def is_ready() -> bool:
                    return (await ops.get("/health/ready")).status_code == 200

                assert not await is_ready()
                assert (await ops.get("/health/live")).status_code == 200

                issuer.is_well = True

                await eventually(is_ready)
                issuer.is_well = False
                assert await is_ready()
