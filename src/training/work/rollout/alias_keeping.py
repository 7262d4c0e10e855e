"""Sets MLflow's aliases right: ``AliasKeeper(database, aliases).run(stop)``.

MLflow takes whatever version it is told, from whoever tells it last. A runner that was stopped just
before it moves an alias, and goes on when another has finished its rollout and a later one, moves
it back, and no check of its own can keep it from that: it may be stopped behind the check. So the
registry has the say, again and again.
"""

import asyncio
import contextlib
import logging
from typing import Protocol

from training.adapters.failures import DatabaseUnavailable
from training.adapters.postgres import Database
from training.adapters.rollout import settled
from training.domain.tracking.facts import TrackingAway, TrackingRefused

log = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
"""How long an alias may name another version than the champion, while MLflow answers."""


class Aliases(Protocol):
    """The alias `champion` in MLflow's registry; raises TrackingAway and TrackingRefused."""

    async def point(self, tenant: str, model: str, version: int) -> None:
        """Let the alias name a version."""
        ...

    async def remove(self, tenant: str, model: str) -> None:
        """Let the alias name nothing."""
        ...

    async def pointed(self, tenant: str, model: str) -> int | None:
        """The version that the alias names."""
        ...


class AliasKeeper:
    """Several may run, in several processes: each only says what the registry says."""

    def __init__(
        self, database: Database, aliases: Aliases, *, look_s: float = LOOK_SECONDS
    ) -> None:
        self._database = database
        self._aliases = aliases
        self._look_s = look_s

    async def run(self, stop: asyncio.Event) -> None:
        """Look after the aliases until `stop` is set; whatever is away is waited for."""
        while not stop.is_set():
            try:
                await self.look()
            except (DatabaseUnavailable, TrackingAway) as error:
                log.info("aliases are not looked after", extra={"reason": str(error)})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._look_s)

    async def look(self) -> int:
        """Set right what is wrong; how many were. DatabaseUnavailable, TrackingAway."""
        async with self._database.connection() as connection:
            models = await settled.models(connection)
        return sum([await self._set_right(tenant, model) for tenant, model in models])

    async def _set_right(self, tenant: str, model: str) -> bool:
        where = {"tenant": tenant, "model": model}
        try:
            pointed = await self._aliases.pointed(tenant, model)
            async with self._database.connection() as connection:
                # Read last: this is what is to be true.
                champion = await settled.champion(connection, tenant, model)
            if champion is None or champion.version == pointed:
                return False
            if champion.version is None:
                await self._aliases.remove(tenant, model)
            else:
                await self._aliases.point(tenant, model, champion.version)
        except TrackingRefused as error:
            log.warning("an alias is refused", extra={**where, "reason": str(error)})
            return False
        moved = {"was": pointed, "is": champion.version}
        log.warning("an alias did not name the champion", extra={**where, **moved})
        return True
