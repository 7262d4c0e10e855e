"""Brings the service into the states that its consumers' contracts begin from."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from model_api.adapters.postgres import Database
from model_api.adapters.prediction_frame import encode
from model_api.adapters.prediction_writer import PredictionWriter
from model_api.tests.support.database import TestDatabase
from model_api.tests.support.predictions import a_prediction


class ProviderStates:
    """By the name of each state, what brings it about.

    Called from the verifier's own thread. What the service does itself is asked of it, so that
    what it remembers is right; what nobody can ask of it is done in its database.
    """

    def __init__(self, url: str, token: str, database: TestDatabase) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._database = database

    @property
    def handlers(self) -> dict[str, Callable[..., None]]:
        """What the verifier calls."""
        return {
            "": _nothing,
            "the default policy": _nothing,
            "a model is loaded": self.model_is_loaded,
            "a policy exists": self.policy_exists,
            "no policy exists": self.no_policy_exists,
            "a prediction exists": self.prediction_exists,
        }

    def model_is_loaded(self, parameters: dict[str, Any]) -> None:
        """The shipped one, whatever a contract calls it."""
        answer = self._call("GET", f"/models/{parameters['name']}")
        assert answer.status_code == 200, answer.text

    def policy_exists(self, parameters: dict[str, Any]) -> None:
        """A policy at its first version."""
        self.no_policy_exists(parameters)
        body = {"name": parameters["name"], "rules": {"attack": {"block": "balanced"}}}
        answer = self._call("POST", "/policies", json=body)
        assert (answer.status_code, answer.json()["version"]) == (201, parameters["version"])

    def no_policy_exists(self, parameters: dict[str, Any]) -> None:
        """No policy of this name, nor the memory of one: its versions begin again."""
        name = parameters["name"]
        self._call("DELETE", f"/policies/{name}", headers={"If-Match": "*"})
        asyncio.run(self._forget(parameters["tenant"], name))

    def prediction_exists(self, parameters: dict[str, Any]) -> None:
        """A recorded prediction under a known id, with one piece of feedback."""
        asyncio.run(self._record(parameters["tenant"], UUID(parameters["id"])))
        body = {"prediction_id": parameters["id"], "label": "benign", "note": "a quotation"}
        answer = self._call("POST", "/feedback", json=body)
        assert answer.status_code == 201, answer.text

    async def _forget(self, tenant: str, name: str) -> None:
        connection = await asyncpg.connect(
            self._database.owner_url, password=self._database.owner_password
        )
        try:
            await connection.execute(
                "DELETE FROM policy_history WHERE tenant = $1 AND name = $2", tenant, name
            )
        finally:
            await connection.close()

    async def _record(self, tenant: str, prediction_id: UUID) -> None:
        async with Database(self._database.url, self._database.password) as database:
            writer = PredictionWriter(database)
            await writer.insert([encode(a_prediction(tenant, id=prediction_id))], timeout_s=20)
            writer.drop()

    def _call(
        self, method: str, path: str, headers: dict[str, str] | None = None, **request: Any
    ) -> httpx.Response:
        sent = {**self._headers, **(headers or {})}
        return httpx.request(method, self._url + path, headers=sent, timeout=20, **request)


def _nothing(parameters: dict[str, Any]) -> None:
    """It is so already."""
