"""What a suite is, without its rows; and the reports that are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from training.domain.evaluation.report import Report
from training.domain.evaluation.suite import Measure
from training.domain.evaluation.verdict import Comparison

MAX_SUITE_ROWS = 100_000
"""Rows of a suite: they are held in memory, several times, while models are compared."""


class SuiteExists(Exception):
    """The tenant has a suite of this name, or one is built in."""


class SuiteUnknown(Exception):
    """The tenant has no suite of this name."""


class SuiteBuiltIn(Exception):
    """The suite comes with the service."""


class SuiteInUse(Exception):
    """Something needs the suite; the message says what."""

    def __init__(self, users: Sequence[str]) -> None:
        super().__init__(f"It is needed by {', '.join(users)}.")


class SuiteInvalid(Exception):
    """The suite cannot be; `pointer` says which part of what was asked is at fault."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer
        self.message = message


@dataclass(frozen=True, slots=True)
class DatasetReference:
    """A dataset version by name."""

    name: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteDefinition:
    """A suite of a tenant's, or a built-in one, which has neither datasets nor a maker.

    It never changes. `is_default`: models are evaluated on it unless suites are named.
    """

    name: str
    description: str
    digest: str
    measures: tuple[Measure, ...]
    protected: bool
    is_default: bool
    rows: int
    attacks: int
    datasets: tuple[DatasetReference, ...] = ()
    created_by: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvaluation:
    """A report as it was made; `against` is the version of the same model it was compared with."""

    id: UUID
    job_id: UUID
    model: str
    version: int
    against: int | None
    report_digest: str
    report: Report
    comparison: Comparison | None
    created_by: str
    created_at: datetime
