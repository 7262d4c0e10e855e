"""Versions are loaded while they are wanted, and no longer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from model_api.adapters.bundles.files import load_bundle
from model_api.adapters.bundles.library import BundleLibrary
from model_api.adapters.bundles.signature import BundleTrust
from model_api.adapters.object_store import ObjectStore, ObjectStoreAddress
from model_api.domain.deployments.deployment import Version
from model_api.domain.deployments.replica import VersionReport, VersionState
from model_api.settings import SHIPPED_BUNDLE
from model_api.tests.support.deployed_bundles import bundle_files, digest_of
from model_api.work.served_models import ServedModels
from model_api.work.version_loader import VersionLoader

FILES = bundle_files()
KEPT = Version("8", digest_of(FILES), "default/detector/8")
ABSENT = Version("9", "sha256:" + "9" * 64, "default/detector/9")


class Hanging:
    """A store that takes every request, and answers none until it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self.answering = asyncio.Event()
        self.keys: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        self.keys.append(request.split()[1].decode())
        self.asked.set()
        leaving = asyncio.ensure_future(reader.read())
        answering = asyncio.ensure_future(self.answering.wait())
        await asyncio.wait((leaving, answering), return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            self.left.set()
        else:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        leaving.cancel()
        answering.cancel()
        writer.close()


@pytest.fixture
async def models() -> ServedModels:
    models = ServedModels(partial(load_bundle, SHIPPED_BUNDLE))
    await models.reload()
    return models


@pytest.fixture
async def hanging() -> Hanging:
    return Hanging()


@pytest.fixture
async def loader(
    hanging: Hanging, models: ServedModels, tmp_path: Path
) -> AsyncIterator[VersionLoader]:
    server = await asyncio.start_server(hanging.serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        address = ObjectStoreAddress(f"http://127.0.0.1:{port}", "us-east-1", "bucket", "abc", "d")
        trust = BundleTrust(None, allow_unsigned=True)
        library = BundleLibrary(tmp_path / "models", ObjectStore(address), trust)
        loader = VersionLoader(library, models)
        told: list[VersionReport] = []

        async def tell(report: VersionReport) -> None:
            told.append(report)

        task = asyncio.create_task(loader.keep_loading(tell))
        yield loader
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_version_that_is_wanted_no_more_is_given_up_in_the_middle(
    loader: VersionLoader, hanging: Hanging, models: ServedModels
) -> None:
    packaged = Version("1", models.packaged.digest, "default/detector/1")
    loader.want([ABSENT])
    await hanging.asked.wait()
    assert loader.report(ABSENT).state is VersionState.LOADING

    loader.want([packaged])

    async with asyncio.timeout(60):
        await loader.settled()
        await hanging.left.wait()
    assert loader.loaded == {packaged.digest: models.packaged.detector}
    assert loader.report(packaged).state is VersionState.READY


async def test_what_is_on_this_machine_does_not_wait_for_a_store_that_hangs(
    loader: VersionLoader, hanging: Hanging, tmp_path: Path
) -> None:
    place = tmp_path / "models" / KEPT.digest[7:]
    place.mkdir(parents=True)
    for name, content in FILES.items():
        (place / name).write_bytes(content)

    loader.want([ABSENT, KEPT])

    async with asyncio.timeout(60):
        await hanging.asked.wait()
    assert loader.report(KEPT).state is VersionState.READY


async def test_what_is_not_there_is_refused_and_what_is_asked_anew_is_tried_anew(
    loader: VersionLoader, hanging: Hanging
) -> None:
    hanging.answering.set()
    async with asyncio.timeout(60):
        loader.want([ABSENT])
        await loader.settled()
        report = loader.report(ABSENT)
        assert (report.state, report.version) == (VersionState.REFUSED, "9")
        assert "manifest.json" in (report.reason or "")

        hanging.asked.clear()
        loader.want([ABSENT])
        # What was found before says nothing of what will be found.
        assert loader.report(ABSENT).state is VersionState.LOADING
        assert not loader.was_tried(ABSENT)
        await hanging.asked.wait()
        await loader.settled()
        assert loader.report(ABSENT).state is VersionState.REFUSED


async def test_what_was_asked_for_before_has_no_word_on_what_is_asked_for_now(
    loader: VersionLoader, hanging: Hanging
) -> None:
    async with asyncio.timeout(60):
        loader.want([ABSENT])
        await hanging.asked.wait()
        loader.want([ABSENT])
        hanging.answering.set()
        await loader.settled()

    # The answer to the first was about a bundle of before: it was asked for again.
    assert len(hanging.keys) == 2
    assert loader.report(ABSENT).state is VersionState.REFUSED


async def test_a_bundle_is_fetched_from_where_it_lies_now(
    loader: VersionLoader, hanging: Hanging
) -> None:
    async with asyncio.timeout(60):
        loader.want([ABSENT])
        await hanging.asked.wait()
        hanging.asked.clear()

        loader.want([replace(ABSENT, location="default/moved")])

        await hanging.left.wait()
        await hanging.asked.wait()
    assert [key.rpartition("/")[0] for key in hanging.keys] == [
        "/bucket/default/detector/9",
        "/bucket/default/moved",
    ]
