"""What is written down of every change: who did what to which thing."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`actor` is an API key's id, or `system`; `detail` holds neither secrets nor hashes."""

    actor: str
    action: str
    detail: Mapping[str, object] = field(default_factory=dict)
