"""The running platform of the session, and clients of it."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from e2e.gateway import client
from e2e.keys import create_key
from e2e.programs import find_folder
from e2e.records import Records, records_of
from e2e.running_platform import Platform, platform_in_temporary_folder


@pytest.fixture(scope="session")
def idle_platform() -> Iterator[Platform]:
    """A platform that no test starts: for what needs none, and for starts that must fail."""
    with platform_in_temporary_folder(find_folder(os.environ, Path.cwd())) as idle:
        yield idle


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """The platform that all tests share: each leaves it up, as it found it."""
    with platform_in_temporary_folder(find_folder(os.environ, Path.cwd())) as running:
        running.up()
        yield running


@pytest.fixture(scope="session")
async def key(platform: Platform) -> str:
    """An API key that may do everything, as often as a test likes."""
    return (await create_key(platform, ["admin"])).token


@pytest.fixture
async def api(platform: Platform, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway that shows the key."""
    async with client(platform, key) as opened:
        yield opened


@pytest.fixture
async def anonymous(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway that shows no key."""
    async with client(platform) as opened:
        yield opened


@pytest.fixture
async def records(platform: Platform) -> AsyncIterator[Records]:
    """What PostgreSQL and Redis hold."""
    async with records_of(platform) as opened:
        yield opened
