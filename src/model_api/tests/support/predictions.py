"""Makes predictions to record."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from uuid_utils.compat import uuid7

from model_api.domain.deployments.routing import Role
from model_api.domain.judging.decision import Decision
from model_api.domain.judging.judgement import ScoredSpan
from model_api.domain.judging.policy import Mode
from model_api.domain.prediction import Prediction


def a_prediction(tenant: str = "acme", **fields: Any) -> Prediction:
    """A blocked prediction with every field filled; ``fields`` replace some."""
    prediction = Prediction(
        id=uuid7(),
        tenant=tenant,
        created_at=datetime.now(UTC),
        subject_fingerprint=b"\x00subject\xff",
        session="session-1",
        decision=Decision.BLOCK,
        would_be_decision=Decision.BLOCK,
        score=0.1 + 0.2,
        categories={"jailbreak": 0.25, "prompt_injection": 0.5},
        spans=(ScoredSpan(0, 12, 0.75), ScoredSpan(8, 20, 0.5)),
        signals={"zero_width": 3},
        model_name="detector",
        model_version="1.0.0",
        model_digest="sha256:00",
        model_role=Role.CHAMPION,
        policy_name="default",
        policy_version=0,
        mode=Mode.ENFORCE,
        degraded=None,
        latency_us=850,
        text_fingerprint=b"\x01text\xfe",
        text_length=20,
        request_id="request-1",
        key_id="key-1",
    )
    return replace(prediction, **fields)
