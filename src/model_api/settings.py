"""What the environment says, read once, here and nowhere else."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from model_api.domain.identity import SERVICE_SCOPES

PREFIX = "MODEL_API_"
OPS_PORT_OFFSET = 10_000
SHIPPED_BUNDLE = Path(__file__).parent / "bundle"

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
    relay_ops_port: int | None
    allow_anonymous: bool
    jwks_url: str | None
    jwt_issuer: str
    service_issuers: Mapping[str, str]
    platform_tenant: str
    database_url: str | None
    database_password_file: Path | None
    migration_database_url: str | None
    migration_database_password_file: Path | None
    redis_url: str | None
    redis_password_file: Path | None
    state_dir: Path
    bundle: Path
    s3_url: str | None
    s3_region: str
    s3_access_key_file: Path | None
    s3_secret_key_file: Path | None
    models_bucket: str
    trusted_keys_file: Path | None
    allow_unsigned_bundles: bool
    fingerprint_key_file: Path | None
    text_key_file: Path | None
    spool_max_bytes: int
    max_body_bytes: int
    body_seconds: float
    max_in_flight_requests: int
    max_in_flight_bytes: int
    judge_threads: int
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


def _issuers(value: str) -> Mapping[str, str]:
    issuers = {}
    for pair in value.split(","):
        name, separator, url = (part.strip() for part in pair.partition("="))
        if not separator or name not in SERVICE_SCOPES or name in issuers:
            known = ", ".join(sorted(SERVICE_SCOPES))
            raise ValueError(f"must be pairs name=URL, each once; services may be {known}")
        issuers[name] = _http(url)
    return issuers


_postgresql = _url("postgresql", "postgres")
_redis = _url("redis", "rediss")
_http = _url("http", "https")

VARIABLES = (
    Variable("HOST", str, "127.0.0.1", "address that the API listens on"),
    Variable("PORT", _whole(0, 65_535), "8000", "port of the API"),
    Variable("OPS_PORT", _whole(0, 65_535), None, "port of metrics and probes; PORT + 10000"),
    Variable("RELAY_OPS_PORT", _whole(1, 65_535), None, "the same for relay; none without it"),
    Variable("ALLOW_ANONYMOUS", _switch, "false", "serve other machines without authentication"),
    Variable("JWKS_URL", _http, None, "the gateway's keys; when set, callers must be signed in"),
    Variable("JWT_ISSUER", str, "bartizan", "who must have issued a caller's token"),
    Variable(
        "SERVICE_ISSUERS",
        _issuers,
        None,
        "services trusted beside the gateway, and their keys: training=http://host:port/path",
    ),
    Variable("PLATFORM_TENANT", str, "default", "the tenant that sees figures of all tenants"),
    Variable("DATABASE_URL", _postgresql, None, "postgresql://user@host:port/database"),
    Variable("DATABASE_PASSWORD_FILE", _path, None, "file holding that user's password"),
    Variable("MIGRATION_DATABASE_URL", _postgresql, None, "the same, as owner; for migrate only"),
    Variable("MIGRATION_DATABASE_PASSWORD_FILE", _path, None, "file holding the owner's password"),
    Variable("REDIS_URL", _redis, None, "redis://user@host:port/0; for relay only"),
    Variable("REDIS_PASSWORD_FILE", _path, None, "file holding that user's password"),
    Variable("STATE_DIR", _path, None, "spool, known policies, generated keys; XDG state folder"),
    Variable("BUNDLE", _path, None, "folder of the model bundle; the one shipped"),
    Variable("S3_URL", _http, None, "object store that deployed bundles are fetched from"),
    Variable("S3_REGION", str, "us-east-1", "its region"),
    Variable("S3_ACCESS_KEY_FILE", _path, None, "file holding the access key"),
    Variable("S3_SECRET_KEY_FILE", _path, None, "file holding the secret key"),
    Variable("MODELS_BUCKET", str, "bartizan-models", "bucket of the bundles"),
    Variable(
        "TRUSTED_KEYS_FILE", _path, None, "Ed25519 public keys (PEM) that bundles must be signed by"
    ),
    Variable("ALLOW_UNSIGNED_BUNDLES", _switch, "false", "take deployed bundles without signature"),
    Variable("FINGERPRINT_KEY_FILE", _path, None, "32 bytes in base64; generated in STATE_DIR"),
    Variable("TEXT_KEY_FILE", _path, None, "32 bytes in base64; generated in STATE_DIR"),
    Variable(
        "SPOOL_MAX_BYTES",
        _whole(_MEBIBYTE, 1 << 44),
        str(1 << 30),
        "disk that records may take while the database is away",
    ),
    Variable(
        "MAX_BODY_BYTES",
        _whole(1024, 1 << 30),
        str(32 * _MEBIBYTE),
        "largest request body",
    ),
    Variable("BODY_SECONDS", _seconds, "30", "time in which a request's body must have come"),
    Variable(
        "MAX_IN_FLIGHT_REQUESTS",
        _whole(1, 100_000),
        "512",
        "requests judged at a time; more are answered 503",
    ),
    Variable(
        "MAX_IN_FLIGHT_BYTES",
        _whole(_MEBIBYTE, 1 << 40),
        str(128 * _MEBIBYTE),
        "bytes of request bodies held at a time; more are answered 503",
    ),
    Variable("JUDGE_THREADS", _whole(1, 256), "2", "threads that judge large inputs"),
    Variable("DRAIN_SECONDS", _seconds, "10", "time that requests in flight get at shutdown"),
    Variable("LOG_LEVEL", _log_level, "INFO", f"one of {', '.join(_LOG_LEVELS)}"),
    Variable("TRACE_SAMPLE_RATIO", _fraction, "0.01", "share of requests traced unasked"),
)


def read(environment: Mapping[str, str]) -> Settings:
    """The settings that `environment` asks for.

    Raises SettingsInvalid on a malformed value, an unknown `MODEL_API_` variable, or a
    combination that cannot work. An empty value counts as absent.
    """
    known = {PREFIX + variable.name for variable in VARIABLES}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            raise SettingsInvalid(f"{name} is not a setting of model_api; see `serve --help`")
    values: dict[str, Any] = {
        variable.name.lower(): _value(variable, environment) for variable in VARIABLES
    }
    endpoint = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None
    values["otlp_endpoint"] = endpoint
    values["state_dir"] = values["state_dir"] or _default_state_dir(environment)
    values["service_issuers"] = values["service_issuers"] or {}
    values["bundle"] = values["bundle"] or SHIPPED_BUNDLE
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
    return base / "bartizan" / "model_api"


def _check(settings: Settings) -> None:
    if settings.service_issuers and not settings.jwks_url:
        raise SettingsInvalid(f"{PREFIX}SERVICE_ISSUERS needs {PREFIX}JWKS_URL")
    if settings.jwt_issuer in settings.service_issuers:
        raise SettingsInvalid(f"{PREFIX}JWT_ISSUER must not be one of {PREFIX}SERVICE_ISSUERS")
    if (settings.s3_access_key_file is None) != (settings.s3_secret_key_file is None):
        raise SettingsInvalid(
            f"{PREFIX}S3_ACCESS_KEY_FILE and {PREFIX}S3_SECRET_KEY_FILE go together"
        )
    if settings.port and settings.port == settings.ops_port:
        raise SettingsInvalid(f"{PREFIX}OPS_PORT must differ from {PREFIX}PORT")
    if settings.binds_beyond_loopback and not settings.jwks_url and not settings.allow_anonymous:
        raise SettingsInvalid(
            f"{PREFIX}HOST={settings.host} would serve other machines without authentication: "
            f"set {PREFIX}JWKS_URL, or {PREFIX}ALLOW_ANONYMOUS=true where that is meant"
        )
