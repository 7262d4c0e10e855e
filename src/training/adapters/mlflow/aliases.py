"""Moves aliases in MLflow's registry: one small call, without loading MLflow's client."""

from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp

from training.adapters.mlflow.address import MlflowAddress
from training.domain.tracking.facts import (
    CHAMPION,
    TrackingAway,
    TrackingRefused,
    registered_name,
)

_ENDPOINT = "/api/2.0/mlflow/registered-models/alias"
_LONGEST_REASON = 300

_NO_SUCH_ALIAS = b"alias champion not found"
"""MLflow says so with the status of a malformed request."""


class MlflowAliases:
    """The alias `champion` of each model. Every call is idempotent; the caller repeats it.

    An async context manager. Every call raises TrackingAway where MLflow does not answer within
    `timeout_s` or says that it cannot now, TrackingRefused where it will not.
    """

    def __init__(
        self, address: MlflowAddress, platform_tenant: str, *, timeout_s: float = 5.0
    ) -> None:
        self._address = address
        self._platform_tenant = platform_tenant
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {}
        if self._address.username is not None and self._address.password is not None:
            headers["Authorization"] = aiohttp.encode_basic_auth(
                self._address.username, self._address.password, "utf-8"
            )
        self._session = aiohttp.ClientSession(headers=headers, timeout=self._timeout)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def point(self, tenant: str, model: str, version: int) -> None:
        """Let the alias name a version."""
        body = {"name": self._name(tenant, model), "alias": CHAMPION, "version": str(version)}
        await self._call("POST", json=body)

    async def remove(self, tenant: str, model: str) -> None:
        """Let the alias name nothing."""
        body = {"name": self._name(tenant, model), "alias": CHAMPION}
        await self._call("DELETE", json=body, may_be_missing=True)

    async def pointed(self, tenant: str, model: str) -> int | None:
        """The version that the alias names."""
        query = {"name": self._name(tenant, model), "alias": CHAMPION}
        answer = await self._call("GET", params=query, may_be_missing=True)
        return int(answer["model_version"]["version"]) if answer else None

    def _name(self, tenant: str, model: str) -> str:
        return registered_name(tenant, model, self._platform_tenant)

    async def _call(
        self, method: str, *, may_be_missing: bool = False, **arguments: Any
    ) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("aliases are used outside of their context")
        url = self._address.url.rstrip("/") + _ENDPOINT
        try:
            async with self._session.request(method, url, **arguments) as response:
                status = response.status
                content = await response.read()
                if status == HTTPStatus.OK:
                    return dict(await response.json(content_type=None) or {})
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise TrackingAway(
                f"MLflow at {self._address.url} does not answer: {type(error).__name__}"
            ) from error
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise TrackingAway(f"MLflow at {self._address.url} answers with status {status}")
        if may_be_missing and (status == HTTPStatus.NOT_FOUND or _NO_SUCH_ALIAS in content):
            return {}
        reason = content.decode(errors="replace")[:_LONGEST_REASON]
        raise TrackingRefused(f"MLflow refused with status {status}: {reason}")
