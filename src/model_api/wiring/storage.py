"""Fits what is stored to what the API asks for, and the refusals of the one to the other's."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from litestar.types import ExceptionHandlersMap

from model_api.adapters import idempotency
from model_api.adapters.failures import DatabaseUnavailable, RowsRefused
from model_api.adapters.idempotency import IdempotencyConflict
from model_api.adapters.policies.cache import PolicyCache
from model_api.adapters.policies.store import (
    PolicyChanged,
    PolicyExists,
    PolicyUnknown,
    StoredPolicy,
)
from model_api.adapters.postgres import Database
from model_api.adapters.predictions.feedback_store import Feedback, Label, PredictionUnknown
from model_api.adapters.predictions.store import PredictionStore
from model_api.adapters.predictions.subject_keys import TextCipher, TextUnreadable
from model_api.api import problem_kinds as kinds
from model_api.api.errors import answering
from model_api.domain.judging.policy import DEFAULT_POLICY, Policy
from model_api.domain.prediction import Prediction
from model_api.events.changes import Caller, Changes
from model_api.events.deployment_changes import DeploymentChanges
from model_api.events.recorder import Recorder

log = logging.getLogger(__name__)

REFUSALS: ExceptionHandlersMap = {
    DatabaseUnavailable: answering(
        kinds.STORAGE_UNAVAILABLE, "The database cannot be reached.", retry_after_s=2
    ),
    RowsRefused: answering(kinds.VALIDATION_FAILED, "The database refuses a value of the request."),
    PolicyExists: answering(kinds.POLICY_EXISTS, "The tenant has a policy of this name."),
    PolicyUnknown: answering(kinds.POLICY_NOT_FOUND, "The tenant has no policy of this name."),
    PolicyChanged: answering(kinds.PRECONDITION_FAILED, "The policy is at another version."),
    PredictionUnknown: answering(
        kinds.PREDICTION_NOT_FOUND,
        "The tenant has no such prediction, or it waits on disk to be stored.",
    ),
    IdempotencyConflict: answering(
        kinds.IDEMPOTENCY_KEY_REUSED, "The Idempotency-Key came with another request before."
    ),
}
"""What the API answers where storage refuses."""


class PolicyBook:
    """The policies in force; the built-in one where a tenant has not written its own."""

    def __init__(self, cache: PolicyCache) -> None:
        self._cache = cache

    def find(self, tenant: str, name: str) -> Policy | None:
        """The tenant's policy of this name."""
        found = self._cache.get(tenant, name)
        return DEFAULT_POLICY if found is None and name == DEFAULT_POLICY.name else found


class CachedChanges:
    """Changes that this process judges by at once."""

    def __init__(
        self, changes: Changes, deployments: DeploymentChanges, cache: PolicyCache
    ) -> None:
        self._changes = changes
        self._deployments = deployments
        self._cache = cache

    async def create_policy(self, caller: Caller, policy: Policy) -> StoredPolicy:
        """Store a new policy; PolicyExists, IdempotencyConflict."""
        made = await self._changes.create_policy(caller, policy)
        await self._judge_by_it()
        return made

    async def override_default(self, caller: Caller, policy: Policy) -> StoredPolicy:
        """Store a policy in the place of the built-in one; PolicyChanged where one is there."""
        try:
            return await self.create_policy(caller, policy)
        except PolicyExists:
            raise PolicyChanged(policy.name) from None

    async def replace_policy(
        self, caller: Caller, policy: Policy, expected_version: int | None
    ) -> StoredPolicy:
        """Store a policy's next version; PolicyUnknown, PolicyChanged."""
        made = await self._changes.replace_policy(caller, policy, expected_version)
        await self._judge_by_it()
        return made

    async def delete_policy(self, caller: Caller, name: str, expected_version: int | None) -> None:
        """Delete a policy; PolicyUnknown, PolicyChanged."""
        await self._changes.delete_policy(caller, name, expected_version)
        await self._judge_by_it()

    async def _judge_by_it(self) -> None:
        # The change is committed; a cache that cannot be refreshed now follows by itself.
        with suppress(DatabaseUnavailable):
            await self._cache.refresh()

    async def add_feedback(
        self, caller: Caller, prediction_id: UUID, label: str, note: str | None
    ) -> Feedback:
        """Store feedback; PredictionUnknown, IdempotencyConflict."""
        return await self._changes.add_feedback(caller, prediction_id, Label(label), note)

    async def reload_refused(self, caller: Caller, name: str, refusal: str) -> None:
        """Tell that the model was not replaced: in the log alone where the database is away."""
        try:
            await self._deployments.reload_refused(caller, name, refusal)
        except DatabaseUnavailable:
            log.warning(
                "refused reload not audited: the database cannot be reached",
                extra={"actor": caller.actor, "reason": refusal},
            )

    async def model_reloaded(self, caller: Caller, name: str, version: str, digest: str) -> None:
        """Tell that the model was replaced: in the log alone where the database is away."""
        try:
            await self._changes.model_reloaded(caller, name, version, digest)
        except DatabaseUnavailable:
            log.warning(
                "model reload not audited: the database cannot be reached",
                extra={"actor": caller.actor, "digest": digest},
            )


class Records:
    """Predictions on their way to the recorder, texts sealed where they are to be kept."""

    def __init__(self, recorder: Recorder | None, cipher: TextCipher | None) -> None:
        self._recorder = recorder
        self._cipher = cipher

    async def keep(
        self, predictions: Sequence[Prediction], texts: Sequence[str] | None, *, durable: bool
    ) -> bool:
        """Keep them; RecorderFull. False where there is no recorder."""
        if self._recorder is None:
            return False
        sealed = []
        if texts is not None and self._cipher is not None:
            seal = self._cipher.seal
            sealed = [
                seal(each.tenant, each.subject_fingerprint, each.id, text)
                for each, text in zip(predictions, texts, strict=True)
            ]
        await self._recorder.record(predictions, sealed, durable=durable)
        return True


class AnswerStore:
    """Answers of `POST /predict` in the database, under their idempotency keys."""

    _OPERATION = "predict"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, tenant: str, key: str, request: bytes) -> bytes | None:
        """The kept answer; IdempotencyConflict. None where the database is away: a prompt is
        judged all the same."""
        try:
            async with self._database.connection() as connection:
                return await idempotency.find(connection, tenant, key, self._OPERATION, request)
        except DatabaseUnavailable:
            return None

    async def keep(self, tenant: str, key: str, request: bytes, answer: bytes) -> bytes:
        """Keep the answer unless there is one: the one that is kept; IdempotencyConflict."""
        try:
            async with self._database.connection() as connection:
                return await idempotency.keep_first(
                    connection, tenant, key, self._OPERATION, request, answer
                )
        except DatabaseUnavailable:
            return answer


class StoredTexts:
    """Texts out of the database, in clear."""

    def __init__(self, predictions: PredictionStore, cipher: TextCipher) -> None:
        self._predictions = predictions
        self._cipher = cipher

    async def read(self, tenant: str, prediction_id: UUID) -> str | None:
        """The judged text; None where none is stored, or it can no longer be read."""
        return (await self.read_many(tenant, [prediction_id])).get(prediction_id)

    async def read_many(self, tenant: str, prediction_ids: Sequence[UUID]) -> dict[UUID, str]:
        """The judged texts of those predictions whose text can be read."""
        texts = {}
        for prediction_id, sealed in (
            await self._predictions.sealed_texts(tenant, prediction_ids)
        ).items():
            with suppress(TextUnreadable):
                texts[prediction_id] = self._cipher.open(tenant, prediction_id, sealed)
        return texts
