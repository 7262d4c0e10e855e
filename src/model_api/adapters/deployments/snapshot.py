"""The deployment that was followed last, on disk: what a start without a database goes by.

``DeploymentSnapshot(path)``: ``load()``, ``save(known)``.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from model_api.adapters.atomic_file import put_aside, write_atomically
from model_api.domain.deployments.deployment import Deployment, DeploymentInvalid, Version

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KnownDeployment:
    """What is desired, and the champion that last answered: the two differ while a new champion
    is loaded. ``champion`` is None where that was the packaged bundle."""

    deployment: Deployment
    champion: Version | None


class DeploymentSnapshot:
    """A file that is either the old one or the new one, never a part of either."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> KnownDeployment | None:
        """What was saved last, if anything was. A file that makes no sense is put aside; one that
        cannot be read now stays."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=KnownDeployment)
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.error("deployment snapshot cannot be read", reason=error.strerror)
            return None
        except (msgspec.MsgspecError, UnicodeDecodeError, DeploymentInvalid) as error:
            aside = put_aside(self._path)
            _log.error(
                "deployment snapshot unreadable, put aside",
                reason=type(error).__name__,
                path=str(aside),
            )
            return None

    def save(self, known: KnownDeployment) -> None:
        """Replace the file. OSError."""
        write_atomically(self._path, msgspec.json.encode(known))
