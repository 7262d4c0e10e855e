"""What the environment says, read once, here and nowhere else."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

PREFIX = "TRAINING_"
OPS_PORT_OFFSET = 10_000

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_MEBIBYTE = 1 << 20


class SettingsInvalid(ValueError):
    """The environment asks for something impossible; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an operator may choose. Addresses carry no secrets: those are in files."""

    host: str
    port: int
    ops_port: int
    worker_ops_port: int
    allow_anonymous: bool
    jwks_url: str | None
    jwt_issuer: str
    database_url: str | None
    database_password_file: Path | None
    migration_database_url: str | None
    migration_database_password_file: Path | None
    redis_url: str | None
    redis_password_file: Path | None
    s3_url: str
    s3_region: str
    s3_access_key_file: Path | None
    s3_secret_key_file: Path | None
    data_bucket: str
    models_bucket: str
    import_buckets: tuple[str, ...]
    mlflow_url: str
    mlflow_username: str | None
    mlflow_password_file: Path | None
    model_api_url: str
    platform_tenant: str
    state_dir: Path
    signing_key_file: Path
    signing_public_key_file: Path
    identity_key_file: Path
    max_upload_bytes: int
    body_seconds: float
    ray_addresses: tuple[str, ...]
    worker_places: int
    worker_memory_bytes: int | None
    worker_nice: int
    job_lease_seconds: float
    tenant_concurrency: int
    drain_seconds: float
    log_level: str
    trace_sample_ratio: float
    otlp_endpoint: str | None

    @property
    def own_host(self) -> str:
        """The address under which this machine itself reaches the service."""
        try:
            is_any = ip_address(self.host).is_unspecified
        except ValueError:
            is_any = False
        return "localhost" if is_any else self.host

    @property
    def binds_beyond_loopback(self) -> bool:
        """Whether other machines can reach the API."""
        if self.host == "localhost":
            return False
        try:
            return not ip_address(self.host).is_loopback
        except ValueError:
            return True


class Variable(NamedTuple):
    """One environment variable: its name without the prefix, how to read it, what it is for."""

    name: str
    parse: Callable[[str], object]
    default: str | None
    help: str


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        number = int(value)
        if not low <= number <= high:
            raise ValueError(f"must be from {low} to {high}")
        return number

    return parse


def _fraction(value: str) -> float:
    number = float(value)
    if not 0 <= number <= 1:
        raise ValueError("must be from 0 to 1")
    return number


def _seconds(value: str) -> float:
    number = float(value)
    if not 0 <= number <= 3600:
        raise ValueError("must be from 0 to 3600 seconds")
    return number


def _lease_seconds(value: str) -> float:
    number = float(value)
    if not 1 <= number <= 3600:
        raise ValueError("must be from 1 to 3600 seconds")
    return number


def _names(value: str) -> tuple[str, ...]:
    return tuple(name for name in (each.strip() for each in value.split(",")) if name)


def _switch(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def _log_level(value: str) -> str:
    if value.upper() not in _LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(_LOG_LEVELS)}")
    return value.upper()


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        scheme, separator, rest = value.partition("://")
        if not separator or scheme not in schemes or not rest:
            raise ValueError(f"must begin with {' or '.join(f'{each}://' for each in schemes)}")
        if re.match(r"[^/@]*:[^/@]*@", rest):
            raise ValueError("must not hold a password; name a file that does")
        return value

    return parse


def _path(value: str) -> Path:
    return Path(value).expanduser()


_postgresql = _url("postgresql", "postgres")
_redis = _url("redis", "rediss")
_http = _url("http", "https")

VARIABLES = (
    Variable("HOST", str, "127.0.0.1", "address that the API listens on"),
    Variable("PORT", _whole(0, 65_535), "8002", "port of the API"),
    Variable("OPS_PORT", _whole(0, 65_535), None, "port of metrics and probes; PORT + 10000"),
    Variable("WORKER_OPS_PORT", _whole(0, 65_535), "18012", "the same, of worker"),
    Variable("ALLOW_ANONYMOUS", _switch, "false", "serve other machines without authentication"),
    Variable("JWKS_URL", _http, None, "the gateway's keys; when set, callers must be signed in"),
    Variable("JWT_ISSUER", str, "bartizan", "who must have issued a caller's token"),
    Variable("DATABASE_URL", _postgresql, None, "postgresql://user@host:port/database"),
    Variable("DATABASE_PASSWORD_FILE", _path, None, "file holding that user's password"),
    Variable("MIGRATION_DATABASE_URL", _postgresql, None, "the same, as owner; for migrate only"),
    Variable("MIGRATION_DATABASE_PASSWORD_FILE", _path, None, "file holding the owner's password"),
    Variable("REDIS_URL", _redis, None, "redis://user@host:port/0; events wait without it"),
    Variable("REDIS_PASSWORD_FILE", _path, None, "file holding that user's password"),
    Variable("S3_URL", _http, "http://127.0.0.1:9000", "the object store"),
    Variable("S3_REGION", str, "us-east-1", "its region"),
    Variable("S3_ACCESS_KEY_FILE", _path, None, "file holding the access key of the store"),
    Variable("S3_SECRET_KEY_FILE", _path, None, "file holding the secret key that goes with it"),
    Variable("DATA_BUCKET", str, "bartizan-training", "bucket of uploads, datasets, checkpoints"),
    Variable("MODELS_BUCKET", str, "bartizan-models", "bucket of model bundles"),
    Variable("IMPORT_BUCKETS", _names, None, "buckets that imports read; incoming/ of DATA_BUCKET"),
    Variable("MLFLOW_URL", _http, "http://127.0.0.1:5000", "MLflow's tracking server"),
    Variable("MLFLOW_USERNAME", str, None, "user of MLflow"),
    Variable("MLFLOW_PASSWORD_FILE", _path, None, "file holding that user's password"),
    Variable("MODEL_API_URL", _http, "http://127.0.0.1:8000", "the guard, which is rolled out to"),
    Variable("PLATFORM_TENANT", str, "default", "the tenant that may roll out"),
    Variable("STATE_DIR", _path, None, "generated keys, scratch; XDG state folder"),
    Variable("SIGNING_KEY_FILE", _path, None, "signs bundles and history; made in STATE_DIR"),
    Variable("SIGNING_PUBLIC_KEY_FILE", _path, None, "its public half, for the guard; beside it"),
    Variable("IDENTITY_KEY_FILE", _path, None, "signs calls to other services; made in STATE_DIR"),
    Variable(
        "MAX_UPLOAD_BYTES",
        _whole(1024, 1 << 40),
        str(5 << 30),
        "largest upload of a dataset",
    ),
    Variable("BODY_SECONDS", _seconds, "30", "time in which a request's body must have come"),
    Variable("RAY_ADDRESSES", _names, None, "Ray clusters that trainings may name; none"),
    Variable("WORKER_PLACES", _whole(1, 64), "2", "jobs that one worker runs at a time"),
    Variable(
        "WORKER_MEMORY_BYTES",
        _whole(64 * _MEBIBYTE, 1 << 44),
        None,
        "memory that a job may take; three quarters of all",
    ),
    Variable("WORKER_NICE", _whole(0, 19), "10", "how far jobs give way to other processes"),
    Variable("JOB_LEASE_SECONDS", _lease_seconds, "30", "silence after which a job is taken over"),
    Variable("TENANT_CONCURRENCY", _whole(1, 1024), "2", "jobs of one tenant that run at a time"),
    Variable("DRAIN_SECONDS", _seconds, "10", "time that requests in flight get at shutdown"),
    Variable("LOG_LEVEL", _log_level, "INFO", f"one of {', '.join(_LOG_LEVELS)}"),
    Variable("TRACE_SAMPLE_RATIO", _fraction, "0.01", "share of requests traced unasked"),
)


def read(environment: Mapping[str, str]) -> Settings:
    """The settings that `environment` asks for.

    Raises SettingsInvalid on a malformed value, an unknown `TRAINING_` variable, or a
    combination that cannot work. An empty value counts as absent.
    """
    known = {PREFIX + variable.name for variable in VARIABLES}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            raise SettingsInvalid(f"{name} is not a setting of training; see `serve --help`")
    values: dict[str, Any] = {
        variable.name.lower(): _value(variable, environment) for variable in VARIABLES
    }
    endpoint = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None
    values["otlp_endpoint"] = endpoint
    values["state_dir"] = values["state_dir"] or _default_state_dir(environment)
    values["import_buckets"] = values["import_buckets"] or ()
    values["ray_addresses"] = values["ray_addresses"] or ()
    for name in ("signing", "identity"):
        file = f"{name}_key_file"
        values[file] = values[file] or values["state_dir"] / f"{name}.key"
    values["signing_public_key_file"] = values["signing_public_key_file"] or values[
        "signing_key_file"
    ].with_suffix(".pub")
    if values["ops_port"] is None:
        values["ops_port"] = _default_ops_port(values["port"])
    settings = Settings(**values)
    _check(settings)
    return settings


def _value(variable: Variable, environment: Mapping[str, str]) -> object:
    text = environment.get(PREFIX + variable.name) or variable.default
    if text is None:
        return None
    try:
        return variable.parse(text)
    except ValueError as error:
        raise SettingsInvalid(f"{PREFIX}{variable.name}: {error}") from None


def _default_ops_port(port: object) -> int:
    if port == 0:
        return 0
    if not isinstance(port, int) or port + OPS_PORT_OFFSET > 65_535:
        raise SettingsInvalid(f"{PREFIX}OPS_PORT is needed where {PREFIX}PORT is above 55535")
    return port + OPS_PORT_OFFSET


def _default_state_dir(environment: Mapping[str, str]) -> Path:
    state_home = environment.get("XDG_STATE_HOME")
    base = Path(state_home) if state_home else Path(environment.get("HOME") or "/") / ".local/state"
    return base / "bartizan" / "training"


def _check(settings: Settings) -> None:
    if settings.port and settings.port == settings.ops_port:
        raise SettingsInvalid(f"{PREFIX}OPS_PORT must differ from {PREFIX}PORT")
    if settings.binds_beyond_loopback and not settings.jwks_url and not settings.allow_anonymous:
        raise SettingsInvalid(
            f"{PREFIX}HOST={settings.host} would serve other machines without authentication: "
            f"set {PREFIX}JWKS_URL, or {PREFIX}ALLOW_ANONYMOUS=true where that is meant"
        )
    if (settings.s3_access_key_file is None) != (settings.s3_secret_key_file is None):
        raise SettingsInvalid(
            f"{PREFIX}S3_ACCESS_KEY_FILE and {PREFIX}S3_SECRET_KEY_FILE go together"
        )
    if (settings.mlflow_username is None) != (settings.mlflow_password_file is None):
        raise SettingsInvalid(
            f"{PREFIX}MLFLOW_USERNAME and {PREFIX}MLFLOW_PASSWORD_FILE go together"
        )
