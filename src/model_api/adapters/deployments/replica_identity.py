"""Who this replica is, across its restarts: ``read_or_make_identity(state_dir)``."""

from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from model_api.adapters.atomic_file import write_atomically

FILE = "replica-id"


def read_or_make_identity(state_dir: Path) -> UUID:
    """The id in the state directory, so that a restart takes the place of the one before in the
    list of replicas; one for this life alone where nothing can be kept there."""
    path = state_dir / FILE
    try:
        return UUID(path.read_text().strip())
    except (OSError, ValueError):
        identity = uuid7()
    try:
        write_atomically(path, f"{identity}\n".encode())
    except OSError:
        return identity
    return identity
