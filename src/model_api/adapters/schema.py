"""Whether the database has the tables that this version of the service needs.

``check(connection)`` raises ``SchemaBehind``; ``REQUIRED_REVISION``.
"""

import asyncpg

from model_api.adapters.postgres import Connection

REQUIRED_REVISION = "0006"
"""The newest revision under migrations/versions; a later one in the database is welcome, because
every migration leaves the previous version of the service working."""


class SchemaBehind(Exception):
    """The database lacks migrations; the message says what to run."""


async def check(connection: Connection) -> None:
    """Raise SchemaBehind unless the database is at REQUIRED_REVISION or later."""
    try:
        found = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        found = None
    except asyncpg.InsufficientPrivilegeError as error:
        raise SchemaBehind(
            "the service's role has no rights in the database: run `model_api migrate`"
        ) from error
    if found is None or found < REQUIRED_REVISION:
        raise SchemaBehind(
            f"the database is at migration {found or 'none'} and {REQUIRED_REVISION} is needed: "
            "run `model_api migrate`"
        )
