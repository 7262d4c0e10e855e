"""What `POST /predict` takes and gives. Unknown fields are refused."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from model_api.domain.deployments.routing import Role
from model_api.domain.limits import (
    MAX_INPUTS,
    MAX_POLICY_NAME_LENGTH,
    MAX_SESSION_LENGTH,
    MAX_SUBJECT_LENGTH,
)

ANSWERING: Mapping[Role, Literal["champion", "canary", "pinned"]] = {
    Role.CHAMPION: "champion",
    Role.CANARY: "canary",
    Role.PINNED: "pinned",
}
"""The roles in which a version may answer: a shadow never does."""

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with its offset from UTC, RFC 3339 in JSON."""


class ChatMessage(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One turn of a conversation; its `content` is one input."""

    role: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    content: str


class PredictRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Inputs to judge: exactly one of `text`, `texts` and `messages`."""

    text: str | None = None
    texts: Annotated[list[str], msgspec.Meta(min_length=1, max_length=MAX_INPUTS)] | None = None
    messages: (
        Annotated[list[ChatMessage], msgspec.Meta(min_length=1, max_length=MAX_INPUTS)] | None
    ) = None
    policy: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=MAX_POLICY_NAME_LENGTH,
            description="The name of the policy to judge by.",
        ),
    ] = "default"
    subject: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=MAX_SUBJECT_LENGTH,
                description="A key of the person the inputs are of; kept only as a keyed hash.",
            ),
        ]
        | None
    ) = None
    session: (
        Annotated[
            str,
            msgspec.Meta(min_length=1, max_length=MAX_SESSION_LENGTH, pattern="^[^\\u0000]*$"),
        ]
        | None
    ) = None
    model_version: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=64,
                description="Judge by this version of the model, which must be loaded.",
            ),
        ]
        | None
    ) = None
    include_windows: Annotated[
        bool, msgspec.Meta(description="Report the score of every window as `spans`.")
    ] = False


class CategoryScore(msgspec.Struct, frozen=True):
    """The score of one kind of attack, in [0, 1]."""

    name: str
    score: float


class SpanScore(msgspec.Struct, frozen=True):
    """A window of the original text, half-open, in code points, and its score in [0, 1]."""

    start: int
    end: int
    score: float


class SignalFound(msgspec.Struct, frozen=True):
    """A trick of Unicode or markup that was undone: how often, and where (the first places)."""

    name: str
    count: int
    spans: list[tuple[int, int]]


class PredictionResult(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the guard says about one input.

    `decision` is what takes effect and `would_be_decision` what the rules say: the two differ in
    monitor mode. `score` is the calibrated P(attack); null where no judgement could be made and the
    policy fails open, in which case `degraded` says why.
    """

    id: str
    index: int
    decision: Literal["allow", "flag", "block"]
    would_be_decision: Literal["allow", "flag", "block"]
    score: float | None
    categories: list[CategoryScore]
    spans: list[SpanScore]
    signals: list[SignalFound]
    latency_ms: float
    degraded: str | None = None


class ModelUsed(msgspec.Struct, frozen=True):
    """The version of the model that judged, and in which role; `digest` is the sha256 of its
    bundle's manifest."""

    name: str
    version: str
    digest: str
    role: Literal["champion", "canary", "pinned"]


class PolicyUsed(msgspec.Struct, frozen=True):
    """The version of the policy that decided; version 0 is the built-in one."""

    name: str
    version: int
    mode: Literal["enforce", "monitor"]


class PredictResponse(msgspec.Struct, frozen=True, kw_only=True):
    """One prediction for each input, in their order.

    `recorded` is true when the predictions are in the database or the spool, or, with `audit`
    `fast`, on their way there.
    """

    predictions: list[PredictionResult]
    model: ModelUsed
    policy: PolicyUsed
    audit: Literal["durable", "fast"]
    recorded: bool
