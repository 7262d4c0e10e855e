"""The embedded PostgreSQL: made at the first start, TCP on the loopback address, passwords only."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import asyncpg
import psutil

from bartizan.credentials import Credential
from bartizan.errors import BartizanError
from bartizan.home import Home
from bartizan.infrastructure.account import Account
from bartizan.infrastructure.postgres_place import MAJOR, PostgresPlace
from bartizan.ports import LOOPBACK
from bartizan.supervision.units import Service

SUPERUSER = "postgres"


def postgres(
    home: Home, place: PostgresPlace, account: Account | None, superuser: Credential, port: int
) -> Service:
    """The server as a unit. Its log keeps no values of rows or parameters."""
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        # No socket file: its path may be 107 bytes at most, and TCP is enough.
        "unix_socket_directories": "",
        "max_connections": "200",
        "log_error_verbosity": "terse",
    }
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]

    async def prepare() -> None:
        if not (place.data / "PG_VERSION").exists():
            await _create_cluster(place, account, superuser, home.log("postgres"))
        refuse_other_version(place.data)
        _forget_recycled_pid(place.data)

    async def ready() -> bool:
        try:
            connection = await connect(superuser, port)
        except asyncpg.InvalidPasswordError:
            raise BartizanError(
                f"PostgreSQL refuses the password in {superuser.file}: put the one back that the "
                "data was made with, or begin anew with `bartizan reset`"
            ) from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True

    return Service(
        name="postgres",
        command=(place.program("postgres"), "-D", str(place.data), *options),
        environment={"PATH": "/usr/bin:/bin"},
        prepare=prepare,
        ready=ready,
        address=f"postgresql://{LOOPBACK}:{port}",
        account=account,
        # "Fast": ends the sessions and writes a checkpoint; SIGTERM would wait for the clients.
        stop_signal=signal.SIGINT,
        stop_seconds=30.0,
    )


async def connect(
    credential: Credential, port: int, database: str = "postgres"
) -> asyncpg.Connection:
    """A connection whose statements, which may hold passwords, never reach the server's log."""
    return await asyncpg.connect(
        host=LOOPBACK,
        port=port,
        user=credential.user,
        password=credential.password,
        database=database,
        ssl=False,
        timeout=5,
        server_settings={"log_min_error_statement": "panic"},
    )


async def _create_cluster(
    place: PostgresPlace, account: Account | None, superuser: Credential, log: Path
) -> None:
    draft = place.data.with_name("draft")
    password = place.data.with_name("draft.password")
    shutil.rmtree(draft, ignore_errors=True)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(password.unlink, missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(superuser.password)
        if account is not None:
            os.chown(password, account.uid, account.gid)
        process = await asyncio.create_subprocess_exec(
            place.program("initdb"),
            *("--pgdata", str(draft), "--username", SUPERUSER, f"--pwfile={password}"),
            *("--auth=scram-sha-256", "--encoding=UTF8"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            env={"PATH": "/usr/bin:/bin"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        output, _ = await process.communicate()
    with log.open("ab") as stream:
        stream.write(output)
    if process.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        reason = _reason(output.decode(errors="replace"))
        raise BartizanError(f"PostgreSQL could not create its data directory: {reason}")
    # Whole or not at all: a start that was cut off leaves no half-made data directory.
    draft.replace(place.data)


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if "error" in line.lower()]
    return lines[0] if lines else f"initdb gave no reason, see {'log/postgres.log'}"


def refuse_other_version(data: Path) -> None:
    """Raises `BartizanError` where the data directory is of another major version."""
    found = (data / "PG_VERSION").read_text().strip()
    if found != str(MAJOR):
        raise BartizanError(
            f"{data} was made by PostgreSQL {found}, and this release runs {MAJOR}: dump the "
            "databases with the release that made it (pg_dumpall), run `bartizan reset`, restore"
        )


def _forget_recycled_pid(data: Path) -> None:
    """Removes a pid file of a dead server whose pid now belongs to something else altogether.

    PostgreSQL would take that process for a server on the same data and refuse to start.
    """
    file = data / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
        pid = int(file.read_text().splitlines()[0])
        if psutil.Process(pid).name() != "postgres":
            file.unlink()
