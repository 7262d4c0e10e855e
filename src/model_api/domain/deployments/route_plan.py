"""From what is desired and what is loaded: the routes."""

from collections.abc import Callable, Mapping
from datetime import datetime

from model_api.domain.deployments.deployment import Deployment, Version
from model_api.domain.deployments.routing import CanaryRoute, Routes, Served, ShadowRoute, Standing
from model_api.domain.deployments.stickiness import bound_of, salt_of
from model_api.domain.judging.detector import BundledDetector

type _Find = Callable[[Version, Standing], Served | None]
"""A version as it is served where it stands; None where it is not loaded."""


def plan(
    before: Routes,
    deployment: Deployment,
    loaded: Mapping[str, BundledDetector],
    packaged: Served,
    now: datetime,
) -> Routes:
    """The routes that come as close to the deployment as what is ``loaded``, by digest, allows.

    A champion that is not loaded leaves the one before answering, and then the deployment's
    generation does not rule yet; a canary or shadow that is not loaded is left out.
    """
    standings = before.standings()
    loaded_at = {served.digest: served.loaded_at for served, _ in standings}
    known = {(served.version, served.digest, standing): served for served, standing in standings}

    def served(version: Version, standing: Standing) -> Served | None:
        detector = loaded.get(version.digest)
        if detector is None:
            return None
        # Whoever stays where it is keeps the moment since when it is there.
        kept = known.get((version.version, version.digest, standing))
        return kept or Served(version.version, detector, now, loaded_at.get(version.digest, now))

    wanted = (
        packaged if deployment.champion is None else served(deployment.champion, Standing.CHAMPION)
    )
    champion = wanted or before.champion
    pins = {version.version: served(version, Standing.WARM) for version in deployment.versions}
    return Routes(
        champion=champion,
        generation=before.generation if wanted is None else deployment.generation,
        canary=_canary_route(deployment, served),
        shadow=_shadow_route(deployment, served),
        pins={
            champion.version: champion,
            **{version: pinned for version, pinned in pins.items() if pinned is not None},
        },
    )


def _canary_route(deployment: Deployment, served: _Find) -> CanaryRoute | None:
    canary = deployment.canary
    found = None if canary is None else served(canary, Standing.CANARY)
    if canary is None or found is None:
        return None
    # Not of the generation: a change of the weight must leave every key where it is.
    rollout = deployment.rollout_id or canary.digest
    return CanaryRoute(found, canary.sticky_by, salt_of(str(rollout)), bound_of(canary.weight))


def _shadow_route(deployment: Deployment, served: _Find) -> ShadowRoute | None:
    shadow = deployment.shadow
    found = None if shadow is None else served(shadow, Standing.SHADOW)
    if shadow is None or found is None:
        return None
    return ShadowRoute(found, shadow.sample)
