"""What is said of a bundle by whoever makes it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """What the caller says of a bundle. `created_at` is RFC 3339 in UTC."""

    version: str
    created_at: str
    licence: str
    name: str = "detector"
