"""Why the life of a model does not go on as somebody asked, and how that is answered."""

from uuid import UUID

from litestar.types import ExceptionHandlersMap

from training.api import problem_kinds as kinds
from training.api.errors import telling
from training.api.problem_kinds import kind
from training.api.problems import Kind, ProblemError
from training.domain.lifecycle import refusals
from training.domain.lifecycle.chain import HistoryTooLong
from training.domain.rollout.refusals import RolloutUnknown, StepIllegal

MODEL_NOT_FOUND = kind(
    "model-not-found", 404, "There is no such model", "The tenant has no model of this name."
)
MODEL_VERSION_NOT_FOUND = kind(
    "model-version-not-found", 404, "There is no such version", "The model has no such version."
)
HISTORY_BROKEN = kind(
    "history-broken",
    500,
    "The model's history is not what was recorded",
    "The detail says which event was changed, is missing or is not signed. Nothing is decided on "
    "such a history: have an operator run `registry verify`, and restore the rows.",
)
HISTORY_NEWER = kind(
    "history-newer",
    500,
    "The model's history was gone on with by a newer release",
    "The detail names the event that this release does not know. Nothing is decided on such a "
    "history: go back to the newer release.",
)
HISTORY_TOO_LONG = kind(
    "history-too-long",
    422,
    "The histories are too long to be verified while somebody waits",
    "Nothing is wrong with them as far as they were followed. Have an operator run "
    "`registry verify`.",
)
ROLLOUT_NOT_FOUND = kind(
    "rollout-not-found", 404, "There is no such rollout", "The model has no such rollout."
)
ROLLOUT_ACTIVE = kind(
    "rollout-active",
    409,
    "A rollout is under way",
    "A model has one rollout at a time. Wait for it, or roll it back. The detail names it.",
)
ROLLOUT_STATE = kind(
    "rollout-state",
    409,
    "The rollout's state does not allow this",
    "The detail says in which state the rollout is. What is over cannot be changed; only what is "
    "paused is resumed, and only what waits for an approval is approved.",
)
TRANSITION_ILLEGAL = kind(
    "transition-illegal",
    409,
    "The version's state does not allow this",
    "A version that was rejected, or that is champion, is not rolled out; one that is in a rollout "
    "or is champion is neither rejected nor retired. The detail says in which state it is.",
)
EVALUATION_WORSE = kind(
    "evaluation-worse",
    409,
    "The version is worse than the champion",
    "The paired evaluation says so. `accept_worse` rolls the version out all the same.",
)
NOTHING_TO_ROLL_BACK_TO = kind(
    "nothing-to-roll-back-to",
    409,
    "There is no former champion",
    "No version was champion before the present one, so that there is none to go back to.",
)
SECOND_PERSON_NEEDED = kind(
    "second-person-needed",
    403,
    "A second person must approve",
    "The model's promotion policy asks for four eyes: whoever started a rollout, or skipped steps "
    "of it last, cannot approve it.",
)

_KINDS: dict[type[Exception], Kind] = {
    refusals.HistoryBroken: HISTORY_BROKEN,
    refusals.HistoryNewer: HISTORY_NEWER,
    HistoryTooLong: HISTORY_TOO_LONG,
    refusals.ModelUnknown: MODEL_NOT_FOUND,
    refusals.PolicyDiffers: kinds.PRECONDITION_FAILED,
    refusals.VersionUnknown: MODEL_VERSION_NOT_FOUND,
    refusals.TransitionIllegal: TRANSITION_ILLEGAL,
    refusals.RolloutActive: ROLLOUT_ACTIVE,
    refusals.RolloutNotActive: ROLLOUT_STATE,
    refusals.RolloutNotPaused: ROLLOUT_STATE,
    refusals.RolloutPausedAlready: ROLLOUT_STATE,
    refusals.ApprovalNotAwaited: ROLLOUT_STATE,
    refusals.EvaluationWorse: EVALUATION_WORSE,
    refusals.NothingToRollBackTo: NOTHING_TO_ROLL_BACK_TO,
    refusals.SecondPersonNeeded: SECOND_PERSON_NEEDED,
    StepIllegal: ROLLOUT_STATE,
    RolloutUnknown: ROLLOUT_NOT_FOUND,
}


HANDLERS: ExceptionHandlersMap = {error: telling(of) for error, of in _KINDS.items()}
"""The refusals say of themselves what people are to know."""


def model_not_found() -> ProblemError:
    """The tenant has no model of the name in the path."""
    return ProblemError(MODEL_NOT_FOUND, "The tenant has no model of this name.")


def version_not_found(version: int) -> ProblemError:
    """The model has no version of the number in the path."""
    return ProblemError(MODEL_VERSION_NOT_FOUND, f"There is no version {version}.")


def rollout_not_found(rollout_id: UUID) -> ProblemError:
    """The model has no rollout of the id in the path."""
    return ProblemError(ROLLOUT_NOT_FOUND, f"The model has no rollout {rollout_id}.")
