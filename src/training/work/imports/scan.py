"""The first reading of a file: what must be known of all rows before one of them is written."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.adapters.datasets.spill import Spill
from training.domain.datasets.files import FileInvalid
from training.domain.datasets.limits import MAX_ROWS
from training.domain.datasets.near_duplicates import NONE, near_duplicates
from training.domain.datasets.personal_data import find_hints
from training.domain.datasets.resolution import KEPT, NEAR, resolve
from training.domain.datasets.rows import RowBatch
from training.domain.datasets.sketches import BANDS, HASHES, sketch

_MAX_CHARACTERS = 16 << 30


@dataclass(frozen=True, slots=True)
class Scanned:
    """What is known of the rows, in the order of the file; arrays of shape (rows,).

    `outcome` and `other` are those of `resolution.py`; `repeats` is the index of the row that one
    nearly repeats, or -1; `hints` are bits by the place in HINTS; `lengths` are in characters.
    """

    outcome: NDArray[np.uint8]
    other: NDArray[np.int32]
    repeats: NDArray[np.int32]
    rows: NDArray[np.int64]
    labels: NDArray[np.uint8]
    lengths: NDArray[np.int32]
    hints: NDArray[np.uint8]
    fingerprints: NDArray[np.uint64]


class Scan:
    """Takes the rows batch by batch; about 90 bytes of memory a row at its end, more on disk."""

    def __init__(self, scratch: Path) -> None:
        self._spill = Spill(scratch / "scan")
        self._characters = 0
        self.records = 0
        self.rows = 0

    def add(self, batch: RowBatch) -> None:
        """Take some rows. Raises FileInvalid where there are too many."""
        self.records += len(batch) + len(batch.bad)
        if self.records > MAX_ROWS:
            raise FileInvalid(f"The file has more than {MAX_ROWS:,} records.")
        if not batch.texts:
            return
        self.rows += len(batch)
        lengths = np.fromiter(map(len, batch.texts), np.int32, len(batch))
        self._characters += int(lengths.sum())
        if self._characters > _MAX_CHARACTERS:
            raise FileInvalid(f"The texts have more than {_MAX_CHARACTERS:,} characters.")
        found = sketch(batch.texts)
        self._spill.append("rows", np.array(batch.rows, np.int64))
        self._spill.append("labels", np.array(batch.labels, np.uint8))
        self._spill.append("lengths", lengths)
        self._spill.append("hints", find_hints(found.codes, found.first_bytes))
        self._spill.append("fingerprints", found.fingerprints)
        self._spill.append("signatures", found.signatures)
        self._spill.append("comparable", found.tokens > 0)
        for band in range(BANDS):
            self._spill.append(f"band-{band}", found.bands[:, band])

    def finish(self, protected: NDArray[np.uint64], *, drop_near_duplicates: bool) -> Scanned:
        """What becomes of each row, given the ascending fingerprints that must not be there."""
        fingerprints = self._spill.load("fingerprints", np.uint64)
        labels = self._spill.load("labels", np.uint8)
        resolution = resolve(fingerprints, labels, protected)
        outcome = resolution.outcome
        repeats = near_duplicates(
            lambda band: self._spill.load(f"band-{band}", np.uint64),
            self._spill.load("signatures", np.uint8).reshape(-1, HASHES),
            self._spill.load("comparable", np.bool_) & (outcome == KEPT),
        )
        if drop_near_duplicates:
            outcome[repeats != NONE] = NEAR
        return Scanned(
            outcome,
            resolution.other,
            repeats,
            self._spill.load("rows", np.int64),
            labels,
            self._spill.load("lengths", np.int32),
            self._spill.load("hints", np.uint8),
            fingerprints,
        )

    def close(self) -> None:
        """Let go of the files."""
        self._spill.close()
