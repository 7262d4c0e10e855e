"""The record of a judgement: what is kept of it, and never the text itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from model_api.domain.deployments.routing import Role
from model_api.domain.judging.decision import Decision
from model_api.domain.judging.judgement import ScoredSpan
from model_api.domain.judging.policy import Mode


@dataclass(frozen=True, slots=True)
class Prediction:
    """One judged input, as it is stored and published.

    ``subject_fingerprint`` and ``text_fingerprint`` are HMAC-SHA256 under the service's
    fingerprint key; ``text_length`` is in code points, ``latency_us`` in microseconds.
    ``signals`` maps the name of each signal to its count. ``degraded`` says why the model was
    not asked, or not listened to; None where it judged. ``key_id`` is the API key that asked,
    None where no authentication is configured. ``model_role`` is the role in which the version
    answered.
    """

    id: UUID
    tenant: str
    created_at: datetime
    subject_fingerprint: bytes | None
    session: str | None
    decision: Decision
    would_be_decision: Decision
    score: float | None
    categories: Mapping[str, float]
    spans: tuple[ScoredSpan, ...]
    signals: Mapping[str, int]
    model_name: str
    model_version: str
    model_digest: str
    model_role: Role
    policy_name: str
    policy_version: int
    mode: Mode
    degraded: str | None
    latency_us: int
    text_fingerprint: bytes
    text_length: int
    request_id: str
    key_id: str | None
