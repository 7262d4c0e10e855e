"""The background work around API keys: making ready, hearing of changes, writing down uses."""

import asyncio
import contextlib
from pathlib import Path
from uuid import UUID

import asyncpg
import structlog

from dashboard_backend.adapters.first_key import FirstKeyError, ensure_first_key
from dashboard_backend.adapters.key_directory import KeyDirectory
from dashboard_backend.adapters.postgres import AWAY, Database
from dashboard_backend.domain.key_records import KeysUnavailableError

SCHEMA_VERSION = "0001"
CHANNEL = "api_keys_changed"
_RETRY_SECONDS = 1.0
_SILENCE_SECONDS = 5.0
_WRITE_SECONDS = 10.0

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class KeyUpkeep:
    """Runs for the life of the process; survives the database being away."""

    def __init__(
        self, database: Database, directory: KeyDirectory, first_key_file: Path | None
    ) -> None:
        """`first_key_file` may be None where a key exists already."""
        self._database = database
        self._directory = directory
        self._first_key_file = first_key_file
        self.started = False
        self.waiting_for = "the database"

    async def run(self) -> None:
        """Never returns; to be cancelled at shutdown, after which `finish` may be called."""
        await self._prepare()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._write_uses())

    async def finish(self) -> None:
        """Write down what is left, if the database is there."""
        with contextlib.suppress(KeysUnavailableError):
            await self._directory.write_uses()

    async def _prepare(self) -> None:
        while not self.started:
            reason = await self._obstacle()
            if reason is None:
                self._directory.seen()
                self.started = True
                log.info("keys ready")
                return
            if reason != self.waiting_for:
                log.warning("not ready", waiting_for=reason)
            self.waiting_for = reason
            await asyncio.sleep(_RETRY_SECONDS)

    async def _obstacle(self) -> str | None:
        """What keeps the service from starting, in words; None when it is ready."""
        try:
            async with self._database.connection() as connection:
                version = await connection.fetchval("SELECT version_num FROM alembic_version")
            if version != SCHEMA_VERSION:
                return f"the schema to be {SCHEMA_VERSION}, it is {version}: run `migrate`"
            if await ensure_first_key(self._database, self._first_key_file):
                log.warning("first admin key written", file=str(self._first_key_file))
        except KeysUnavailableError as error:
            if isinstance(error.__cause__, asyncpg.UndefinedTableError):
                return "the schema: run `migrate`"
            return f"the database ({type(error.__cause__).__name__})"
        except FirstKeyError as error:
            return str(error)
        return None

    async def _listen(self) -> None:
        """Hear of changes made through any replica, or by hand in the database."""
        while True:
            try:
                connection = await self._database.dedicated()
            except AWAY:
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            try:
                await connection.add_listener(CHANNEL, self._heard)
                # What changed while nobody listened was not heard.
                self._directory.doubt()
                while True:
                    await connection.fetchval("SELECT 1", timeout=_SILENCE_SECONDS)
                    self._directory.seen()
                    await asyncio.sleep(_SILENCE_SECONDS)
            except AWAY as error:
                log.warning("listening for key changes broke off", error=type(error).__name__)
            finally:
                connection.terminate()

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._directory.forget(UUID(str(payload)))

    async def _write_uses(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            with contextlib.suppress(KeysUnavailableError):
                await self._directory.write_uses()
