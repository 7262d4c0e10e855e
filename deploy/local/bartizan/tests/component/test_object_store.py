"""The embedded S3: open to its keys alone, which no command line shows."""

import http.client
from collections.abc import Callable

import psutil
import pytest

from bartizan.infrastructure.s3 import BUCKETS, REGION
from bartizan.infrastructure.s3_request import list_buckets
from bartizan.ports import LOOPBACK
from bartizan.tests.platforms import PATIENCE_S, Platform, until


def status(platform: Platform, access_key: str, secret_key: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(LOOPBACK, platform.ports.s3, timeout=PATIENCE_S)
    request = list_buckets(f"{LOOPBACK}:{platform.ports.s3}", REGION, access_key, secret_key)
    _, *lines = request.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if line)
    connection.request("GET", "/", headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def key_of(platform: Platform, client: str) -> tuple[str, str]:
    files = (
        platform.home.secrets / f"s3-{client}-{part}-key.password" for part in ("access", "secret")
    )
    access_key, secret_key = (file.read_text() for file in files)
    return access_key, secret_key


@pytest.mark.parametrize("client", ["training", "model_api", "mlflow"])
def test_each_client_comes_in_with_its_own_key_only(platform: Platform, client: str) -> None:
    platform.up()
    access_key, secret_key = key_of(platform, client)
    accepted, buckets = status(platform, access_key, secret_key)
    assert accepted == 200
    assert all(f"<Name>{bucket}</Name>".encode() in buckets for bucket in BUCKETS)
    assert status(platform, access_key, "guess")[0] == 403
    assert status(platform, "nobody", secret_key)[0] == 403


def test_no_command_line_shows_a_secret(platform: Platform) -> None:
    platform.up()
    secrets = [file.read_text() for file in platform.home.secrets.glob("*.password")]
    assert len(secrets) >= 19
    for unit in platform.status()["units"]:
        if unit["pid"]:
            shown = " ".join(psutil.Process(unit["pid"]).cmdline())
            assert not [secret for secret in secrets if secret in shown], unit["name"]


def test_what_a_kill_cut_off_is_swept_out_and_what_was_stored_stays(
    platform: Platform, kill: Callable[[int], None]
) -> None:
    platform.up()
    bucket = platform.home.s3 / BUCKETS[0]
    (bucket / "kept").write_bytes(b"whole")
    torn = bucket / ".rclone_temp_put_1"
    torn.write_bytes(b"tor")
    kill(platform.unit("s3")["pid"])
    until(lambda: platform.unit("s3")["restarts"] == 1)
    until(lambda: platform.status()["healthy"])
    assert (bucket / "kept").read_bytes() == b"whole"
    assert not torn.exists()
    assert [file.name for file in bucket.iterdir()] == ["kept"]
