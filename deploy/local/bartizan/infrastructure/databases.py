"""A database for each service, an owner that migrates it and an application role that uses it."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from bartizan.credentials import Credential
from bartizan.infrastructure.postgres import connect
from bartizan.supervision.units import Action


@dataclass(frozen=True, slots=True)
class Database:
    """The database of a service bears the service's name."""

    name: str
    owner: Credential
    application: Credential


def create_databases(databases: Sequence[Database], superuser: Credential, port: int) -> Action:
    """Creates what is missing and sets the passwords to those in the files; harmless to repeat."""

    async def create() -> None:
        connection = await connect(superuser, port)
        try:
            for database in databases:
                await _role(connection, database.owner)
                await _role(connection, database.application)
                await _database(connection, database)
        finally:
            await connection.close()

    return create


async def _role(connection: asyncpg.Connection, credential: Credential) -> None:
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", credential.user)
    statement = await connection.fetchval(
        "SELECT format($1, $2::text, $3::text)",
        f"{'ALTER' if exists else 'CREATE'} ROLE %I LOGIN PASSWORD %L",
        credential.user,
        credential.password,
    )
    await connection.execute(statement)


async def _database(connection: asyncpg.Connection, database: Database) -> None:
    """Only its two roles and the superuser may connect; only the owner may create in it."""
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database.name):
        await connection.execute(f'CREATE DATABASE "{database.name}" OWNER "{database.owner.user}"')
    await connection.execute(f'REVOKE ALL ON DATABASE "{database.name}" FROM PUBLIC')
    await connection.execute(
        f'GRANT CONNECT ON DATABASE "{database.name}" TO "{database.application.user}"'
    )
