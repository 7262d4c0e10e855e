"""The second reading of a file: the rows that stay, the quarantine, and what describes them."""

import base64
import codecs
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.adapters.datasets.objects import ObjectWriter
from training.adapters.datasets.parquet_files import encode_part
from training.domain.datasets.canonical import ContentDigest
from training.domain.datasets.limits import (
    MAX_RAW_BYTES,
    PART_BYTES,
    PART_ROWS,
    POOL_BYTES,
    POOL_ROWS,
)
from training.domain.datasets.near_duplicates import NONE
from training.domain.datasets.profile import WordCounts
from training.domain.datasets.reasons import Reason
from training.domain.datasets.report import PairList, RowLists
from training.domain.datasets.resolution import CONFLICT, DUPLICATE, KEPT, LEAK, NEAR
from training.domain.datasets.rows import RowBatch
from training.domain.datasets.sampling import LowestRanks, ranks
from training.domain.datasets.version import Part, PoolRow
from training.work.imports.scan import Scanned

_REASONS = {
    CONFLICT: Reason.LABEL_CONFLICT,
    DUPLICATE: Reason.DUPLICATE,
    LEAK: Reason.LEAKS_EVALUATION,
    NEAR: Reason.NEAR_DUPLICATE,
}
_QUARANTINE_BYTES = 4 << 20
_SEED = 1


@dataclass(slots=True)
class Columns:
    """Rows column by column."""

    texts: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def extend(self, more: "Columns") -> None:
        """Add rows."""
        self.texts += more.texts
        self.labels += more.labels
        self.sources += more.sources
        self.categories += more.categories
        self.rows += more.rows


class Writer:
    """Takes the same batches as the scan did, in the same order."""

    def __init__(self, objects: ObjectWriter, scanned: Scanned) -> None:
        self._objects = objects
        self._scanned = scanned
        self._next = 0
        self._columns = Columns()
        self._bytes = 0
        self._quarantine = bytearray()
        self._quarantined = 0
        self._pool = LowestRanks[PoolRow](POOL_ROWS, POOL_BYTES)
        self.digest = ContentDigest()
        self.parts: list[Part] = []
        self.quarantine: list[Part] = []
        self.reasons = RowLists[Reason]()
        self.duplicates = PairList()
        self.conflicts = PairList()
        self.near = PairList()
        self.sources = WordCounts()
        self.categories = WordCounts()

    def add(self, batch: RowBatch) -> None:
        """Write a batch, and set aside what does not stay, both in the order of the file."""
        first, self._next = self._next, self._next + len(batch)
        outcome = self._scanned.outcome[first : self._next]
        if batch.bad or outcome.any():
            self._set_aside(batch, first, np.flatnonzero(outcome).tolist())
        kept = np.flatnonzero(outcome == KEPT)
        self._note_repeats(first, kept)
        columns = _columns(batch, kept.tolist())
        self._bytes += self.digest.add(
            columns.texts, columns.labels, columns.sources, columns.categories
        )
        self.sources.add(columns.sources, columns.labels)
        self.categories.add(columns.categories, columns.labels)
        self._offer(first + kept, columns)
        self._columns.extend(columns)
        if self._bytes >= PART_BYTES or len(self._columns.rows) >= PART_ROWS:
            self._flush_part()

    def finish(self) -> list[PoolRow]:
        """Write what is left; the rows kept apart for samples, in the order of their lots."""
        if self._columns.rows:
            self._flush_part()
        if self._quarantine:
            self._flush_quarantine()
        return self._pool.items()

    def _offer(self, places: NDArray[np.intp], columns: Columns) -> None:
        lots = ranks(self._scanned.fingerprints[places], _SEED)
        for index in self._pool.worth(lots).tolist():
            row = PoolRow(
                columns.rows[index],
                columns.texts[index],
                columns.labels[index],
                columns.sources[index],
                columns.categories[index],
            )
            self._pool.add(int(lots[index]), int(places[index]), len(row.text.encode()), row)

    def _note_repeats(self, first: int, kept: NDArray[np.intp]) -> None:
        repeats = self._scanned.repeats[first : self._next][kept]
        for place in np.flatnonzero(repeats != NONE).tolist():
            self._pair(self.near, first + int(kept[place]), int(repeats[place]))

    def _pair(self, pairs: PairList, one: int, other: int) -> None:
        pairs.add(int(self._scanned.rows[one]), int(self._scanned.rows[other]))

    def _set_aside(self, batch: RowBatch, first: int, places: list[int]) -> None:
        """Both lists are in the order of the file: merge them, so that the quarantine is too."""
        bad = iter(batch.bad)
        waiting = next(bad, None)
        for place in [*places, None]:
            row = None if place is None else batch.rows[place]
            while waiting is not None and (row is None or waiting.row < row):
                self._note(waiting.row, waiting.reason, waiting.raw, waiting.raw_bytes, None)
                waiting = next(bad, None)
            if place is None:
                return
            raw = batch.raws[place]
            content = raw if isinstance(raw, bytes) else raw()
            index = first + place
            outcome = int(self._scanned.outcome[index])
            other = int(self._scanned.other[index])
            if outcome == NEAR:
                other = int(self._scanned.repeats[index])
                self._pair(self.near, index, other)
            elif outcome == DUPLICATE:
                self._pair(self.duplicates, index, other)
            elif outcome == CONFLICT:
                self._pair(self.conflicts, index, other)
            self._note(
                batch.rows[place],
                _REASONS[outcome],
                content,
                len(content),
                None if other < 0 else int(self._scanned.rows[other]),
            )

    def _note(
        self, row: int, reason: Reason, raw: bytes, raw_bytes: int, other: int | None
    ) -> None:
        self.reasons.add(reason, row)
        self._quarantine += quarantine_line(row, reason, raw, raw_bytes, other)
        self._quarantined += 1
        if len(self._quarantine) >= _QUARANTINE_BYTES:
            self._flush_quarantine()

    def _flush_part(self) -> None:
        waiting = self._columns
        content = encode_part(
            waiting.texts, waiting.labels, waiting.sources, waiting.categories, waiting.rows
        )
        name = f"part-{len(self.parts):05}.parquet"
        self.parts.append(self._objects.put(name, content, len(waiting.rows)))
        self._columns = Columns()
        self._bytes = 0

    def _flush_quarantine(self) -> None:
        name = f"quarantine-{len(self.quarantine):05}.jsonl"
        content = bytes(self._quarantine)
        self.quarantine.append(self._objects.put(name, content, self._quarantined))
        self._quarantine = bytearray()
        self._quarantined = 0


def quarantine_line(
    row: int, reason: Reason, raw: bytes, raw_bytes: int, other: int | None
) -> bytes:
    """A line of the quarantine file: where a record stood, why it is here, and the record.

    `raw` is the beginning of the record, at most 16 KiB, as text; `raw_base64` stands in its
    place where the record is not UTF-8. `raw_bytes` is the size of the whole record.
    """
    entry: dict[str, Any] = {"row": row, "reasons": [reason]}
    if other is not None:
        entry["other_row"] = other
    kept = raw[:MAX_RAW_BYTES]
    try:
        # What was cut may end within a character, which is left out.
        entry["raw"] = _decoder().decode(kept, final=len(kept) == raw_bytes)
    except UnicodeDecodeError:
        entry["raw_base64"] = base64.b64encode(kept).decode()
    entry["raw_bytes"] = raw_bytes
    return msgspec.json.encode(entry) + b"\n"


_decoder = codecs.getincrementaldecoder("utf-8")


def _columns(batch: RowBatch, places: list[int]) -> Columns:
    """The rows at these places."""
    if len(places) == len(batch):
        return Columns(batch.texts, batch.labels, batch.sources, batch.categories, batch.rows)
    return Columns(
        [batch.texts[place] for place in places],
        [batch.labels[place] for place in places],
        [batch.sources[place] for place in places],
        [batch.categories[place] for place in places],
        [batch.rows[place] for place in places],
    )
