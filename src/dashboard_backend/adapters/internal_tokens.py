"""The JWT by which services know the caller: minted per key and service, kept while it is young."""

import time
from collections import OrderedDict
from collections.abc import Callable

import jwt
from uuid_utils.compat import uuid7

from dashboard_backend.adapters.signing_key import SigningKey
from dashboard_backend.domain.principal import Principal

_LIFE_SECONDS = 60
_REUSE_SECONDS = 30
_CAPACITY = 10_000


class TokenMinter:
    """Signs with one key. A token is handed out for 30 s of its 60: signing is off the hot path."""

    def __init__(
        self, key: SigningKey, issuer: str, clock: Callable[[], float] = time.time
    ) -> None:
        """`issuer` becomes `iss`; `clock` is Unix time in seconds."""
        self._key = key
        self._issuer = issuer
        self._clock = clock
        self._minted: OrderedDict[tuple[Principal, str], tuple[float, str]] = OrderedDict()

    def mint(self, principal: Principal, audience: str) -> str:
        """A compact JWT that tells `audience` who is asking, valid for at least 30 s."""
        now = self._clock()
        cached = self._minted.get((principal, audience))
        if cached is not None and 0 <= now - cached[0] < _REUSE_SECONDS:
            return cached[1]
        issued = int(now)
        token = jwt.encode(
            {
                "iss": self._issuer,
                "aud": audience,
                "sub": str(principal.key_id),
                "tenant": principal.tenant,
                "scope": " ".join(sorted(principal.scopes)),
                "iat": issued,
                "exp": issued + _LIFE_SECONDS,
                "jti": uuid7().hex,
            },
            self._key.private,
            algorithm="EdDSA",
            headers={"kid": self._key.kid},
        )
        self._minted[principal, audience] = (now, token)
        self._minted.move_to_end((principal, audience))
        if len(self._minted) > _CAPACITY:
            self._minted.popitem(last=False)
        return token
