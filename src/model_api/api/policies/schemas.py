"""What the routes of policies take and give."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from model_api.api.predictions.schemas import Moment
from model_api.domain.judging.policy import AuditMode, FailMode, Mode, Policy, Rule
from model_api.domain.limits import (
    DEFAULT_DEADLINE_MS,
    MAX_DEADLINE_MS,
    MAX_POLICY_NAME_LENGTH,
    MAX_POLICY_RULES,
    MIN_DEADLINE_MS,
)

Score = Annotated[float, msgspec.Meta(ge=0, le=1)]
OperatingPoint = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class RuleBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """From which score on to flag, and from which to block: a number in [0, 1], or the name of an
    operating point of the loaded model (`GET /models`)."""

    flag: Score | OperatingPoint | None = None
    block: Score | OperatingPoint | None = None


Rules = Annotated[
    dict[str, RuleBody],
    msgspec.Meta(
        min_length=1,
        max_length=MAX_POLICY_RULES,
        description="By category of the model, or `attack` for the score itself.",
    ),
]


class PolicyUpdate(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """All of a policy but its name: a change gives the whole new version."""

    rules: Rules
    mode: Literal["enforce", "monitor"] = "enforce"
    fail_mode: Literal["open", "closed"] = "closed"
    deadline_ms: Annotated[int, msgspec.Meta(ge=MIN_DEADLINE_MS, le=MAX_DEADLINE_MS)] = (
        DEFAULT_DEADLINE_MS
    )
    audit: Literal["durable", "fast"] = "durable"
    store_text: bool = False

    def to_policy(self, name: str) -> Policy:
        """The policy that is meant; raises PolicyInvalid."""
        return Policy(
            name=name,
            version=0,
            rules={key: Rule(rule.flag, rule.block) for key, rule in self.rules.items()},
            mode=Mode(self.mode),
            fail_mode=FailMode(self.fail_mode),
            deadline_ms=self.deadline_ms,
            audit=AuditMode(self.audit),
            store_text=self.store_text,
        )


class PolicyCreate(PolicyUpdate, frozen=True, kw_only=True):
    """A new policy. One named `default` judges where a request names none."""

    name: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=MAX_POLICY_NAME_LENGTH,
            pattern="^[a-z0-9]+([-_][a-z0-9]+)*$",
        ),
    ]


class PolicyView(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as it is in force. Version 0 is the built-in one, which was never written."""

    name: str
    version: int
    mode: Literal["enforce", "monitor"]
    fail_mode: Literal["open", "closed"]
    deadline_ms: int
    audit: Literal["durable", "fast"]
    store_text: bool
    rules: dict[str, RuleBody]
    created_at: Moment | None
    updated_at: Moment | None


class PolicyPage(msgspec.Struct, frozen=True):
    """Policies in the order of their names."""

    items: list[PolicyView]
    next_cursor: str | None


def view(
    policy: Policy, created_at: datetime | None = None, updated_at: datetime | None = None
) -> PolicyView:
    """A policy as it is shown."""
    return PolicyView(
        name=policy.name,
        version=policy.version,
        mode=policy.mode.value,
        fail_mode=policy.fail_mode.value,
        deadline_ms=policy.deadline_ms,
        audit=policy.audit.value,
        store_text=policy.store_text,
        rules={key: RuleBody(rule.flag, rule.block) for key, rule in policy.rules.items()},
        created_at=created_at,
        updated_at=updated_at,
    )
