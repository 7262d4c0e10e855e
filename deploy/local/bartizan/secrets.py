"""Every secret of one platform: made at the first start, kept in files, the same ever after."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bartizan.credentials import Credential, keep
from bartizan.home import MLFLOW_USER, Home
from bartizan.infrastructure.databases import Database
from bartizan.infrastructure.postgres import SUPERUSER
from bartizan.infrastructure.redis import ADMINISTRATOR
from bartizan.infrastructure.s3 import S3Key
from bartizan.settings import SERVICES

DATABASES = (*SERVICES, "mlflow")
S3_CLIENTS = ("training", "model_api", "mlflow")


@dataclass(frozen=True, slots=True)
class Secrets:
    """Who may come in where. The folder is its owner's alone, and so is each file in it."""

    folder: Path
    superuser: Credential
    databases: dict[str, Database]
    redis_administrator: Credential
    redis: dict[str, Credential]
    s3: dict[str, S3Key]
    mlflow: Credential
    mlflow_session: Credential

    @classmethod
    def of(cls, home: Home) -> Self:
        """The secrets in the state folder; those that are missing are made."""

        def secret(name: str, user: str = "") -> Credential:
            return keep(home.secrets, name, user)

        return cls(
            folder=home.secrets,
            superuser=secret("postgres", SUPERUSER),
            databases={
                name: Database(
                    name=name,
                    owner=secret(f"postgres-{name}_owner", f"{name}_owner"),
                    application=secret(f"postgres-{name}", name),
                )
                for name in DATABASES
            },
            redis_administrator=secret("redis", ADMINISTRATOR),
            redis={service: secret(f"redis-{service}", service) for service in SERVICES},
            s3={
                client: S3Key(secret(f"s3-{client}-access-key"), secret(f"s3-{client}-secret-key"))
                for client in S3_CLIENTS
            },
            mlflow=secret("mlflow", MLFLOW_USER),
            mlflow_session=secret("mlflow-session"),
        )

    @property
    def gateway_signing_key(self) -> Path:
        """Made by the gateway; signs the tokens that it shows to the services."""
        return self.folder / "signing-key.pem"

    @property
    def model_signing_key(self) -> Path:
        """Made by training; signs model bundles and the history of models."""
        return self.folder / "model-signing-key.pem"

    @property
    def model_signing_public_key(self) -> Path:
        """Its public half, also by training: what the guard trusts."""
        return self.folder / "model-signing-key.pub"

    @property
    def training_identity_key(self) -> Path:
        """Made by training; signs the tokens that it shows to other services."""
        return self.folder / "training-identity-key.pem"
