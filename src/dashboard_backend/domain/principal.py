"""Who is asking, once the door has been opened."""

from dataclasses import dataclass
from uuid import UUID

from dashboard_backend.domain.scopes import Scope


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of an API key: all that the rest of the gateway knows of the caller."""

    key_id: UUID
    tenant: str
    scopes: frozenset[Scope]
    requests_per_minute: int | None = None
