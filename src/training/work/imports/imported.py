"""What the process of an import hands to the worker."""

from dataclasses import dataclass

from training.domain.datasets.profile import Profile
from training.domain.datasets.report import Report
from training.domain.datasets.version import Filter, Part


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made: the objects, and all that is known of the rows in them."""

    digest: str
    rows: int
    attacks: int
    quarantined: int
    origin_sha256: str
    origin_bytes: int
    parts: list[Part]
    quarantine: list[Part]
    index: list[Part]
    pool: list[Part]
    filters: list[Filter]
    report: Report
    profile: Profile
