"""Why a command on a model is refused. The messages are meant for whoever asked."""

from uuid import UUID

from training.domain.lifecycle.model import VersionState


class Refused(Exception):
    """A command that the model's state does not allow."""


class HistoryBroken(Refused):
    """The model's history is not what was recorded: nothing is decided on it."""

    def __init__(self, position: int, what: str) -> None:
        super().__init__(f"The history of the model is broken: event {position} {what}.")
        self.position = position


class HistoryNewer(Refused):
    """The history was gone on with by a newer release: this one does not know what it says."""

    def __init__(self, position: int, type_: str) -> None:
        super().__init__(
            f"Event {position} of the model's history is a {type_}, which this release does not"
            " know: a newer one wrote it. Go back to that release."
        )


class ModelUnknown(Refused):
    """The tenant has no model of this name."""

    def __init__(self) -> None:
        super().__init__("The tenant has no model of this name.")


class PolicyDiffers(Refused):
    """The promotion policy is at another version than that which was to be changed."""

    def __init__(self, version: int) -> None:
        super().__init__(f"The promotion policy is at version {version}.")


class VersionUnknown(Refused):
    """The model has no such version."""

    def __init__(self, version: int) -> None:
        super().__init__(f"There is no version {version}.")


class VersionDiffers(Refused):
    """The version is registered, with another bundle."""

    def __init__(self, version: int, digest: str) -> None:
        super().__init__(f"Version {version} is registered with another bundle, {digest}.")


class TransitionIllegal(Refused):
    """The version is in a state from which there is no such step."""

    def __init__(self, version: int, state: VersionState, wanted: str) -> None:
        super().__init__(f"Version {version} is {state.value}: it cannot be {wanted}.")


class RolloutActive(Refused):
    """The model has a rollout under way."""

    def __init__(self, rollout: UUID) -> None:
        super().__init__(f"Rollout {rollout} is under way; a model has one at a time.")
        self.rollout = rollout


class RolloutNotActive(Refused):
    """The rollout has ended, or is not this model's."""

    def __init__(self, rollout: UUID) -> None:
        super().__init__(f"Rollout {rollout} is not under way.")


class EvaluationWorse(Refused):
    """The report says that the version is worse than the champion."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"The evaluation says that version {version} is worse than the champion; "
            "accept_worse rolls it out all the same."
        )


class NothingToRollBackTo(Refused):
    """No version was champion before."""

    def __init__(self) -> None:
        super().__init__("No version was champion before the present one.")


class ApprovalNotAwaited(Refused):
    """The rollout waits for no approval."""

    def __init__(self, rollout: UUID) -> None:
        super().__init__(f"Rollout {rollout} does not wait for an approval.")


class SecondPersonNeeded(Refused):
    """Whoever proposed a promotion cannot approve it."""

    def __init__(self) -> None:
        super().__init__("Whoever proposed the promotion cannot approve it: a second person must.")


class ApprovalMissing(Refused):
    """The promotion needs an approval that was not given."""

    def __init__(self, rollout: UUID) -> None:
        super().__init__(f"Rollout {rollout} needs the approval of a second person.")


class RolloutNotPaused(Refused):
    """Only a paused rollout is resumed."""

    def __init__(self, rollout: UUID) -> None:
        super().__init__(f"Rollout {rollout} is not paused.")


class RolloutPausedAlready(Refused):
    """The rollout stands still."""

    def __init__(self, rollout: UUID) -> None:
        super().__init__(f"Rollout {rollout} is paused already.")
