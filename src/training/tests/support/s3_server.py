"""A real S3 for tests, on a free port: rclone's, as the embedded platform has it."""

import secrets
import shutil
import subprocess
import sysconfig
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

from training.adapters.object_store import (
    BlockingObjectStore,
    ObjectStoreAddress,
    StoreUnavailable,
)
from training.tests.support.ports import free_port
from training.tests.support.postgres_server import die_with_parent

REGION = "us-east-1"
_FRESH_BUCKETS = 300


class S3Server:
    """A bucket is a folder of `folder`. Context manager; may be stopped and started again."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="bartizan-test-s3-"))
        self.access_key = f"key-{secrets.token_hex(8)}"
        self.secret_key = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None
        # A bucket made beside a server that runs is seen by it a second later.
        self._fresh = [f"fresh-{number}" for number in range(_FRESH_BUCKETS)]
        for name in self._fresh:
            (self.folder / name).mkdir()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    def fresh_bucket(self) -> ObjectStoreAddress:
        """An empty bucket, which nobody else is given."""
        return self._address(self._fresh.pop())

    def bucket(self, name: str) -> ObjectStoreAddress:
        """A bucket, made where there is none of this name."""
        address = self._address(name)
        if not (self.folder / name).exists():
            (self.folder / name).mkdir()
            self._await(BlockingObjectStore(address))
        return address

    def _address(self, name: str) -> ObjectStoreAddress:
        return ObjectStoreAddress(name, self.url, REGION, self.access_key, self.secret_key)

    def _await(self, bucket: BlockingObjectStore) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                bucket.list("")
            except StoreUnavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def start(self) -> None:
        """Start, and return when it answers."""
        self._process = subprocess.Popen(
            [
                str(Path(sysconfig.get_path("scripts"), "rclone")),
                *("serve", "s3", str(self.folder), "--addr", f"127.0.0.1:{self.port}"),
                # Buckets are made beside it, and must be seen soon. At 0s each put into a folder
                # that is new takes twice as long as the one before.
                *("--dir-cache-time", "1s"),
                *("--auth-key", f"{self.access_key},{self.secret_key}", "--config", "/dev/null"),
            ],
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder.parent)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("rclone does not serve")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=30)
            self._process = None

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status in (400, 403)
        except OSError:
            return False
        finally:
            connection.close()
