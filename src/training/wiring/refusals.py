"""What the API answers where what it is made of refuses: exceptions of the layers below `api`."""

from litestar.types import ExceptionHandlersMap

from training.adapters.datasets.objects import ObjectAltered
from training.adapters.failures import DatabaseUnavailable, RowsRefused
from training.adapters.idempotency import IdempotencyConflict
from training.adapters.object_store import UNAVAILABLE, ObjectMissing, StoreUnavailable
from training.api import problem_kinds as kinds
from training.api.errors import answering

REFUSALS: ExceptionHandlersMap = {
    DatabaseUnavailable: answering(
        kinds.STORAGE_UNAVAILABLE, "The database cannot be reached.", retry_after_s=2
    ),
    RowsRefused: answering(kinds.VALIDATION_FAILED, "The database refuses a value of the request."),
    IdempotencyConflict: answering(
        kinds.IDEMPOTENCY_KEY_REUSED, "The Idempotency-Key came with another request before."
    ),
    ObjectAltered: answering(
        kinds.OBJECTS_UNAVAILABLE, "The object store gave back other bytes than it was given."
    ),
    ObjectMissing: answering(kinds.OBJECTS_UNAVAILABLE, "The object store has lost an object."),
    StoreUnavailable: answering(kinds.OBJECTS_UNAVAILABLE, UNAVAILABLE, retry_after_s=5),
}
"""By the exception; a problem that says more of the case is raised in the area itself."""
