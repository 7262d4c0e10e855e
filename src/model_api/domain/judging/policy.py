"""What a tenant wants done at which score."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from model_api.domain.judging.decision import Decision
from model_api.domain.limits import (
    DEFAULT_DEADLINE_MS,
    MAX_DEADLINE_MS,
    MAX_POLICY_NAME_LENGTH,
    MAX_POLICY_RULES,
    MIN_DEADLINE_MS,
)

ATTACK = "attack"
"""The rule on the score itself; every other rule is on the score of the category it names."""

type Threshold = float | str
"""A score in [0, 1], or the name of an operating point of the loaded model."""

_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


class Mode(StrEnum):
    """Whether decisions take effect, or are only recorded."""

    ENFORCE = "enforce"
    MONITOR = "monitor"


class FailMode(StrEnum):
    """What is answered when no judgement can be made in time: allow, or an error."""

    OPEN = "open"
    CLOSED = "closed"


class AuditMode(StrEnum):
    """Whether the answer waits until the prediction is stored."""

    DURABLE = "durable"
    FAST = "fast"


class PolicyInvalid(ValueError):
    """A policy that cannot be used; ``field`` is the dotted path of what is wrong in it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rule:
    """From which score on an input is flagged, and from which it is blocked."""

    flag: Threshold | None = None
    block: Threshold | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of a policy. It cannot be built with invalid fields (PolicyInvalid).

    ``rules`` maps ATTACK or a category of the model to its rule. Names of categories and of
    operating points are the model's, so ``check_against`` settles them when a policy is written.
    """

    name: str
    version: int
    rules: Mapping[str, Rule]
    mode: Mode = Mode.ENFORCE
    fail_mode: FailMode = FailMode.CLOSED
    deadline_ms: int = DEFAULT_DEADLINE_MS
    audit: AuditMode = AuditMode.DURABLE
    store_text: bool = False

    def __post_init__(self) -> None:
        if len(self.name) > MAX_POLICY_NAME_LENGTH or not _SLUG.fullmatch(self.name):
            raise PolicyInvalid(
                "name",
                f"must be at most {MAX_POLICY_NAME_LENGTH} lower-case letters and digits, "
                "in words joined by - or _",
            )
        if self.version < 0:
            raise PolicyInvalid("version", "must not be negative")
        if not MIN_DEADLINE_MS <= self.deadline_ms <= MAX_DEADLINE_MS:
            raise PolicyInvalid(
                "deadline_ms", f"must be from {MIN_DEADLINE_MS} to {MAX_DEADLINE_MS}"
            )
        if not 1 <= len(self.rules) <= MAX_POLICY_RULES:
            raise PolicyInvalid("rules", f"must hold from 1 to {MAX_POLICY_RULES} rules")
        for category, rule in self.rules.items():
            _check_rule(f"rules.{category}", rule)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy decides about one scored input.

    ``would_be_decision`` is what the rules say, ``decision`` what takes effect: the two differ
    in monitor mode only. ``threshold`` is the lowest of those whose passing led to
    ``would_be_decision``; None when none was passed.
    """

    decision: Decision
    would_be_decision: Decision
    threshold: float | None


def decide(
    policy: Policy,
    score: float,
    categories: Mapping[str, float],
    operating_points: Mapping[str, float],
) -> Verdict:
    """The strictest action whose threshold a score reaches; more score is never more lenient.

    Raises PolicyInvalid where the policy names a category or an operating point that the loaded
    model lacks: to skip such a rule would be to allow silently.
    """
    outcome, threshold = Decision.ALLOW, None
    for category, rule in policy.rules.items():
        field = f"rules.{category}"
        reached = score if category == ATTACK else _category_score(field, category, categories)
        for action, wanted in ((Decision.BLOCK, rule.block), (Decision.FLAG, rule.flag)):
            limit = _resolve(f"{field}.{action}", wanted, operating_points)
            if limit is None or reached < limit or action.severity < outcome.severity:
                continue
            lower = threshold is None or limit < threshold
            if lower or action is not outcome:
                outcome, threshold = action, limit
    enforced = outcome if policy.mode is Mode.ENFORCE else Decision.ALLOW
    return Verdict(enforced, outcome, threshold)


def check_against(
    policy: Policy, categories: Collection[str], operating_points: Mapping[str, float]
) -> None:
    """Refuse, with PolicyInvalid, a policy that the loaded model cannot judge by."""
    for category, rule in policy.rules.items():
        field = f"rules.{category}"
        if category != ATTACK and category not in categories:
            known = ", ".join([ATTACK, *sorted(categories)])
            raise PolicyInvalid(field, f"the model knows no such category; it knows {known}")
        flag = _resolve(f"{field}.flag", rule.flag, operating_points)
        block = _resolve(f"{field}.block", rule.block, operating_points)
        if flag is not None and block is not None and flag > block:
            raise PolicyInvalid(
                f"{field}.flag", f"is {flag}, above block at {block}: it would never flag"
            )


def _check_rule(field: str, rule: Rule) -> None:
    if rule.flag is None and rule.block is None:
        raise PolicyInvalid(field, "must flag, block, or both")
    for action, wanted in (("flag", rule.flag), ("block", rule.block)):
        # NaN passes no comparison, and so no rule.
        if isinstance(wanted, float | int) and not 0 <= wanted <= 1:
            raise PolicyInvalid(f"{field}.{action}", "must be a score from 0 to 1")


def _category_score(field: str, category: str, categories: Mapping[str, float]) -> float:
    try:
        return categories[category]
    except KeyError:
        raise PolicyInvalid(field, "the model knows no such category") from None


def _resolve(
    field: str, wanted: Threshold | None, operating_points: Mapping[str, float]
) -> float | None:
    if not isinstance(wanted, str):
        return wanted
    try:
        return operating_points[wanted]
    except KeyError:
        known = ", ".join(sorted(operating_points))
        raise PolicyInvalid(
            field, f"the model has no such operating point; it has {known}"
        ) from None


DEFAULT_POLICY = Policy(
    name="default", version=0, rules={ATTACK: Rule(flag="sensitive", block="balanced")}
)
"""What judges for every tenant that has not written its own policy of this name."""
