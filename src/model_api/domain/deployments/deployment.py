"""Which versions of the model judge, and in what role: what the rollout asks of every replica."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from model_api.domain.limits import (
    MAX_GENERATION,
    MAX_LOCATION_LENGTH,
    MAX_REASON_LENGTH,
    MAX_WARM_VERSIONS,
)

VERSION_PATTERN = "[A-Za-z0-9][A-Za-z0-9._+-]{0,63}"
DIGEST_PATTERN = "sha256:[0-9a-f]{64}"
_VERSION = re.compile(VERSION_PATTERN)
_DIGEST = re.compile(DIGEST_PATTERN)


class StickyBy(StrEnum):
    """What keeps its version while a canary runs."""

    SESSION = "session"
    SUBJECT = "subject"
    TENANT = "tenant"


class DeploymentInvalid(ValueError):
    """A deployment that cannot be meant; ``field`` is the dotted path of what is wrong in it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Version:
    """A version by the registry's name for it; ``location`` is a key prefix in the bucket."""

    version: str
    digest: str
    location: str

    @property
    def plain(self) -> "Version":
        """The version alone, without what its role adds."""
        return Version(self.version, self.digest, self.location)


@dataclass(frozen=True, slots=True)
class Canary(Version):
    """The version that answers for a share ``weight`` of the keys, in (0, 1]."""

    weight: float
    sticky_by: StickyBy


@dataclass(frozen=True, slots=True)
class Shadow(Version):
    """The version that judges a share ``sample`` of the requests too, and never answers."""

    sample: float


@dataclass(frozen=True, slots=True)
class Deployment:
    """One generation; of two, the higher rules. It cannot be built with invalid fields
    (DeploymentInvalid).

    Without a champion the packaged bundle answers. The ``warm`` versions are loaded, for pins and
    for whoever comes next.
    """

    generation: int
    reason: str
    rollout_id: UUID | None = None
    champion: Version | None = None
    canary: Canary | None = None
    shadow: Shadow | None = None
    warm: tuple[Version, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.generation <= MAX_GENERATION:
            raise DeploymentInvalid("generation", f"must be from 1 to {MAX_GENERATION}")
        if not 1 <= len(self.reason) <= MAX_REASON_LENGTH or "\0" in self.reason:
            raise DeploymentInvalid("reason", f"must have 1 to {MAX_REASON_LENGTH} characters")
        if len(self.warm) > MAX_WARM_VERSIONS:
            raise DeploymentInvalid("warm", f"must hold at most {MAX_WARM_VERSIONS} versions")
        digests: dict[str, str] = {}
        for field, version in self._placed():
            _check(field, version)
            # A pin by version must mean one bundle.
            if digests.setdefault(version.version, version.digest) != version.digest:
                raise DeploymentInvalid(f"{field}.digest", "is not the one given elsewhere here")
        if self.canary is not None and not 0 < self.canary.weight <= 1:
            raise DeploymentInvalid("canary.weight", "must lie in (0, 1]")
        if self.shadow is not None and not 0 < self.shadow.sample <= 1:
            raise DeploymentInvalid("shadow.sample", "must lie in (0, 1]")

    @property
    def versions(self) -> tuple[Version, ...]:
        """Each version once, in the order in which they are needed."""
        named: dict[str, Version] = {}
        for _, version in self._placed():
            named.setdefault(version.version, version.plain)
        return tuple(named.values())

    @property
    def judging(self) -> tuple[Version, ...]:
        """The champion, the canary and the shadow, as far as there are any."""
        roles = (self.champion, self.canary, self.shadow)
        return tuple(version for version in roles if version is not None)

    def _placed(self) -> Iterator[tuple[str, Version]]:
        for role, version in (
            ("champion", self.champion),
            ("canary", self.canary),
            ("shadow", self.shadow),
        ):
            if version is not None:
                yield role, version
        for index, version in enumerate(self.warm):
            yield f"warm.{index}", version


class DeploymentStale(Exception):
    """A deployment of this generation, or a later one, is stored, with other content."""

    def __init__(self, stored: Deployment) -> None:
        super().__init__(f"generation {stored.generation} is stored")
        self.stored = stored


class DeploymentRules(Exception):
    """A deployment says what judges, so the packaged bundle is not replaced beside it."""

    def __init__(self, generation: int) -> None:
        super().__init__(f"generation {generation} rules")
        self.generation = generation


def _check(field: str, version: Version) -> None:
    if not _VERSION.fullmatch(version.version):
        raise DeploymentInvalid(f"{field}.version", "must be 1 to 64 letters, digits, . _ + or -")
    if not _DIGEST.fullmatch(version.digest):
        raise DeploymentInvalid(f"{field}.digest", "must be sha256: and 64 hexadecimal digits")
    location = version.location
    stays_inside = all(part not in ("", ".", "..") for part in location.split("/"))
    if (
        not stays_inside
        or len(location) > MAX_LOCATION_LENGTH
        or not location.isprintable()
        or "\\" in location
    ):
        raise DeploymentInvalid(
            f"{field}.location",
            f"must be a key prefix of at most {MAX_LOCATION_LENGTH} characters, without empty "
            "parts, . or ..",
        )
