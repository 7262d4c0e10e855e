"""What judges now, in this process: routes that are swapped as a whole.

``ServedModels(load)``: ``routes``; ``detector``, the champion; ``await reload()``;
``follow(deployment, loaded)``.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from model_api.domain.deployments.deployment import Deployment, DeploymentRules, Version
from model_api.domain.deployments.route_plan import plan
from model_api.domain.deployments.routing import Routes, Served
from model_api.domain.judging.detector import BundledDetector

log = logging.getLogger(__name__)


class ServedModels:
    """The packaged bundle, until a deployment says otherwise. A request keeps the routes that it
    began with; nothing here waits."""

    def __init__(self, load: Callable[[], BundledDetector]) -> None:
        self._load = load
        self._reloading = asyncio.Lock()
        self._packaged: Served | None = None
        self._routes: Routes | None = None
        self._deployment: Deployment | None = None

    @property
    def routes(self) -> Routes:
        """Who answers whom; RuntimeError before the first `reload`."""
        if self._routes is None:
            raise RuntimeError("no model was loaded")
        return self._routes

    @property
    def detector(self) -> BundledDetector:
        """The champion."""
        return self.routes.champion.detector

    @property
    def packaged(self) -> Served:
        """The packaged bundle, whether or not it answers."""
        if self._packaged is None:
            raise RuntimeError("no model was loaded")
        return self._packaged

    @property
    def deployment(self) -> Deployment | None:
        """What is desired, if anything was ever deployed."""
        return self._deployment

    async def reload(self) -> Served:
        """Load the packaged bundle again and judge by it.

        BundleRefused, and the present one stays; DeploymentRules where a deployment says what
        judges.
        """
        async with self._reloading:
            self._check_free()
            detector = await asyncio.to_thread(self._load)
            self._check_free()
            now = datetime.now(UTC)
            packaged = self._packaged = Served(detector.version, detector, now, now)
            self._routes = Routes(packaged, pins={packaged.version: packaged})
        log.info(
            "model loaded",
            extra={
                "model": detector.name,
                "model_version": detector.version,
                "digest": detector.digest,
            },
        )
        return packaged

    def resume(self, champion: Version, detector: BundledDetector) -> None:
        """Let the champion that answered before a restart answer again."""
        now = datetime.now(UTC)
        served = Served(champion.version, detector, now, now)
        self._routes = Routes(served, pins={served.version: served})

    def follow(self, deployment: Deployment, loaded: Mapping[str, BundledDetector]) -> None:
        """Judge by the deployment, as far as its versions are `loaded`, by digest."""
        before = self.routes
        self._deployment = deployment
        after = self._routes = plan(before, deployment, loaded, self.packaged, datetime.now(UTC))
        if (after.champion.version, after.champion.digest) != (
            before.champion.version,
            before.champion.digest,
        ):
            log.info(
                "champion changed",
                extra={
                    "model_version": after.champion.version,
                    "digest": after.champion.digest,
                    "generation": after.generation,
                },
            )

    def _check_free(self) -> None:
        if self._deployment is not None:
            raise DeploymentRules(self._deployment.generation)
