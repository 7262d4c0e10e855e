"""A dataset version: what it is made of, and what it was made from."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from training.domain.datasets.feedback import FeedbackWalk
from training.domain.datasets.files import FileFormat


class Purpose(StrEnum):
    """What a version is for. Training data must not hold what protected suites evaluate with."""

    TRAINING = "training"
    EVALUATION = "evaluation"


@dataclass(frozen=True, slots=True)
class Part:
    """An object of the store; `sha256` is in hexadecimal, `rows` those that it holds."""

    key: str
    sha256: str
    bytes: int
    rows: int


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A row as samples show it; `row` is its number in the file that it came from."""

    row: int
    text: str
    label: int
    source: str
    category: str


@dataclass(frozen=True, slots=True)
class Parent:
    """A version that another one was made from."""

    name: str
    version: int


@dataclass(frozen=True, slots=True)
class Filter:
    """What an import kept out, and how many rows that was."""

    name: str
    removed: int


class OriginKind(StrEnum):
    """Where rows come from: sent by the caller, read from the platform's own store, or asked of
    the guard."""

    UPLOAD = "upload"
    URL = "url"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the rows came from; `sha256` is that of the file as it came."""

    kind: OriginKind
    sha256: str
    bytes: int
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Lineage:
    """How a version came about."""

    origin: Origin
    format: FileFormat
    columns: str
    parents: list[Parent]
    filters: list[Filter]


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What an import is asked for. `source` is that of rows which name none; `columns` maps the
    columns of the file, `drop_near_duplicates` keeps all but the first of them out. `feedback`
    is there where the rows come from the guard."""

    name: str
    format: FileFormat
    source: str
    licence: str
    columns: str = ""
    purpose: Purpose = Purpose.TRAINING
    drop_near_duplicates: bool = False
    parents: tuple[Parent, ...] = ()
    origin: OriginKind = OriginKind.UPLOAD
    feedback: FeedbackWalk | None = None


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Who deleted a version, when and why. Its rows are gone."""

    deleted_at: datetime
    deleted_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """Rows that never change. `digest` is `sha256:<hex>` of them in order (`canonical.py`);
    `parts` are empty in a list, and where the version is deleted."""

    id: UUID
    tenant: str
    name: str
    version: int
    digest: str
    rows: int
    attacks: int
    quarantined: int
    licence: str
    source: str
    purpose: Purpose
    lineage: Lineage
    created_at: datetime
    created_by: str
    job_id: UUID
    deleted: Tombstone | None = None
    parts: tuple[Part, ...] = ()
