"""What can be seen of a version's rows: its quarantine, a sample, the difference to another."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Protocol

import msgspec
import numpy as np

from training.adapters.datasets.objects import read_parts, verified
from training.adapters.datasets.reader import decode_index, rows_of
from training.adapters.datasets.store import DatasetStore
from training.domain.datasets.comparison import Difference, Index, compare
from training.domain.datasets.version import DatasetVersion, Part, PoolRow
from training.domain.jobs.kinds import Objects

_COMPARISONS = 2


class AsyncObjects(Protocol):
    """A bucket."""

    async def get(self, key: str) -> bytes:
        """A whole object."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows drawn by lot from `drawn_from` rows, which were drawn by lot at the import."""

    rows: list[PoolRow]
    drawn_from: int


@dataclass(frozen=True, slots=True)
class Compared:
    """A difference, with some of the rows that make it."""

    difference: Difference
    added: list[PoolRow]
    removed: list[PoolRow]
    relabelled: list[PoolRow]


class DatasetViews:
    """All methods raise DatabaseUnavailable, StoreUnavailable, ObjectMissing, ObjectAltered.

    Memory does not depend on the size of a version: at most two pieces of each index at a time.
    """

    def __init__(self, store: DatasetStore, objects: AsyncObjects, blocking: Objects) -> None:
        self._store = store
        self._objects = objects
        self._blocking = blocking
        self._comparing = asyncio.Semaphore(_COMPARISONS)

    async def quarantine(self, version: DatasetVersion) -> list[Part]:
        """The pieces of the quarantine file."""
        return await self._store.objects(version, "quarantine")

    async def contents(self, parts: list[Part]) -> AsyncIterator[bytes]:
        """The contents of objects, one at a time."""
        for part in parts:
            yield verified(part, await self._objects.get(part.key))

    async def sample(self, version: DatasetVersion, seed: int, size: int) -> Sample:
        """Up to `size` rows; the same for the same seed."""
        parts = await self._store.objects(version, "pool")
        lines = b"".join([content async for content in self.contents(parts)]).splitlines()
        places = np.random.default_rng(seed).permutation(len(lines))[:size]
        drawn = [msgspec.json.decode(lines[place], type=PoolRow) for place in places.tolist()]
        return Sample(drawn, len(lines))

    async def compare(self, old: DatasetVersion, new: DatasetVersion) -> Compared:
        """How `new` differs from `old`."""
        old_index = await self._store.objects(old, "index")
        new_index = await self._store.objects(new, "index")
        async with self._comparing:
            return await asyncio.to_thread(self._compare, old, old_index, new, new_index)

    def _compare(
        self,
        old: DatasetVersion,
        old_index: list[Part],
        new: DatasetVersion,
        new_index: list[Part],
    ) -> Compared:
        found = compare(self._index(old_index), self._index(new_index))
        return Compared(
            found,
            self._rows(new, found.added_positions),
            self._rows(old, found.removed_positions),
            self._rows(new, found.relabelled_positions),
        )

    def _index(self, pieces: list[Part]) -> Iterator[Index]:
        return map(decode_index, read_parts(self._blocking, pieces))

    def _rows(self, version: DatasetVersion, positions: list[int]) -> list[PoolRow]:
        """The rows at these positions, in the order of the version."""
        rows: list[PoolRow] = []
        first = 0
        for part in version.parts:
            places = [each - first for each in sorted(positions) if 0 <= each - first < part.rows]
            first += part.rows
            if places:
                rows += rows_of(verified(part, self._blocking.get(part.key)), places)
        return rows
