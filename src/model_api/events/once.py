"""Work that is done once for an idempotency key: ``once(connection, tenant, key, ...)``."""

import hashlib
from collections.abc import Awaitable, Callable

import msgspec

from model_api.adapters import idempotency
from model_api.adapters.postgres import Connection


async def once[Result](
    connection: Connection,
    tenant: str,
    key: str | None,
    operation: str,
    request: object,
    kind: type[Result],
    work: Callable[[Connection], Awaitable[Result]],
) -> Result:
    """Do the work in the caller's transaction, or give its earlier result for the same request.

    Raises IdempotencyConflict where the key came with another operation or request, and whatever
    the work raises, which leaves the key unused.
    """
    if key is None:
        return await work(connection)
    request_hash = hashlib.sha256(msgspec.json.encode(request, order="deterministic")).digest()
    kept = await idempotency.claim(connection, tenant, key, operation, request_hash)
    if kept is not None:
        return msgspec.json.decode(kept, type=kind)
    result = await work(connection)
    await idempotency.keep(connection, tenant, key, msgspec.json.encode(result))
    return result
