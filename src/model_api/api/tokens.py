"""Verification of internal tokens: signature, issuer, audience, age, and what the issuer may claim.

The gateway speaks for callers of every kind; a service speaks for itself alone, under a key of its
own, and gets of the scopes that it claims those that it may have.

A verified token is remembered until it expires, since the gateway sends the same one with many
requests and a signature costs as much as a judgement.
"""

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from model_api.domain.identity import Caller, TokenRefused

AUDIENCE = "model_api"
LEEWAY_S = 5.0
_REQUIRED = ["iss", "aud", "sub", "tenant", "scope", "iat", "exp", "jti"]
_MAX_REMEMBERED = 10_000
_MAX_TOKEN_LENGTH = 8_192
_NAME = re.compile(r"[^\x00-\x20\x7f]{1,128}")


class KeySource(Protocol):
    """The issuer's public keys."""

    async def key(self, key_id: str) -> Ed25519PublicKey | None:
        """The key of this id; None when the issuer has none; raises KeysUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs tokens, by which keys; ``scopes`` are those that it may claim, None for all."""

    keys: KeySource
    scopes: frozenset[str] | None = None


class JwtVerifier:
    """Verifies EdDSA tokens by their issuers' keys, and remembers those that passed."""

    def __init__(
        self, issuers: Mapping[str, Issuer], clock: Callable[[], float] = time.time
    ) -> None:
        self._issuers = issuers
        self._clock = clock
        self._verified: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """The caller that `token` names; raises TokenRefused or KeysUnavailable."""
        if len(token) > _MAX_TOKEN_LENGTH:
            raise TokenRefused("it is too long")
        fingerprint = hashlib.sha256(token.encode()).digest()
        remembered = self._verified.get(fingerprint)
        if remembered is not None:
            caller, usable_until = remembered
            if self._clock() < usable_until:
                return caller
            del self._verified[fingerprint]
            raise TokenRefused("it has expired")
        name, issuer = _issuer(token, self._issuers)
        claims = await self._claims(token, name, issuer.keys)
        caller = _caller(claims, issuer.scopes)
        self._verified[fingerprint] = (caller, float(claims["exp"]) + LEEWAY_S)
        if len(self._verified) > _MAX_REMEMBERED:
            self._verified.popitem(last=False)
        return caller

    async def _claims(self, token: str, issuer: str, keys: KeySource) -> dict[str, Any]:
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
        except jwt.InvalidTokenError:
            raise TokenRefused("it is no JWT") from None
        key = await keys.key(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise TokenRefused("its key is unknown")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key=key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=issuer,
                leeway=LEEWAY_S,
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidSignatureError:
            raise TokenRefused("its signature is wrong") from None
        except jwt.InvalidAudienceError:
            raise TokenRefused("it is meant for another service") from None
        except jwt.InvalidIssuerError:
            raise TokenRefused("its issuer is not trusted") from None
        except jwt.MissingRequiredClaimError as error:
            raise TokenRefused(f"it lacks the claim {error.claim}") from None
        except jwt.InvalidTokenError:
            raise TokenRefused("it is malformed") from None
        self._check_age(claims)
        return claims

    def _check_age(self, claims: dict[str, Any]) -> None:
        # PyJWT reads the system's clock and no other.
        expires, issued = claims["exp"], claims["iat"]
        if not isinstance(expires, int) or not isinstance(issued, int):
            raise TokenRefused("its times are malformed")
        now = self._clock()
        if now >= expires + LEEWAY_S:
            raise TokenRefused("it has expired")
        if issued > now + LEEWAY_S:
            raise TokenRefused("it is not valid yet")


def _issuer(token: str, issuers: Mapping[str, Issuer]) -> tuple[str, Issuer]:
    """Whom the token names as its issuer; that it is so remains to be shown by the signature."""
    try:
        name = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.InvalidTokenError:
        raise TokenRefused("it is no JWT") from None
    issuer = issuers.get(name) if isinstance(name, str) else None
    if name is None:
        raise TokenRefused("it lacks the claim iss")
    if issuer is None:
        raise TokenRefused("its issuer is not trusted")
    return name, issuer


def _caller(claims: dict[str, Any], allowed: frozenset[str] | None) -> Caller:
    tenant, subject, scope = claims["tenant"], claims["sub"], claims["scope"]
    if not (isinstance(tenant, str) and _NAME.fullmatch(tenant)):
        raise TokenRefused("its tenant is malformed")
    if not (isinstance(subject, str) and _NAME.fullmatch(subject)):
        raise TokenRefused("its subject is malformed")
    if not isinstance(scope, str):
        raise TokenRefused("its scope is malformed")
    scopes = frozenset(scope.split())
    if allowed is None:
        return Caller(tenant, subject, scopes)
    return Caller(tenant, subject, scopes & allowed, is_service=True)
