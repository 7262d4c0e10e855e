"""What two versions made of the same inputs: a candidate against the champion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from model_api.domain.deployments.routing import Role, Served
from model_api.domain.judging.decision import Decision
from model_api.domain.judging.policy import Policy


@dataclass(frozen=True, slots=True)
class AnsweredInput:
    """An input, and what was answered: what the rules said, whether or not it took effect."""

    prediction_id: UUID
    text: str
    decision: Decision
    score: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Inputs of one tenant that a version answered and another is to judge too, by the same policy.

    ``role`` is that of the candidate: a shadow judges what the champion ``answered``, and of what
    a canary answered the champion is the ``other``.
    """

    tenant: str
    inputs: Sequence[AnsweredInput]
    policy: Policy
    answered: Served
    other: Served
    role: Role

    @property
    def characters(self) -> int:
        """The length of the inputs together."""
        return sum(len(each.text) for each in self.inputs)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What a version said of an input, and what the champion said of it, by the same policy.

    ``tenant`` is None where a replica told of it that did not yet know whose the input was.
    """

    id: UUID
    tenant: str | None
    prediction_id: UUID
    at: datetime
    version: str
    decision: Decision
    score: float
    champion_version: str
    champion_decision: Decision
    champion_score: float
