"""Snapshots of models: what their events add up to at a position, signed, to be read faster.

``add``; ``latest(connection, tenant, name, keys)``; for whoever follows the events anyway
``positions`` and ``find``, and ``Snapshot.agrees(model, keys)``; ``state_of``.
"""

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from training.adapters.bundles.platform_key import PlatformKey, TrustedKeys
from training.adapters.postgres import Connection
from training.domain.lifecycle.chain import SNAPSHOT_FORMAT, Head, canonical, snapshot_message
from training.domain.lifecycle.model import Model

_READ = """
SELECT snapshot.position, state, hash FROM registry_snapshots AS snapshot
JOIN registry_events USING (tenant, name, position)
WHERE tenant = $1 AND name = $2 AND ($3::bigint IS NULL OR position = $3)
ORDER BY position DESC LIMIT 1
"""


class _Kept(msgspec.Struct, frozen=True):
    """What is kept. `signature` is in hexadecimal. The first that were kept name no format."""

    model: dict[str, Any]
    key_id: str
    signature: str
    format: int = 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot as it lies in the database, whoever put it there."""

    head: Head
    text: str

    def model(self, keys: TrustedKeys) -> Model | None:
        """The model; None where no trusted key has signed it, or it is of another format."""
        kept = _kept(self.text)
        if kept is None or kept.format != SNAPSHOT_FORMAT or not self._is_signed(kept, keys):
            return None
        return msgspec.json.decode(canonical(kept.model), type=Model)

    def agrees(self, model: Model, keys: TrustedKeys) -> bool:
        """Whether it is what was kept of this model. One of another format cannot be compared: it
        is believed to be what it was where a trusted key has signed it."""
        kept = _kept(self.text)
        if kept is not None and kept.format != SNAPSHOT_FORMAT:
            return self._is_signed(kept, keys)
        state = json.loads(self.text) if kept is None else kept.model
        return canonical(state) == state_of(model)

    def _is_signed(self, kept: _Kept, keys: TrustedKeys) -> bool:
        message = snapshot_message(self.head.hash, canonical(kept.model), kept.format)
        try:
            return keys.has_signed(kept.key_id, message, bytes.fromhex(kept.signature))
        except ValueError:
            return False


async def add(
    connection: Connection, tenant: str, name: str, head: Head, model: Model, key: PlatformKey
) -> None:
    """Keep a model as it is after an event."""
    state = state_of(model)
    signature = key.sign(snapshot_message(head.hash, state, SNAPSHOT_FORMAT))
    kept = _Kept(json.loads(state), key.id, signature.hex(), SNAPSHOT_FORMAT)
    await connection.execute(
        "INSERT INTO registry_snapshots (tenant, name, position, state) VALUES ($1, $2, $3, $4)",
        tenant,
        name,
        head.position,
        canonical(msgspec.to_builtins(kept)),
    )


async def latest(
    connection: Connection, tenant: str, name: str, keys: TrustedKeys
) -> tuple[Head, Model] | None:
    """The newest snapshot; None where it cannot be used, and the events are to be followed."""
    snapshot = await _read(connection, tenant, name, None)
    model = None if snapshot is None else snapshot.model(keys)
    return None if snapshot is None or model is None else (snapshot.head, model)


async def positions(connection: Connection, tenant: str, name: str) -> set[int]:
    """Where there are snapshots. Each holds the whole model: together they may fill the memory."""
    rows = await connection.fetch(
        "SELECT position FROM registry_snapshots WHERE tenant = $1 AND name = $2", tenant, name
    )
    return {row["position"] for row in rows}


async def find(connection: Connection, tenant: str, name: str, position: int) -> Snapshot | None:
    """The snapshot of a position."""
    return await _read(connection, tenant, name, position)


async def _read(
    connection: Connection, tenant: str, name: str, position: int | None
) -> Snapshot | None:
    row = await connection.fetchrow(_READ, tenant, name, position)
    return None if row is None else Snapshot(Head(row["position"], row["hash"]), row["state"])


def _kept(text: str) -> _Kept | None:
    """None where it says of itself nothing that we know: an older release, or somebody else."""
    try:
        return msgspec.json.decode(text, type=_Kept)
    except msgspec.ValidationError:
        return None


def state_of(model: Model) -> str:
    """The state of a model as a snapshot has it, of the format `SNAPSHOT_FORMAT`."""
    return canonical(msgspec.json.decode(msgspec.json.encode(model)))
