"""Which of the loaded versions answers a request. Everything here is immutable: a change of the
deployment puts other routes in the place of these, and a request keeps those it began with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from model_api.domain.deployments.deployment import StickyBy
from model_api.domain.deployments.stickiness import place_of
from model_api.domain.judging.detector import BundledDetector


class Role(StrEnum):
    """In what capacity a version judges a request."""

    CHAMPION = "champion"
    CANARY = "canary"
    SHADOW = "shadow"
    PINNED = "pinned"


class Standing(StrEnum):
    """What a loaded version is there for; a warm one judges only what is pinned to it."""

    CHAMPION = "champion"
    CANARY = "canary"
    SHADOW = "shadow"
    WARM = "warm"


@dataclass(frozen=True, slots=True)
class Served:
    """A loaded version under the name that the deployment gives it, since when it stands where it
    does, and since when it is loaded."""

    version: str
    detector: BundledDetector
    since: datetime
    loaded_at: datetime

    @property
    def digest(self) -> str:
        """The digest of its bundle."""
        return self.detector.digest


@dataclass(frozen=True, slots=True)
class CanaryRoute:
    """The canary, and whom it answers: the keys whose place is below ``bound``."""

    served: Served
    sticky_by: StickyBy
    salt: bytes
    bound: int


@dataclass(frozen=True, slots=True)
class ShadowRoute:
    """The shadow, and the share of the requests that it judges as well."""

    served: Served
    sample: float


@dataclass(frozen=True, slots=True)
class Asker:
    """What of a request decides about its version. A request without the key that is to stick is
    a key of its own, so that the canary gets its share of these too."""

    tenant: str
    session: str | None
    subject: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class Routes:
    """``generation`` is that of the deployment in force, None where there is none.

    ``pins`` are all loaded versions by name.
    """

    champion: Served
    generation: int | None = None
    canary: CanaryRoute | None = None
    shadow: ShadowRoute | None = None
    pins: Mapping[str, Served] = field(default_factory=dict)

    def route(self, asker: Asker) -> tuple[Served, Role]:
        """Who answers a request that pins no version."""
        canary = self.canary
        if canary is None or _place(canary, asker) >= canary.bound:
            return self.champion, Role.CHAMPION
        return canary.served, Role.CANARY

    def standings(self) -> list[tuple[Served, Standing]]:
        """Every loaded version once, with the foremost of what it is there for."""
        placed = [(self.champion, Standing.CHAMPION)]
        if self.canary is not None:
            placed.append((self.canary.served, Standing.CANARY))
        if self.shadow is not None:
            placed.append((self.shadow.served, Standing.SHADOW))
        placed += [(served, Standing.WARM) for served in self.pins.values()]
        seen: dict[str, tuple[Served, Standing]] = {}
        for served, standing in placed:
            seen.setdefault(served.version, (served, standing))
        return list(seen.values())


def _place(canary: CanaryRoute, asker: Asker) -> int:
    match canary.sticky_by:
        case StickyBy.TENANT:
            return place_of(canary.salt, "tenant", asker.tenant, "")
        case StickyBy.SESSION:
            key = asker.session
        case StickyBy.SUBJECT:
            key = asker.subject
    if key is None:
        return place_of(canary.salt, "request", asker.tenant, asker.request_id)
    return place_of(canary.salt, canary.sticky_by, asker.tenant, key)
