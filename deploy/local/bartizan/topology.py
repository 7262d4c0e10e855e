"""The whole platform: which process, what it needs, where it listens, how it shows it is ready."""

from bartizan.credentials import Credential, keep
from bartizan.errors import BartizanError
from bartizan.infrastructure.account import unprivileged_account
from bartizan.infrastructure.databases import Database, create_databases
from bartizan.infrastructure.postgres import SUPERUSER, postgres
from bartizan.infrastructure.postgres_place import find_place
from bartizan.infrastructure.redis import ADMINISTRATOR, redis
from bartizan.ports import LOOPBACK, OPS
from bartizan.settings import SERVICES, Settings
from bartizan.supervision.launching import complete, environment_for
from bartizan.supervision.log_files import tail
from bartizan.supervision.probes import http
from bartizan.supervision.units import Action, Service, Task, Unit

REDIS_RULES = {
    "model_api": "~bartizan:events:* +xadd +ping +client|setinfo +client|setname",
    "dashboard_backend": "~bartizan:dashboard_backend:* +evalsha +eval +script|load +@hash +del "
    "+expire +pexpire +pttl +time +ping +client|setinfo +client|setname",
}


def topology(settings: Settings) -> tuple[Unit, ...]:
    """Every unit, after those that it needs. Makes the passwords that are missing."""
    home, ports = settings.home, settings.ports

    def secret(name: str, user: str) -> Credential:
        return keep(home.secrets, name, user)

    superuser = secret("postgres", SUPERUSER)
    redis_users = {service: secret(f"redis-{service}", service) for service in SERVICES}
    databases = {
        service: Database(
            name=service,
            owner=secret(f"postgres-{service}_owner", f"{service}_owner"),
            application=secret(f"postgres-{service}", service),
        )
        for service in SERVICES
    }
    account = unprivileged_account()
    place = find_place(home, account)

    def environment(service: str, **extra: object) -> dict[str, str]:
        database, prefix = databases[service], f"{service.upper()}_"
        server = f"{LOOPBACK}:{ports.postgres}/{service}"
        ours = {
            "HOST": LOOPBACK,
            "DATABASE_URL": f"postgresql://{database.application.user}@{server}",
            "DATABASE_PASSWORD_FILE": database.application.file,
            "MIGRATION_DATABASE_URL": f"postgresql://{database.owner.user}@{server}",
            "MIGRATION_DATABASE_PASSWORD_FILE": database.owner.file,
            "REDIS_URL": f"redis://{service}@{LOOPBACK}:{ports.redis}/0",
            "REDIS_PASSWORD_FILE": redis_users[service].file,
            "STATE_DIR": home.state(service),
            "DRAIN_SECONDS": 10,
            **extra,
        }
        chosen = {f"{prefix}{name}": str(value) for name, value in ours.items()}
        return environment_for(prefix, settings.environment, chosen)

    environments = {
        "model_api": environment(
            "model_api",
            PORT=ports.model_api,
            RELAY_OPS_PORT=ports.relay_ops,
            JWKS_URL=f"http://{LOOPBACK}:{ports.dashboard_backend}/.well-known/jwks.json",
        ),
        "dashboard_backend": environment(
            "dashboard_backend",
            PORT=ports.dashboard_backend,
            ADMIN_KEY_FILE=home.admin_key,
            SIGNING_KEY_FILE=home.secrets / "signing-key.pem",
            MODEL_API_URL=f"http://{LOOPBACK}:{ports.model_api}",
        ),
    }

    def migration(service: str) -> Action:
        name = f"{service}-migrate"

        async def migrate() -> None:
            command = settings.command(service, "migrate")
            if await complete(command, environments[service], home.log(name)) != 0:
                raise BartizanError(" ".join(tail(home.log(name), 1)) or f"see {home.log(name)}")

        return migrate

    def served(service: str, port: int) -> Service:
        return Service(
            name=service,
            command=settings.command(service, "serve"),
            environment=environments[service],
            needs=("redis", f"{service}-migrate"),
            ready=http(port + OPS),
            address=f"http://{LOOPBACK}:{port}",
        )

    return (
        postgres(home, place, account, superuser, ports.postgres),
        redis(
            home,
            secret("redis", ADMINISTRATOR),
            {redis_users[service]: rules for service, rules in REDIS_RULES.items()},
            ports.redis,
        ),
        Task(
            name="databases",
            needs=("postgres",),
            action=create_databases(list(databases.values()), superuser, ports.postgres),
        ),
        Task(name="model_api-migrate", needs=("databases",), action=migration("model_api")),
        Task(
            name="dashboard_backend-migrate",
            needs=("databases",),
            action=migration("dashboard_backend"),
        ),
        served("model_api", ports.model_api),
        Service(
            name="model_api-relay",
            command=settings.command("model_api", "relay"),
            environment=environments["model_api"],
            needs=("redis", "model_api-migrate"),
            ready=http(ports.relay_ops),
        ),
        served("dashboard_backend", ports.dashboard_backend),
    )
