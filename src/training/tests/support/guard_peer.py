"""A peer that keeps the contract of model_api's deployment API, and MLflow's alias beside it.

It stores deployments by generation as model_api does, reports replicas that follow them, and
counts what the test tells it to. A test may hold a call before it has its effect, or after.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import jwt
import msgspec
from aiohttp import web

ALIAS_PATH = "/api/2.0/mlflow/registered-models/alias"


class VersionBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A version, as the contract has it."""

    version: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")]
    digest: Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]
    location: Annotated[str, msgspec.Meta(min_length=1)]


class CanaryBody(VersionBody, forbid_unknown_fields=True, kw_only=True):
    """A canary."""

    weight: Annotated[float, msgspec.Meta(gt=0, le=1)]
    sticky_by: Literal["session", "subject", "tenant"]


class ShadowBody(VersionBody, forbid_unknown_fields=True, kw_only=True):
    """A shadow."""

    sample: Annotated[float, msgspec.Meta(gt=0, le=1)]


class DeploymentBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A deployment."""

    generation: Annotated[int, msgspec.Meta(ge=1)]
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    rollout_id: UUID | None
    champion: VersionBody | None
    canary: CanaryBody | None
    shadow: ShadowBody | None
    warm: list[VersionBody]

    @property
    def roles(self) -> dict[str, str]:
        """Who judges in which role, by version."""
        placed = {"champion": self.champion, "canary": self.canary, "shadow": self.shadow}
        roles = {role: each.version for role, each in placed.items() if each is not None}
        if self.canary is not None:
            roles["weight"] = f"{self.canary.weight:g}"
        if self.warm:
            roles["warm"] = ",".join(sorted(each.version for each in self.warm))
        return roles


@dataclass
class Hold:
    """Stops the first call that fits, until the test lets it go."""

    fits: Callable[[str, bytes], bool]
    after: bool = False
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def stop(self, call: str, body: bytes) -> None:
        """Wait, where this is the call."""
        if not self.reached.is_set() and self.fits(call, body):
            self.reached.set()
            await self.release.wait()


@dataclass
class GuardPeer:
    """What the peer knows. `counts` gives what a version did in a role since a moment."""

    url: str = ""
    desired: DeploymentBody | None = None
    deployments: list[DeploymentBody] = field(default_factory=list)
    replicas: list[UUID] = field(default_factory=lambda: [uuid4(), uuid4()])
    behind: set[UUID] = field(default_factory=set)
    not_ready: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)
    alias: str | None = None
    aliases: list[str | None] = field(default_factory=list)
    tokens: list[dict[str, Any]] = field(default_factory=list)
    serves: str = ""
    away: bool = False
    mlflow_away: bool = False
    hold: Hold | None = None

    def put(self, body: DeploymentBody) -> web.Response:
        """The contract of PUT: later wins, the same is fine, anything else is stale."""
        stored = self.desired
        if stored is not None and stored.generation >= body.generation and stored != body:
            problem = {
                "type": "/problems/deployment-stale",
                "title": "A later deployment is stored",
                "status": 409,
                "code": "DEPLOYMENT_STALE",
                "detail": "A later deployment is stored.",
                "generation": stored.generation,
            }
            return web.json_response(problem, status=409, content_type="application/problem+json")
        if stored is None or stored.generation < body.generation:
            self.desired = body
            self.deployments.append(body)
        return _json(body)

    def state(self) -> web.Response:
        """The contract of GET: what is desired, and how far each replica is."""
        return _json(
            {"desired": self.desired, "replicas": [self._replica(r) for r in self.replicas]}
        )

    def metrics(self, since: str) -> web.Response:
        """The contract of the counters."""
        versions = []
        for role, version in ({} if self.desired is None else self.desired.roles).items():
            if role in ("champion", "canary", "shadow"):
                versions.append({**_nothing(version, role), **self.counts.get(role, {})})
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return _json({"since": since, "until": now, "versions": versions})

    def _replica(self, replica: UUID) -> dict[str, Any]:
        desired = self.desired
        placed = {}
        if desired is not None:
            for each in (desired.champion, desired.canary, desired.shadow, *desired.warm):
                if each is not None:
                    placed[each.version] = each.digest
        generation = None if desired is None else desired.generation
        return {
            "replica_id": replica,
            "seen_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "generation": None if replica in self.behind else generation,
            "versions": [self._version(version, digest) for version, digest in placed.items()],
        }

    def _version(self, version: str, digest: str) -> dict[str, Any]:
        state, reason = self.not_ready.get(version, ("ready", None))
        return {"version": version, "digest": digest, "state": state, "reason": reason}


@asynccontextmanager
async def guard_peer() -> AsyncIterator[GuardPeer]:
    """The peer on a free port."""
    peer = GuardPeer()

    async def handle(
        request: web.Request, work: Callable[[bytes], Awaitable[web.Response]]
    ) -> web.Response:
        body = await request.read()
        call = f"{request.method} {request.path}"
        if peer.hold is not None and not peer.hold.after:
            await peer.hold.stop(call, body)
        answer = await work(body)
        if peer.hold is not None and peer.hold.after:
            await peer.hold.stop(call, body)
        return answer

    async def guard(request: web.Request) -> web.Response:
        async def work(body: bytes) -> web.Response:
            if peer.away:
                return web.json_response({"code": "STORAGE_UNAVAILABLE"}, status=503)
            if peer.serves and request.match_info["name"] != peer.serves:
                return web.json_response({"code": "MODEL_NOT_FOUND"}, status=404)
            token = request.headers["Authorization"].removeprefix("Bearer ")
            peer.tokens.append(jwt.decode(token, options={"verify_signature": False}))
            if request.path.endswith("/metrics"):
                return peer.metrics(request.query["since"])
            if request.method == "PUT":
                return peer.put(msgspec.json.decode(body, type=DeploymentBody))
            return peer.state()

        return await handle(request, work)

    async def mlflow(request: web.Request) -> web.Response:
        async def work(body: bytes) -> web.Response:
            if peer.mlflow_away:
                return web.json_response({"error_code": "TEMPORARILY_UNAVAILABLE"}, status=503)
            if request.method == "GET":
                return _pointed(peer.alias)
            wanted = msgspec.json.decode(body)
            peer.alias = wanted["version"] if request.method == "POST" else None
            peer.aliases.append(peer.alias)
            return web.json_response({})

        return await handle(request, work)

    app = web.Application()
    app.router.add_route("*", "/models/{name}/deployment", guard)
    app.router.add_get("/models/{name}/deployment/metrics", guard)
    app.router.add_route("*", ALIAS_PATH, mlflow)
    # A killed client must not hold up the end of a test.
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    peer.url = f"http://{host}:{port}"
    try:
        yield peer
    finally:
        if peer.hold is not None:
            peer.hold.release.set()
        await runner.cleanup()


def _pointed(alias: str | None) -> web.Response:
    if alias is None:
        return web.json_response({"error_code": "RESOURCE_DOES_NOT_EXIST"}, status=404)
    return web.json_response({"model_version": {"version": alias}})


def _nothing(version: str, role: str) -> dict[str, Any]:
    return {
        "version": version,
        "role": role,
        "predictions": 0,
        "errors": 0,
        "blocked": 0,
        "flagged": 0,
        "latency_ms": None,
        "compared": 0,
        "disagreements": 0,
        "feedback": {"total": 0, "contradicting": 0},
    }


def _json(value: Mapping[str, Any] | msgspec.Struct) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
