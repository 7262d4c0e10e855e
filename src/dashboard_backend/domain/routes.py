"""The declared table: everything that the gateway passes on, and on what terms.

Public path: `/api/<service><path>`. What is not in the table does not exist for the outside.
"""

from dataclasses import dataclass

from dashboard_backend.domain.scopes import Scope

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table.

    `path` is the upstream's, with `{name}` for a segment; `scope` is what the caller's key needs;
    `body_limit` is in bytes; `deadline` in seconds covers the call from the first byte of the
    request to the last of the answer.
    """

    service: str
    method: str
    path: str
    scope: Scope
    body_limit: int = 0
    deadline: float = 10.0

    @property
    def template(self) -> str:
        """The public path with its placeholders: a bounded label for logs and metrics."""
        return f"/api/{self.service}{self.path}"


ROUTES: tuple[Route, ...] = (
    Route("model_api", "POST", "/predict", Scope.PREDICT, 32 * MIB, 60.0),
    Route("model_api", "GET", "/predictions", Scope.PREDICTIONS_READ),
    Route("model_api", "GET", "/predictions/{prediction_id}", Scope.PREDICTIONS_READ),
    Route("model_api", "POST", "/feedback", Scope.FEEDBACK_WRITE, 64 * 1024),
    Route("model_api", "GET", "/feedback", Scope.PREDICTIONS_READ),
    Route("model_api", "GET", "/policies", Scope.POLICIES_READ),
    Route("model_api", "POST", "/policies", Scope.POLICIES_WRITE, 64 * 1024),
    Route("model_api", "GET", "/policies/{name}", Scope.POLICIES_READ),
    Route("model_api", "PUT", "/policies/{name}", Scope.POLICIES_WRITE, 64 * 1024),
    Route("model_api", "DELETE", "/policies/{name}", Scope.POLICIES_WRITE),
    Route("model_api", "GET", "/models", Scope.MODELS_READ),
    Route("model_api", "GET", "/models/{name}", Scope.MODELS_READ),
    Route("model_api", "POST", "/models/reload", Scope.ADMIN, 64 * 1024, 60.0),
)
