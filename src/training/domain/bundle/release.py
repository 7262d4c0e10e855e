"""What is said of a bundle by whoever makes it."""

from dataclasses import dataclass

MAX_NAME_LENGTH = 64
NAME_PATTERN = "^[a-z0-9]+([-_.][a-z0-9]+)*$(?!\\n)"
"""What a model may be called, in the manifest, the registry, MLflow and the store's keys. In Python
`$` matches before a newline at the end as well."""


@dataclass(frozen=True, slots=True)
class Release:
    """What the caller says of a bundle. `created_at` is RFC 3339 in UTC."""

    version: str
    created_at: str
    licence: str
    name: str = "detector"
