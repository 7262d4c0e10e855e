"""Random passwords, each in a file that only its owner reads."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Credential:
    """A name at PostgreSQL or Redis, with its password and the file that keeps it."""

    user: str
    file: Path
    password: str


def keep(folder: Path, name: str, user: str) -> Credential:
    """The credential kept under `name`, made at the first call and the same ever after.

    The file appears whole or not at all: a crash in between must not leave an empty password.
    """
    file = folder / f"{name}.password"
    if not file.exists():
        draft = file.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(32))
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    return Credential(user=user, file=file, password=file.read_text().strip())
