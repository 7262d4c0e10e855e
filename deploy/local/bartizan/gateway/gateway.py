"""The running platform's gateway, for commands that do one thing after another."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

from bartizan.errors import BartizanError
from bartizan.gateway.answers import LATER, delay, reason
from bartizan.ports import LOOPBACK
from bartizan.settings import Settings
from bartizan.supervision import control

_ATTEMPTS = 9
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class Refused(BartizanError):
    """The request was understood and not done; `code` is the problem's, for programs."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class _Code(msgspec.Struct):
    code: str = ""


class Gateway:
    """Asks with the first API key. Requests that change something bear an idempotency key or are
    idempotent by themselves, so that each may be sent again until it is answered."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get[Answer](self, path: str, kind: type[Answer], **query: str | int) -> Answer:
        """What is found at `path`."""
        return self.send("GET", path, kind, query=query)

    def send[Answer](
        self,
        method: str,
        path: str,
        kind: type[Answer],
        *,
        body: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Answer:
        """The answer, decoded. Raises `Refused`, or `BartizanError` when none comes."""
        sent = dict(headers or {})
        if body is not None:
            content = msgspec.json.encode(body)
            sent.setdefault("Content-Type", "application/json")
        said = ""
        for attempt in range(_ATTEMPTS):
            wait: str | None = None
            try:
                answer = self.client.request(
                    method, path, content=content, headers=sent, params=dict(query or {})
                )
            except httpx.TransportError as error:
                said = f"the gateway does not answer ({type(error).__name__})"
            else:
                if answer.is_success:
                    return decoded(answer.content, kind)
                said, wait = reason(answer), answer.headers.get("Retry-After")
                if answer.status_code not in LATER:
                    raise Refused(said, answer.status_code, _code(answer))
            if attempt + 1 < _ATTEMPTS:
                time.sleep(delay(attempt, wait))
        raise BartizanError(said)


def decoded[Answer](content: bytes, kind: type[Answer]) -> Answer:
    """An answer's body. Raises `BartizanError` where it is not what this release knows."""
    if kind is bytes:
        return content  # type: ignore[return-value]  # the kind asked for is the body itself
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise BartizanError(
            f"the platform answered what this release does not know: {error}"
        ) from error


def _code(answer: httpx.Response) -> str:
    try:
        return msgspec.json.decode(answer.content, type=_Code).code
    except msgspec.DecodeError:
        return ""


@contextmanager
def open_gateway(settings: Settings) -> Iterator[Gateway]:
    """The gateway of the platform that runs here. Raises `NotUpError` where none does."""
    # At once, where trying to connect would take a minute of patience.
    control.ask(settings.home, control.Request("status"))
    url = f"http://{LOOPBACK}:{settings.ports.dashboard_backend}"
    key = settings.home.read_admin_key()
    headers: dict[str, Any] = {"Authorization": f"Bearer {key}"}
    # Proxies of the environment are for other machines than this one.
    with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT, trust_env=False) as client:
        yield Gateway(client)
