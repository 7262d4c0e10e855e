"""What anyone may read: the verification keys, the problems explained, the OpenAPI document."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from dashboard_backend.api.openapi import problems
from dashboard_backend.domain.problems import CATALOGUE, NOT_FOUND, ProblemError


class JsonWebKey(Struct, frozen=True, forbid_unknown_fields=True):
    """An Ed25519 public key (RFC 8037)."""

    kty: str
    crv: str
    x: str
    kid: str
    alg: str
    use: str


class JsonWebKeySet(Struct, frozen=True, forbid_unknown_fields=True):
    """The keys that verify the internal JWT; the first is the one that signs."""

    keys: list[JsonWebKey]


class ProblemExplained(Struct, frozen=True, forbid_unknown_fields=True):
    """What a problem type means."""

    type: str
    title: str
    status: int
    code: str
    explanation: str


@get(
    "/.well-known/jwks.json",
    operation_id="get_jwks",
    tags=["identity"],
    sync_to_thread=False,
)
def get_jwks(jwks: NamedDependency[JsonWebKeySet]) -> JsonWebKeySet:
    """The public halves of the signing keys."""
    return jwks


@get(
    "/problems/{slug:str}",
    operation_id="get_problem",
    tags=["problems"],
    responses=problems(NOT_FOUND),
    sync_to_thread=False,
)
def get_problem(slug: FromPath[str]) -> ProblemExplained:
    """Explain a problem type of the gateway."""
    kind = CATALOGUE.get(slug)
    if kind is None:
        raise ProblemError(NOT_FOUND, "There is no such problem type.")
    return ProblemExplained(kind.uri, kind.title, kind.status, kind.code, kind.explanation)


@get(
    "/schema/openapi.json",
    operation_id="get_openapi",
    tags=["openapi"],
    include_in_schema=False,
    sync_to_thread=False,
)
def get_openapi(openapi: NamedDependency[bytes]) -> Response[bytes]:
    """This service's OpenAPI document."""
    return Response(openapi, media_type="application/json")
