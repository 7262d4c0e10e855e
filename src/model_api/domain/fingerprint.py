"""Keyed fingerprints: equal values are recognised, and none can be told from its fingerprint."""

import hmac

KEY_BYTES = 32


class Fingerprints:
    """HMAC-SHA256 under the service's key, 32 bytes each.

    Tenants are kept apart: one value has another fingerprint with every tenant. Subjects and texts
    are kept apart likewise.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the fingerprint key must be {KEY_BYTES} bytes long")
        self._key = key

    def of_subject(self, tenant: str, subject: str) -> bytes:
        """The fingerprint of a data subject's key."""
        return self._of(b"subject", tenant, subject)

    def of_text(self, tenant: str, text: str) -> bytes:
        """The fingerprint of a judged text."""
        return self._of(b"text", tenant, text)

    def _of(self, kind: bytes, tenant: str, value: str) -> bytes:
        # Tenants hold no NUL, so that no two pairs of tenant and value read the same.
        message = b"\0".join((kind, tenant.encode(), value.encode()))
        return hmac.digest(self._key, message, "sha256")
