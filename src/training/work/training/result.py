"""What the process of a training hands to the worker."""

from typing import Any

import msgspec

from training.domain.evaluation.report import Report
from training.domain.evaluation.verdict import Comparison


class TrainResult(msgspec.Struct, frozen=True, kw_only=True):
    """The version that was made; `report` and `comparison` are whole."""

    digest: str
    location: str
    bundle_version: str
    run_id: str
    version: int
    datasets: list[dict[str, Any]]
    parameters: dict[str, Any]
    out_of_fold: dict[str, Any]
    scores: dict[str, float | None]
    report: Report
    against: int | None
    comparison: Comparison | None
