"""What the routes ask of the database, as far as they know of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from model_api.api import problem_kinds as kinds
from model_api.api.problems import ProblemError
from model_api.domain.deployments.comparison import Disagreement
from model_api.domain.deployments.deployment import Deployment
from model_api.domain.deployments.replica import ReplicaReport
from model_api.domain.deployments.totals import Totals
from model_api.domain.judging.decision import Decision
from model_api.domain.judging.policy import Policy
from model_api.domain.prediction import Prediction
from model_api.events.changes import Caller


class StoredPolicy(Protocol):
    """A tenant's policy, and when it was first made and last changed."""

    @property
    def policy(self) -> Policy: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def updated_at(self) -> datetime: ...


class StoredFeedback(Protocol):
    """One opinion on one prediction."""

    @property
    def id(self) -> UUID: ...
    @property
    def prediction_id(self) -> UUID: ...
    @property
    def label(self) -> str: ...
    @property
    def note(self) -> str | None: ...
    @property
    def created_at(self) -> datetime: ...


class ListedFeedback(StoredFeedback, Protocol):
    """Feedback in a list."""

    @property
    def superseded(self) -> bool: ...
    @property
    def text_bytes(self) -> int | None: ...


class Policies(Protocol):
    """The written policies."""

    async def get(self, tenant: str, name: str) -> StoredPolicy | None:
        """The tenant's policy of this name."""
        ...

    async def page(self, tenant: str, *, limit: int, after: str = "") -> Sequence[StoredPolicy]:
        """The tenant's policies by name, from beyond `after`."""
        ...


class Predictions(Protocol):
    """The predictions that have reached the database."""

    async def get(self, tenant: str, prediction_id: UUID) -> Prediction | None:
        """The tenant's prediction of this id."""
        ...

    async def page(
        self,
        tenant: str,
        *,
        limit: int,
        before: UUID | None = None,
        decision: Decision | None = None,
        since: datetime | None = None,
    ) -> Sequence[Prediction]:
        """The tenant's predictions, newest first, older than `before`."""
        ...


class FeedbackReader(Protocol):
    """What was said about predictions."""

    async def page(
        self,
        tenant: str,
        *,
        limit: int,
        until: datetime,
        after: UUID | None = None,
        since: datetime | None = None,
        label: str | None = None,
        prediction_id: UUID | None = None,
    ) -> Sequence[ListedFeedback]:
        """The tenant's feedback, oldest first, beyond `after`."""
        ...


class Texts(Protocol):
    """The texts that a policy stored."""

    async def read(self, tenant: str, prediction_id: UUID) -> str | None:
        """The judged text in clear; None where none is stored, or it was forgotten."""
        ...

    async def read_many(self, tenant: str, prediction_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """The texts in clear of those predictions whose text can be read."""
        ...


class Changes(Protocol):
    """Changes of state, each with its audit entry and its event; ProblemError where refused."""

    async def create_policy(self, caller: Caller, policy: Policy) -> StoredPolicy:
        """Store a new policy."""
        ...

    async def override_default(self, caller: Caller, policy: Policy) -> StoredPolicy:
        """Store a policy in the place of the built-in one."""
        ...

    async def replace_policy(
        self, caller: Caller, policy: Policy, expected_version: int | None
    ) -> StoredPolicy:
        """Store a policy's next version."""
        ...

    async def delete_policy(self, caller: Caller, name: str, expected_version: int | None) -> None:
        """Delete a policy."""
        ...

    async def add_feedback(
        self, caller: Caller, prediction_id: UUID, label: str, note: str | None
    ) -> StoredFeedback:
        """Store feedback on a prediction."""
        ...

    async def model_reloaded(self, caller: Caller, name: str, version: str, digest: str) -> None:
        """Tell that the model was replaced."""
        ...

    async def reload_refused(self, caller: Caller, name: str, refusal: str) -> None:
        """Tell that the model was not replaced."""
        ...


class Deployments(Protocol):
    """Which versions are to judge, and what they did."""

    async def deploy(self, caller: Caller, deployment: Deployment) -> None:
        """Say what is to judge."""
        ...

    async def desired(self) -> Deployment | None:
        """What is to judge, if anything was ever deployed."""
        ...

    async def replicas(self) -> Sequence[ReplicaReport]:
        """What each live replica has made of it."""
        ...

    async def totals(self, since: datetime) -> Totals:
        """What each version did."""
        ...

    async def disagreements(
        self,
        tenant: str | None,
        *,
        limit: int,
        before: UUID | None = None,
        version: str | None = None,
    ) -> Sequence[Disagreement]:
        """What a candidate judged otherwise than the champion, newest first; of all tenants
        where `tenant` is None."""
        ...


def stored[Part](part: Part | None) -> Part:
    """`part`, or ProblemError where the service runs without a database."""
    if part is None:
        raise ProblemError(
            kinds.STORAGE_UNAVAILABLE,
            "The service runs without a database; MODEL_API_DATABASE_URL configures one.",
        )
    return part
