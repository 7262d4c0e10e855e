"""What the training service offers to the outside: data, jobs, models and their rollouts."""

from functools import partial

from dashboard_backend.domain.route import Route
from dashboard_backend.domain.scopes import Scope

_JSON = 64 * 1024
_FILE = 5 * 1024**3
_HOURS = 3600.0
# Above the service's own patience with a slow caller, whose refusal says what was kept.
_STALL = 120.0
# A job tells something every few seconds, in its log too, or that it is still there.
_STILL_THERE = 60.0

_route = partial(Route, "training")
_read_data = partial(_route, "GET", scope=Scope.DATA_READ)
_read_model = partial(_route, "GET", scope=Scope.MODELS_READ)
_read_job = partial(_route, "GET", scope=Scope.JOBS_READ)
_upload = partial(
    _route, scope=Scope.DATA_WRITE, body_limit=_FILE, deadline=12 * _HOURS, idle=_STALL
)
_begin_job = partial(_route, "POST", scope=Scope.JOBS_WRITE, body_limit=_JSON, deadline=30.0)
_promote = partial(_route, "POST", scope=Scope.MODELS_PROMOTE, body_limit=_JSON, deadline=30.0)

_VERSION = "/data/{name}/versions/{version}"
_MODEL = "/models/{name}"
_MODEL_VERSION = "/models/{name}/versions/{version}"
_ROLLOUT = "/models/{name}/rollouts/{rollout_id}"

_DATA: tuple[Route, ...] = (
    _upload("POST", "/data"),
    _upload("PATCH", "/data/uploads/{upload_id}"),
    _route("POST", "/data/uploads", Scope.DATA_WRITE, _JSON),
    _route("POST", "/data/uploads/{upload_id}/complete", Scope.DATA_WRITE, _JSON, 30.0),
    _route("DELETE", "/data/uploads/{upload_id}", Scope.DATA_WRITE, deadline=30.0),
    _route("HEAD", "/data/uploads/{upload_id}", Scope.DATA_READ),
    _read_data("/data/uploads"),
    _read_data("/data/uploads/{upload_id}"),
    # It reads all the feedback before it answers. Training asks for `predictions:read` as well.
    _route("POST", "/data/from-feedback", Scope.DATA_WRITE, _JSON, 600.0),
    _read_data("/data"),
    _read_data("/data/{name}"),
    _read_data(_VERSION),
    _read_data(f"{_VERSION}/report"),
    _read_data(f"{_VERSION}/profile"),
    _read_data(f"{_VERSION}/quarantine", deadline=_HOURS, idle=_STALL),
    _read_data(f"{_VERSION}/sample", deadline=60.0),
    _read_data(f"{_VERSION}/diff", deadline=300.0),
    _route("DELETE", _VERSION, Scope.DATA_WRITE, deadline=60.0),
    _read_data("/suites"),
    _read_data("/suites/{name}"),
    _route("POST", "/suites", Scope.DATA_WRITE, _JSON, 60.0),
    _route("DELETE", "/suites/{name}", Scope.DATA_WRITE, deadline=30.0),
)

_JOBS: tuple[Route, ...] = (
    _begin_job("/train"),
    _begin_job("/evaluate"),
    _read_job("/trainers"),
    _read_job("/jobs"),
    _read_job("/jobs/{job_id}"),
    _read_job("/jobs/{job_id}/report"),
    _read_job("/jobs/{job_id}/events", idle=_STILL_THERE, open_ended=True),
    _read_job("/jobs/{job_id}/log", idle=_STILL_THERE, open_ended=True),
    _begin_job("/jobs/{job_id}/cancel"),
    _begin_job("/jobs/{job_id}/retry"),
)

_MODELS: tuple[Route, ...] = (
    _read_model("/models"),
    _read_model(_MODEL),
    _read_model(f"{_MODEL}/versions"),
    _read_model(_MODEL_VERSION),
    _read_model(f"{_MODEL_VERSION}/history"),
    _read_model(f"{_MODEL_VERSION}/report"),
    _promote(f"{_MODEL_VERSION}/reject"),
    _promote(f"{_MODEL_VERSION}/retire"),
    _read_model(f"{_MODEL}/promotion-policy"),
    _route("PUT", f"{_MODEL}/promotion-policy", Scope.MODELS_PROMOTE, _JSON),
    _promote(f"{_MODEL}/rollback"),
    _read_model(f"{_MODEL}/rollouts"),
    _promote(f"{_MODEL}/rollouts"),
    _read_model(_ROLLOUT),
    _promote(f"{_ROLLOUT}/pause"),
    _promote(f"{_ROLLOUT}/resume"),
    _promote(f"{_ROLLOUT}/approve"),
    _promote(f"{_ROLLOUT}/promote"),
    _promote(f"{_ROLLOUT}/rollback"),
    # With `verify` it goes through the whole chain.
    _route("GET", "/audit", Scope.AUDIT_READ, deadline=120.0),
)

ROUTES: tuple[Route, ...] = (*_DATA, *_JOBS, *_MODELS)
