"""Every kind of problem that this service answers, in one catalogue."""

from model_api.api.problems import Kind

CATALOGUE: dict[str, Kind] = {}
"""All of them by slug."""


def _kind(slug: str, status: int, title: str, explanation: str) -> Kind:
    kind = CATALOGUE[slug] = Kind(slug, status, title, explanation)
    return kind


MALFORMED_BODY = _kind(
    "malformed-body",
    400,
    "The body is not JSON",
    "The request body must be one JSON document in UTF-8. The detail says at which byte it is not.",
)
MALFORMED_REQUEST = _kind(
    "malformed-request",
    400,
    "The request cannot be read",
    "A header or a parameter of the request has a form that the service cannot read.",
)
UNAUTHENTICATED = _kind(
    "unauthenticated",
    401,
    "The caller is unknown",
    "The call needs `Authorization: Bearer <token>` with a valid, unexpired token of the gateway "
    "or of a service that is trusted.",
)
FORBIDDEN = _kind(
    "forbidden",
    403,
    "The caller may not do this",
    "The caller's token lacks the scope that this call needs; the detail names it.",
)
NOT_THE_PLATFORM_TENANT = _kind(
    "not-the-platform-tenant",
    403,
    "The platform's operator alone may see this",
    "It tells of the inputs of all tenants together, which keys of the platform's own tenant may "
    "see, and those with the scope `admin`.",
)
NOT_FOUND = _kind(
    "not-found",
    404,
    "There is nothing here",
    "No route of this service has this path.",
)
MODEL_NOT_FOUND = _kind(
    "model-not-found",
    404,
    "No such model is loaded",
    "`GET /models` lists the models that are.",
)
POLICY_NOT_FOUND = _kind(
    "policy-not-found",
    404,
    "The tenant has no such policy",
    "`GET /policies` lists the policies that the caller's tenant has.",
)
PREDICTION_NOT_FOUND = _kind(
    "prediction-not-found",
    404,
    "The tenant has no such prediction",
    "The id is of no prediction of the caller's tenant. A prediction made while the database was "
    "away is kept on disk, and can be read here once it has been replayed.",
)
METHOD_NOT_ALLOWED = _kind(
    "method-not-allowed",
    405,
    "The path does not know this method",
    "The `Allow` header, or the OpenAPI document, lists the methods that it knows.",
)
BODY_TOO_SLOW = _kind(
    "body-too-slow",
    408,
    "The body does not come",
    "The whole body must arrive within the time that the detail says, or others could not be "
    "served. Send it again.",
)
POLICY_EXISTS = _kind(
    "policy-exists",
    409,
    "The tenant has a policy of this name",
    "Change it with `PUT /policies/{name}`, or choose another name.",
)
DEPLOYMENT_STALE = _kind(
    "deployment-stale",
    409,
    "A later deployment is stored",
    "A deployment of this generation with other content, or of a higher one, is stored: "
    "`generation` says which. Read it, and decide anew under a higher generation.",
)
DEPLOYMENT_RULES = _kind(
    "deployment-rules",
    409,
    "A deployment says what judges",
    "The packaged bundle is loaded again only where nothing was ever deployed. Deploy a version "
    "with `PUT /models/{name}/deployment` instead.",
)
MODEL_VERSION_NOT_LOADED = _kind(
    "model-version-not-loaded",
    409,
    "The version asked for is not loaded",
    "`GET /models` lists the versions that can be asked for. Leave `model_version` out to be "
    "judged by the champion.",
)
PRECONDITION_FAILED = _kind(
    "precondition-failed",
    412,
    "It has changed in the meantime",
    "The `If-Match` header names a version that is not the current one. Read it again and decide "
    "anew.",
)
BODY_TOO_LARGE = _kind(
    "body-too-large",
    413,
    "The body is too large",
    "The detail says how many bytes a body may have. Send the inputs in several requests.",
)
TEXT_TOO_LONG = _kind(
    "text-too-long",
    413,
    "An input is too long",
    "One input may have 1 MiB in UTF-8. Nothing is ever cut silently: split the text, with "
    "overlaps, and send the parts as `texts`.",
)
UNSUPPORTED_MEDIA_TYPE = _kind(
    "unsupported-media-type",
    415,
    "The body is of the wrong kind",
    "Bodies are `application/json` in UTF-8, without a `Content-Encoding`.",
)
VALIDATION_FAILED = _kind(
    "validation-failed",
    422,
    "The body does not fit its schema",
    "The body is JSON, but not what this route takes; `errors` points to what is wrong.",
)
UNKNOWN_POLICY = _kind(
    "unknown-policy",
    422,
    "The request names a policy that the tenant lacks",
    "Leave `policy` out to be judged by the policy named `default`, which every tenant has.",
)
IDEMPOTENCY_KEY_REUSED = _kind(
    "idempotency-key-reused",
    422,
    "The Idempotency-Key belongs to another request",
    "The same key came before with another body. Use a new key for each new thing to create.",
)
BUNDLE_REFUSED = _kind(
    "bundle-refused",
    422,
    "The model bundle was refused",
    "Its digests or its self-test failed, or it cannot be read; the detail says which. The model "
    "that was loaded before goes on judging.",
)
PRECONDITION_REQUIRED = _kind(
    "precondition-required",
    428,
    "The change needs If-Match",
    "Two may edit a policy, so a change must say which version it changes: send the `ETag` of "
    "`GET /policies/{name}` as `If-Match`.",
)
INTERNAL_ERROR = _kind(
    "internal-error",
    500,
    "The service failed",
    "A defect of the service. Its log has the places, under the request id in `instance`.",
)
KEYS_UNAVAILABLE = _kind(
    "keys-unavailable",
    503,
    "Callers cannot be verified",
    "The public keys of the token's issuer have not been had since the service started, so no "
    "token of it can be verified. They are asked for again every few seconds.",
)
JUDGEMENT_UNAVAILABLE = _kind(
    "judgement-unavailable",
    503,
    "No judgement could be made",
    "The detector failed or took longer than the deadline, and the policy fails closed. Treat the "
    "input as not judged.",
)
OVERLOADED = _kind(
    "overloaded",
    503,
    "Too much is in flight",
    "The service has as many requests, or as many bytes of them, as it may hold. Try again after "
    "`Retry-After` seconds.",
)
RECORDER_FULL = _kind(
    "recorder-full",
    503,
    "The prediction cannot be recorded",
    "The database is away, the spool is full or cannot be written, and the policy fails closed: "
    "an answer that is not recorded would be lost to the audit.",
)
STORAGE_UNAVAILABLE = _kind(
    "storage-unavailable",
    503,
    "The database is away",
    "What this route needs is in PostgreSQL, which is not configured or not to be reached. "
    "Prompts are judged all the same.",
)
