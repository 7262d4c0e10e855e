"""An import from a file to the objects of a version: read twice, in memory that does not depend on
the size of the file but on the number of its rows, about 90 bytes each."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.adapters.datasets.csv_files import read_csv
from training.adapters.datasets.jsonl_files import read_jsonl
from training.adapters.datasets.languages import languages_of_texts
from training.adapters.datasets.objects import ObjectWriter
from training.adapters.datasets.parquet_files import read_parquet
from training.domain.datasets.columns import parse_mapping
from training.domain.datasets.comparison import INDEX_ENTRY
from training.domain.datasets.files import FileFormat, FileInvalid
from training.domain.datasets.personal_data import HINTS, Hint
from training.domain.datasets.profile import Profile, languages_of, lengths_of
from training.domain.datasets.reasons import Reason
from training.domain.datasets.report import (
    Report,
    RowLists,
    findings,
    in_words,
    personal_data,
    warnings,
)
from training.domain.datasets.resolution import KEPT
from training.domain.datasets.rows import RowBatch, RowChecker
from training.domain.datasets.version import Filter, ImportRequest, Part, PoolRow
from training.work.imports.imported import Imported
from training.work.imports.scan import Scan, Scanned
from training.work.imports.sources import Source, Watched, copy_to
from training.work.imports.write import Writer

_INDEX_ENTRIES = 1_000_000
_COPIED_SHARE, _SCAN_SHARE, _RESOLVED_SHARE = 0.1, 0.6, 0.65

type Tell = Callable[[float, str], None]


def import_rows(
    request: ImportRequest,
    source: Source,
    objects: ObjectWriter,
    protected: NDArray[np.uint64],
    scratch: Path,
    tell: Tell,
) -> Imported:
    """Import a file. Raises FileInvalid where no version can be made of it, and OSError, what the
    store raises, and what `tell` raises."""
    is_copied = request.format is FileFormat.PARQUET
    reading = _told(tell, "reading", _COPIED_SHARE if is_copied else 0.0, _SCAN_SHARE)
    writing = _told(tell, "writing", _RESOLVED_SHARE, 1.0)
    if is_copied:
        # Its columns lie apart from each other: it is read from disk, by jumps.
        first = Watched(source, _told(tell, "copying", 0.0, _COPIED_SHARE))
        copy_to(first.chunks(), scratch / "upload.parquet")
    else:
        first = Watched(source, reading)
    with closing(Scan(scratch)) as scan:
        bad = RowLists[Reason]()
        for batch in _batches(request, first, scratch, reading):
            scan.add(batch)
            for each in batch.bad:
                bad.add(each.reason, each.row)
        tell(_SCAN_SHARE, "comparing rows")
        if scan.rows == 0:
            raise _nothing_left(scan.records, bad)
        scanned = scan.finish(protected, drop_near_duplicates=request.drop_near_duplicates)
        records = scan.records
    kept = scanned.outcome == KEPT
    second = Watched(source, writing)
    writer = Writer(objects, scanned)
    for batch in _batches(request, second, scratch, writing):
        writer.add(batch)
    if not kept.any():
        raise _nothing_left(records, writer.reasons)
    pool = writer.finish()
    if not is_copied and first.sha256 != second.sha256:
        raise FileInvalid("The file changed while it was read.")
    return _described(request, records, scanned, kept, writer, pool, objects, first)


def _told(tell: Tell, step: str, start: float, end: float) -> Callable[[float], None]:
    """Tells of a share of one step as the share of the whole that it is."""
    return lambda share: tell(start + share * (end - start), step)


def _batches(
    request: ImportRequest, source: Watched, scratch: Path, tell: Callable[[float], None]
) -> Iterator[RowBatch]:
    mapping, checker = parse_mapping(request.columns), RowChecker(request.source)
    if request.format is FileFormat.JSONL:
        return read_jsonl(source.chunks(), mapping, checker)
    if request.format is FileFormat.CSV:
        return read_csv(source.chunks(), mapping, checker)
    return read_parquet(scratch / "upload.parquet", mapping, checker, tell)


def _nothing_left(records: int, reasons: RowLists[Reason]) -> FileInvalid:
    if records == 0:
        return FileInvalid("The file holds no records: send one for each row.")
    return FileInvalid(f"None of the {records:,} records can be kept: {in_words(reasons)}")


def _described(
    request: ImportRequest,
    records: int,
    scanned: Scanned,
    kept: NDArray[np.bool_],
    writer: Writer,
    pool: list[PoolRow],
    objects: ObjectWriter,
    origin: Watched,
) -> Imported:
    rows = int(kept.sum())
    is_attack = kept & (scanned.labels == 1)
    attacks = int(is_attack.sum())
    hints = _hints(scanned, kept)
    report = Report(
        records,
        rows,
        attacks,
        records - rows,
        findings(writer.reasons),
        writer.duplicates.result(),
        writer.near.result(),
        writer.conflicts.result(),
        personal_data(hints),
        warnings(rows, attacks, records - rows, hints.totals),
        None if request.feedback is None else request.feedback.found,
    )
    profile = Profile(
        rows,
        attacks,
        lengths_of(scanned.lengths[kept]),
        lengths_of(scanned.lengths[is_attack]),
        writer.sources.result(),
        writer.categories.result(),
        len(pool),
        languages_of(languages_of_texts(row.text for row in pool)),
    )
    pool_lines = b"".join(msgspec.json.encode(row) + b"\n" for row in pool)
    return Imported(
        str(writer.digest),
        rows,
        attacks,
        records - rows,
        origin.sha256,
        origin.bytes,
        writer.parts,
        writer.quarantine,
        _write_index(objects, scanned, kept),
        [objects.put("pool.jsonl", pool_lines, len(pool))],
        [Filter(reason, total) for reason, total in sorted(writer.reasons.totals.items())],
        report,
        profile,
    )


def _hints(scanned: Scanned, kept: NDArray[np.bool_]) -> RowLists[Hint]:
    found = RowLists[Hint]()
    for place, hint in enumerate(HINTS):
        for row in scanned.rows[kept & ((scanned.hints >> place) & 1).astype(np.bool_)].tolist():
            found.add(hint, row)
    return found


def _write_index(objects: ObjectWriter, scanned: Scanned, kept: NDArray[np.bool_]) -> list[Part]:
    """What versions are compared by: see `comparison.py`."""
    index = np.zeros(int(kept.sum()), INDEX_ENTRY)
    index["fingerprint"] = scanned.fingerprints[kept]
    index["position"] = np.arange(index.size)
    index["label"] = scanned.labels[kept]
    index.sort(order="fingerprint")
    return [
        objects.put(f"index-{number:05}.bin", piece.tobytes(), piece.size)
        for number, piece in enumerate(
            index[start : start + _INDEX_ENTRIES] for start in range(0, index.size, _INDEX_ENTRIES)
        )
    ]
