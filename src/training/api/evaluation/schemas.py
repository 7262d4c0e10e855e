"""What the routes of suites and evaluations take and give."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from training.api.jobs.schemas import Tag, TagName
from training.api.moments import Moment
from training.domain.evaluation.definition import StoredEvaluation, SuiteDefinition
from training.domain.evaluation.order import EvaluationOrder
from training.domain.evaluation.report import Report
from training.domain.evaluation.suite import Measure
from training.domain.evaluation.verdict import Comparison
from training.domain.jobs.job import MAX_PRIORITY, MIN_PRIORITY
from training.domain.jobs.limits import MAX_TAGS, MAX_TIME_LIMIT_S
from training.domain.trainers.order import DatasetReference, Name

MAX_DATASETS = 64


class SuiteCreate(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A suite to make of dataset versions. It never changes."""

    name: Name
    datasets: Annotated[list[DatasetReference], msgspec.Meta(min_length=1, max_length=MAX_DATASETS)]
    description: Annotated[str, msgspec.Meta(max_length=1000, pattern="^[^\\u0000]*$")] = ""
    measures: Annotated[
        list[Measure] | None,
        msgspec.Meta(
            description="What is measured beside recall and false alarms at the operating points;"
            " everything where left out."
        ),
    ] = None
    protected: Annotated[
        bool, msgspec.Meta(description="Whether imports keep its texts out of training data.")
    ] = True
    default: Annotated[
        bool, msgspec.Meta(description="Whether models are judged on it where no suite is named.")
    ] = False


class SuiteDatasetView(msgspec.Struct, frozen=True):
    """A dataset version."""

    name: str
    version: int


class SuiteView(msgspec.Struct, frozen=True, kw_only=True):
    """A suite; `built_in` ones come with the service."""

    name: str
    description: str
    built_in: bool
    default: bool
    protected: bool
    measures: list[str]
    digest: str
    rows: int
    attacks: int
    datasets: list[SuiteDatasetView]
    created_by: str | None
    created_at: Moment | None


class SuitePage(msgspec.Struct, frozen=True):
    """Suites by name."""

    items: list[SuiteView]
    next_cursor: str | None


class EvaluateRequest(EvaluationOrder, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An evaluation to queue."""

    tags: Annotated[dict[TagName, Tag], msgspec.Meta(max_length=MAX_TAGS)] = msgspec.field(
        default_factory=dict
    )
    priority: Annotated[int, msgspec.Meta(ge=MIN_PRIORITY, le=MAX_PRIORITY)] = 0
    deadline_seconds: Annotated[float, msgspec.Meta(gt=0, le=MAX_TIME_LIMIT_S)] | None = None


class EvaluationView(msgspec.Struct, frozen=True, kw_only=True):
    """A report; `comparison` is with the version `against` of the same model, on the same rows."""

    id: UUID
    job_id: UUID
    model: str
    version: int
    against: int | None
    report_digest: str
    report: dict[str, Any]
    comparison: dict[str, Any] | None
    created_by: str
    created_at: Moment


def suite_view(suite: SuiteDefinition) -> SuiteView:
    """A suite as it is shown."""
    return SuiteView(
        name=suite.name,
        description=suite.description,
        built_in=suite.created_at is None,
        default=suite.is_default,
        protected=suite.protected,
        measures=list(suite.measures),
        digest=suite.digest,
        rows=suite.rows,
        attacks=suite.attacks,
        datasets=[SuiteDatasetView(one.name, one.version) for one in suite.datasets],
        created_by=suite.created_by,
        created_at=suite.created_at,
    )


def evaluation_view(stored: StoredEvaluation) -> EvaluationView:
    """A report as it is shown."""
    comparison: Comparison | None = stored.comparison
    report: Report = stored.report
    return EvaluationView(
        id=stored.id,
        job_id=stored.job_id,
        model=stored.model,
        version=stored.version,
        against=stored.against,
        report_digest=stored.report_digest,
        report=msgspec.to_builtins(report),
        comparison=msgspec.to_builtins(comparison),
        created_by=stored.created_by,
        created_at=stored.created_at,
    )
