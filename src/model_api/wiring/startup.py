"""Opens what outlives requests, and says in the log what the service does without."""

import logging
import os
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from model_api.adapters import schema
from model_api.adapters.failures import DatabaseUnavailable
from model_api.adapters.key_files import (
    KEY_BYTES,
    KeyFileInvalid,
    read_key,
    read_or_make_key,
    read_secret,
)
from model_api.adapters.postgres import Database
from model_api.adapters.predictions.subject_keys import TextCipher
from model_api.adapters.schema import SchemaBehind
from model_api.adapters.spool.errors import SpoolInUse, SpoolUnwritable
from model_api.adapters.spool.spool import Spool
from model_api.api.health import Health
from model_api.domain.bundle import BundleRefused
from model_api.events.recorder import Recorder
from model_api.server import PortUnavailable
from model_api.settings import Settings, SettingsInvalid
from model_api.utils.performance_monitor import PerformanceMonitor
from model_api.utils.recording_metrics import RecorderCounters

REFUSALS = (
    BundleRefused,
    KeyFileInvalid,
    PortUnavailable,
    SchemaBehind,
    SettingsInvalid,
    SpoolInUse,
)
"""Why the service does not start; each says in one line what is wrong."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """What the state directory holds; `spool_dir` is None where it cannot be written."""

    spool_dir: Path | None
    fingerprint_key: bytes
    cipher: TextCipher | None


def open_state(settings: Settings) -> State:
    """The state directory and the keys; KeyFileInvalid."""
    folder = settings.state_dir
    writable = _make(folder)
    if not writable:
        log.warning(
            "the state directory cannot be written: nothing is spooled, and keys last until the "
            "service stops (MODEL_API_STATE_DIR)",
            extra={"state_dir": str(folder)},
        )
    fingerprint_key = _key(settings.fingerprint_key_file, folder / "fingerprint.key", writable)
    text_key = _key(settings.text_key_file, folder / "text.key", writable)
    return State(
        spool_dir=folder / "spool" if writable else None,
        fingerprint_key=fingerprint_key or secrets.token_bytes(KEY_BYTES),
        cipher=TextCipher(text_key) if text_key else None,
    )


async def open_database(
    settings: Settings, stack: AsyncExitStack, health: Health
) -> Database | None:
    """The database, migrated; SchemaBehind, KeyFileInvalid. One that is away may come later."""
    if settings.database_url is None:
        log.info("without a database: built-in policy, records to disk (MODEL_API_DATABASE_URL)")
        health.watch("database", lambda: "not configured")
        return None
    database = await stack.enter_async_context(
        Database(settings.database_url, read_secret(settings.database_password_file))
    )
    health.watch("database", lambda: "available" if database.is_available else "unavailable")
    try:
        async with database.connection() as connection:
            await schema.check(connection)
    except DatabaseUnavailable as error:
        log.warning("the database cannot be reached yet", extra={"reason": str(error)})
    return database


async def open_recorder(
    settings: Settings,
    stack: AsyncExitStack,
    state: State,
    database: Database | None,
    health: Health,
    monitor: PerformanceMonitor,
) -> Recorder | None:
    """The recorder; None where there is neither a database nor a disk to record on."""
    standalone = database is None
    # Without a directory of its own an unopened spool refuses each record, as a full one would.
    folder = state.spool_dir or settings.state_dir / "spool"
    spool = Spool(folder, settings.spool_max_bytes, drop_oldest=standalone)
    if state.spool_dir is not None:
        try:
            stack.enter_context(spool)
        except SpoolUnwritable as error:
            log.warning("the spool cannot be written", extra={"reason": str(error)})
            state = State(None, state.fingerprint_key, state.cipher)
    if standalone and state.spool_dir is None:
        log.warning("predictions are not recorded: there is neither a database nor a spool")
        health.watch("records", lambda: "none")
        return None
    if standalone:
        log.info(
            "predictions are recorded to the spool, the oldest making room for the newest",
            extra={"spool": str(folder), "max_bytes": settings.spool_max_bytes},
        )
    counters = RecorderCounters(monitor.registry)
    recorder = await stack.enter_async_context(Recorder(database, spool, counters))
    health.watch("records", lambda: "spool" if recorder.is_spooling else "database")
    return recorder


def _make(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _key(named: Path | None, generated: Path, writable: bool) -> bytes | None:
    if named is not None:
        return read_key(named)
    if not writable:
        return None
    if generated.exists():
        return read_key(generated)
    try:
        return read_or_make_key(generated)
    except KeyFileInvalid as error:
        log.warning("a key cannot be kept, and lasts until the service stops: %s", error)
        return None
