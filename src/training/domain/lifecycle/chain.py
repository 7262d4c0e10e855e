"""The chain of a model's events: each hash covers the event and the hash before it.

The canonical JSON of a value is UTF-8 without spaces, the members of objects sorted by name, and
no NaN or infinity. Of an event it has the members actor, at, data, id, name, position, reason,
tenant, type, version; `at` is in UTC with six digits of the second and a Z. Then

    hash = SHA-256(previous hash, 32 bytes, followed by the canonical JSON)

where the first event's previous hash is 32 zero bytes. What is signed is `SIGNED_PREFIX`, which
keeps the signature from meaning anything else, followed by the hash.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

GENESIS = bytes(32)
SIGNED_PREFIX = b"bartizan.training.model-event/1\n"
SNAPSHOT_FORMAT = 1
"""Of a model's state as a snapshot has it. Raise it with whatever changes what the state looks
like, or how events add up to it: a snapshot of another format is left aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainedEvent:
    """An event as it is stored. `data` is canonical JSON; `key_id` names the key that signed."""

    tenant: str
    name: str
    position: int
    id: UUID
    type: str
    version: int | None
    at: datetime
    actor: str
    reason: str
    data: str
    previous_hash: bytes
    hash: bytes
    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of a stream, as it is told elsewhere."""

    position: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Break:
    """The first event of a stream that is not what was recorded, and what is wrong with it."""

    tenant: str
    name: str
    position: int
    what: str


class HistoryTooLong(Exception):
    """There is more of it than can be followed in the time that a request has."""

    def __init__(self, within_s: float) -> None:
        super().__init__(
            f"The histories of the models could not be followed within {within_s:g} seconds: have"
            " an operator run `training registry verify`, which has an hour."
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at, and the first break that was found."""

    models: int
    events: int
    first_bad: Break | None

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.first_bad is None


class SignatureCheck(Protocol):
    """Whether a trusted key of this name has signed the message."""

    def __call__(self, name: str, message: bytes, signature: bytes) -> bool: ...


def canonical(value: Any) -> str:
    """The canonical JSON. Raises ValueError for a number that JSON does not have."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def signed_message(hash_: bytes) -> bytes:
    """What a key signs of an event."""
    return SIGNED_PREFIX + hash_


def snapshot_message(hash_: bytes, state: str, format_: int) -> bytes:
    """What a key signs of a snapshot: the state, in canonical JSON, after the event of a hash."""
    return b"bartizan.training.model-snapshot/%d\n" % format_ + hash_ + state.encode()


def hash_of(
    previous_hash: bytes,
    *,
    tenant: str,
    name: str,
    position: int,
    event_id: UUID,
    type_: str,
    version: int | None,
    at: datetime,
    actor: str,
    reason: str,
    data: Any,
) -> bytes:
    """The hash of an event; `data` is JSON's, decoded."""
    content = canonical(
        {
            "actor": actor,
            "at": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "data": data,
            "id": str(event_id),
            "name": name,
            "position": position,
            "reason": reason,
            "tenant": tenant,
            "type": type_,
            "version": version,
        }
    )
    return hashlib.sha256(previous_hash + content.encode()).digest()


class ChainCheck:
    """Follows one stream, event by event from behind `begin`, and finds its first break.

    `heads` are what others were told of the stream: an event of each position must be there and
    have that hash, which is how a lost tail shows. Two that contradict each other cannot both be
    met: whoever told them told two stories.
    """

    def __init__(
        self,
        tenant: str,
        name: str,
        heads: Iterable[Head],
        has_signed: SignatureCheck,
        begin: Head = Head(0, GENESIS),
    ) -> None:
        self._tenant = tenant
        self._name = name
        self._told: dict[int, set[bytes]] = {}
        for head in heads:
            self._told.setdefault(head.position, set()).add(head.hash)
        self._has_signed = has_signed
        self._expected = begin.position + 1
        self._previous = begin.hash

    def add(self, event: ChainedEvent) -> Break | None:
        """The next event by position; a break, where it or one before it is not as recorded."""
        if event.position != self._expected:
            return self._break("is missing")
        what = next(_wrong(event, self._previous, self._told, self._has_signed), None)
        if what is not None:
            return self._break(what)
        self._expected, self._previous = self._expected + 1, event.hash
        return None

    def finish(self) -> Break | None:
        """After the last event: a break, where others were told of more, or of nothing at all."""
        if not self._told:
            return self._break("would be next, and nobody was told of the one before it")
        if max(self._told) >= self._expected:
            return self._break("is missing")
        return None

    def _break(self, what: str) -> Break:
        return Break(self._tenant, self._name, self._expected, what)


def _wrong(
    event: ChainedEvent,
    previous: bytes,
    told: Mapping[int, set[bytes]],
    has_signed: SignatureCheck,
) -> Iterator[str]:
    if event.previous_hash != previous:
        yield "does not follow the event before it"
    try:
        data = json.loads(event.data)
        is_canonical = canonical(data) == event.data
    except ValueError:
        is_canonical = False
    if not is_canonical:
        yield "holds data that nobody recorded"
        return
    found = hash_of(
        previous,
        tenant=event.tenant,
        name=event.name,
        position=event.position,
        event_id=event.id,
        type_=event.type,
        version=event.version,
        at=event.at,
        actor=event.actor,
        reason=event.reason,
        data=data,
    )
    if found != event.hash:
        yield "differs from its hash"
    if not has_signed(event.key_id, signed_message(event.hash), event.signature):
        yield "was not signed by a trusted key"
    if told.get(event.position, {event.hash}) != {event.hash}:
        yield "differs from what was told of it"
