"""The running platform of the session, and clients of it."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from e2e.champions import Trained, train_versions
from e2e.copies import export_bundle, kept_bundles, register_copy
from e2e.gateway import client
from e2e.journey import SHIPPED, Registry
from e2e.keys import create_key
from e2e.programs import NAMES, find_folder
from e2e.records import Records, records_of
from e2e.running_platform import Platform, home_of_a_user, platform_in_temporary_folder


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs, copied: in a sandbox of Pants they are links to its store, which touches them.

    The terminal tool would take a touched program for a new build.
    """
    folder = tmp_path_factory.mktemp("dist")
    found = find_folder(os.environ, Path.cwd())
    for name in NAMES:
        shutil.copyfile(found / f"{name}.pex", folder / f"{name}.pex")
    return folder


@pytest.fixture(scope="session")
def user_home() -> Iterator[Path]:
    """One home for all: each program unpacks itself there at its first start and never again."""
    with home_of_a_user() as home:
        yield home


@pytest.fixture(scope="session")
def idle_platform(dist: Path, user_home: Path) -> Iterator[Platform]:
    """A platform that no test starts: for what needs none, and for starts that must fail."""
    with platform_in_temporary_folder(dist, user_home) as idle:
        yield idle


@pytest.fixture(scope="session")
def platform(dist: Path, user_home: Path) -> Iterator[Platform]:
    """The platform that all tests share: each leaves it up, as it found it."""
    with platform_in_temporary_folder(dist, user_home) as running:
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


@pytest.fixture(scope="session")
async def trained(
    platform: Platform, key: str, tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    """A good version of the detector and a bad one, registered and not rolled out."""
    async with client(platform, key) as opened:
        return await train_versions(platform, opened, tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def copies(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, int]:
    """Two more versions, which judge as the shipped one does."""
    bundle = export_bundle(platform, tmp_path_factory.mktemp("bundle") / "copy")
    first, second = (register_copy(platform, bundle, f"9.0.{patch}") for patch in (1, 2))
    return first, second


@pytest.fixture
async def champions(api: httpx.AsyncClient, trained: Trained) -> tuple[int, int]:
    """The champion, and the version to make champion: the two change places from test to test."""
    return await Registry(api).changing_places(SHIPPED, trained.good_version)


@pytest.fixture
async def unloaded(
    platform: Platform, api: httpx.AsyncClient, trained: Trained, copies: tuple[int, int]
) -> int:
    """A good version that the guard neither has loaded nor keeps on its disk."""
    return await Registry(api).unloaded((trained.good_version, *copies), kept_bundles(platform))


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
