"""What the training service answers, as far as the commands show it."""

from datetime import datetime
from typing import Any

import msgspec

TRAINING = "/api/training"


class Upload(msgspec.Struct):
    """A file on its way. `offset` is where it goes on."""

    id: str
    state: str
    offset: int
    job_id: str | None = None


class ImportStarted(msgspec.Struct):
    """The job that makes a dataset version of a file."""

    job_id: str


class Progress(msgspec.Struct):
    """How far a job is; `fraction` in [0, 1]."""

    fraction: float = 0.0
    step: str = ""
    numbers: dict[str, float] = {}
    eta_seconds: float | None = None


class JobError(msgspec.Struct):
    """Why a job did not succeed, or why it waits."""

    code: str
    message: str


class Job(msgspec.Struct):
    """A job. `result` is whatever its kind yields."""

    id: str
    kind: str
    state: str
    attempt: int = 0
    parameters: dict[str, Any] = {}
    progress: Progress | None = None
    result: dict[str, Any] | None = None
    error: JobError | None = None

    @property
    def has_ended(self) -> bool:
        return self.state not in ("queued", "running")


class Dataset(msgspec.Struct):
    """A dataset version."""

    name: str
    version: int
    digest: str
    rows: int
    attacks: int
    quarantined: int
    licence: str


class Finding(msgspec.Struct):
    """Why rows were kept out: how many, and the first of them."""

    reason: str
    explanation: str
    total: int
    rows: list[int]


class Hint(msgspec.Struct):
    """Rows that seem to hold a kind of personal data: how many, and the first of them."""

    hint: str
    total: int
    rows: list[int]


class Pair(msgspec.Struct, frozen=True):
    """A row, and the one that it repeats or contradicts."""

    row: int
    other: int


class Pairs(msgspec.Struct, frozen=True):
    """How many rows repeat or contradict another one, and the first of them."""

    total: int = 0
    pairs: list[Pair] = []


class ImportReport(msgspec.Struct):
    """What an import found."""

    records: int
    rows: int
    attacks: int
    quarantined: int
    findings: list[Finding]
    personal_data: list[Hint] = []
    near_duplicates: Pairs = Pairs()
    label_conflicts: Pairs = Pairs()
    warnings: list[str] = []


class Difference(msgspec.Struct):
    """How the two did at one thing: `measure` of the rows of a suite, or of a group of them."""

    suite: str
    axis: str
    group: str
    measure: str
    rows: int
    candidate: float
    champion: float
    low: float
    high: float
    verdict: str


class SuiteComparison(msgspec.Struct):
    """How the two did on one suite."""

    differences: list[Difference] = []


class Comparison(msgspec.Struct):
    """How a version compares with the champion of its time."""

    verdict: str
    summary: str
    suites: list[SuiteComparison] = []


class Evaluation(msgspec.Struct):
    """How a version was judged."""

    comparison: Comparison | None = None


class Trained(msgspec.Struct):
    """What a training came to. `same_bundle_as` is an earlier version of the same digest."""

    version: int
    comparison: Comparison | None = None
    same_bundle_as: int | None = None


class Gate(msgspec.Struct):
    """What a gate said last."""

    gate: str
    outcome: str
    in_words: str


class Ending(msgspec.Struct):
    """Why a rollout went back."""

    cause: str
    reason: str
    actor: str


class Rollout(msgspec.Struct):
    """A rollout as it stands."""

    id: str
    model: str
    version: int
    state: str
    step: int
    plan: list[dict[str, Any]]
    kind: str = "rollout"
    step_started_at: datetime | None = None
    step_predictions: int = 0
    waiting_for: str | None = None
    gate_results: list[Gate] = []
    ending: Ending | None = None
    former_champion: str | None = None


class Model(msgspec.Struct):
    """A model and its champion."""

    name: str
    champion: int | None
    latest_version: int | None
    active_rollout: str | None = None


class Version(msgspec.Struct):
    """A version of a model."""

    version: int
    state: str
    digest: str
    bundle_version: str
    registered_at: str
    registered_by: str
    verdict: str | None = None


class Event(msgspec.Struct):
    """An event in the life of a version."""

    position: int
    type: str
    at: str
    actor: str
    reason: str
    hash: str
    version: int | None = None
    evidence: dict[str, Any] = {}
    previous_hash: str | None = None
    key_id: str | None = None
    signature: str | None = None


class Jobs(msgspec.Struct):
    items: list[Job]
    next_cursor: str | None = None


class Models(msgspec.Struct):
    items: list[Model]
    next_cursor: str | None = None


class Versions(msgspec.Struct):
    items: list[Version]
    next_cursor: str | None = None


class Events(msgspec.Struct):
    items: list[Event]
    next_cursor: str | None = None


class BadEvent(msgspec.Struct):
    """The first event that is not what was recorded."""

    model: str
    position: int
    what: str


class Verification(msgspec.Struct):
    """Whether every history is what was recorded."""

    sound: bool
    models: int
    events: int
    first_bad: BadEvent | None = None


class Key(msgspec.Struct):
    id: str
    name: str


class Keys(msgspec.Struct):
    items: list[Key]
    next_cursor: str | None = None


class Audit(msgspec.Struct):
    verification: Verification | None = None
