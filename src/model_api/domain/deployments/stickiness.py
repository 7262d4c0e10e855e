"""Who goes to the canary: the same keys as long as it runs, and more of them as its weight grows.

A key's place is a keyed hash of it, uniform on 0..2**64; the canary has all places below its
weight. So raising the weight only ever adds keys, and the share of keys is the weight.
"""

import hashlib

_PLACES = 1 << 64
_MAX_SALT_BYTES = hashlib.blake2b.MAX_KEY_SIZE


def salt_of(rollout: str) -> bytes:
    """The hash's key for a rollout, so that two rollouts do not begin with the same few."""
    return rollout.encode()[:_MAX_SALT_BYTES]


def bound_of(weight: float) -> int:
    """The place from which on keys stay with the champion, for a weight in [0, 1]."""
    return int(weight * _PLACES)


def place_of(salt: bytes, kind: str, tenant: str, value: str) -> int:
    """The place of a key: of a tenant's session, say. No two tenants share a key."""
    # Tenants and kinds hold no NUL, so that no two triples read the same.
    key = "\0".join((kind, tenant, value)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8, key=salt).digest())
