"""Brings the service into the states that its consumers' contracts begin from."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
from uuid_utils.compat import uuid7

from model_api.adapters.deployments.counters import DeploymentCounters
from model_api.adapters.deployments.store import DeploymentStore
from model_api.adapters.postgres import Database
from model_api.adapters.predictions.frame import encode
from model_api.adapters.predictions.writer import PredictionWriter
from model_api.domain.deployments.replica import VersionReport
from model_api.domain.deployments.routing import Role
from model_api.domain.deployments.tally import Second, Tally
from model_api.domain.judging.decision import Decision
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
            "one prediction has feedback, and no other": self.one_has_feedback,
            "no deployment exists": self.no_deployment_exists,
            "a deployment exists": self.deployment_exists,
            "a replica follows the deployment": self.replica_follows,
            "versions were counted": self.versions_were_counted,
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

    def one_has_feedback(self, parameters: dict[str, Any]) -> None:
        """Feedback on one prediction, whose text is stored if there is one, and no other."""
        tenant, text = parameters["tenant"], parameters["text"]
        asyncio.run(self._as_owner("DELETE FROM feedback WHERE tenant = $1", tenant))
        policy = {"name": "kept", "tenant": tenant}
        self.no_policy_exists(policy)
        rules = {"rules": {"attack": {"block": "balanced"}}, "store_text": text is not None}
        assert self._call("POST", "/policies", json={"name": "kept", **rules}).status_code == 201
        judged = self._call("POST", "/predict", json={"text": text or "x", "policy": "kept"})
        body = {
            "prediction_id": judged.json()["predictions"][0]["id"],
            "label": parameters["label"],
        }
        answer = self._call("POST", "/feedback", json=body)
        assert answer.status_code == 201, answer.text
        self.no_policy_exists(policy)

    def no_deployment_exists(self, parameters: dict[str, Any]) -> None:
        """Nothing was ever deployed, as far as the database knows."""
        statement = "DELETE FROM deployments WHERE model = $1"
        asyncio.run(self._as_owner(statement, parameters["model"]))

    def deployment_exists(self, parameters: dict[str, Any]) -> None:
        """This deployment and no other."""
        self.no_deployment_exists(parameters)
        path = f"/models/{parameters['model']}/deployment"
        answer = self._call("PUT", path, json=parameters["deployment"])
        assert answer.status_code == 200, answer.text

    def replica_follows(self, parameters: dict[str, Any]) -> None:
        """A replica beside the service, which has come so far."""
        versions = msgspec.convert(parameters["versions"], tuple[VersionReport, ...])
        asyncio.run(self._report(parameters["model"], parameters["generation"], versions))

    def versions_were_counted(self, parameters: dict[str, Any]) -> None:
        """What these versions did in these roles a moment ago."""
        counts = [(version, Role(role)) for version, role in parameters["counts"]]
        asyncio.run(self._count(parameters["model"], counts))

    async def _report(
        self, model: str, generation: int, versions: tuple[VersionReport, ...]
    ) -> None:
        async with Database(self._database.url, self._database.password) as database:
            await DeploymentStore(database).report(model, uuid7(), generation, versions)

    async def _count(self, model: str, counts: list[tuple[str, Role]]) -> None:
        tally = Tally()
        tally.judged(Decision.BLOCK, 850)
        seconds = [Second(int(time.time()) - 10, *each, tally) for each in counts]
        async with Database(self._database.url, self._database.password) as database:
            await DeploymentCounters(database, model).write(uuid7(), seconds, [])

    async def _forget(self, tenant: str, name: str) -> None:
        await self._as_owner(
            "DELETE FROM policy_history WHERE tenant = $1 AND name = $2", tenant, name
        )

    async def _as_owner(self, statement: str, *arguments: str) -> None:
        connection = await asyncpg.connect(
            self._database.owner_url, password=self._database.owner_password
        )
        try:
            await connection.execute(statement, *arguments)
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
