"""The routes come as close to the deployment as what is loaded allows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from model_api.adapters.bundles.files import load_bundle
from model_api.domain.deployments.deployment import Canary, Deployment, Shadow, StickyBy, Version
from model_api.domain.deployments.route_plan import plan
from model_api.domain.deployments.routing import Asker, Role, Routes, Served, Standing
from model_api.domain.judging.detector import BundledDetector
from model_api.tests.support import bundle_factory

START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = START + timedelta(minutes=1)
ROLLOUT = UUID(int=7)


@pytest.fixture(scope="module")
def detectors(tmp_path_factory: pytest.TempPathFactory) -> list[BundledDetector]:
    folder = tmp_path_factory.mktemp("bundles")
    files = bundle_factory.contents()

    def bundle(seed: int) -> BundledDetector:
        described = {**bundle_factory.manifest(files), "seed": seed}
        return load_bundle(bundle_factory.write(folder / Path(str(seed)), files, described))

    return [bundle(seed) for seed in range(4)]


class Situation:
    """A packaged bundle and the versions 1 to 3, some of them loaded."""

    def __init__(self, detectors: list[BundledDetector]) -> None:
        self.packaged = Served("packaged", detectors[0], START, START)
        self.detectors = {detector.digest: detector for detector in detectors[1:]}
        self.versions = [
            Version(str(number), detector.digest, f"default/detector/{number}")
            for number, detector in enumerate(detectors[1:], start=1)
        ]
        self.routes = Routes(self.packaged, pins={"packaged": self.packaged})

    def follow(self, deployment: Deployment, *loaded: Version, at: datetime = LATER) -> Routes:
        present = {version.digest: self.detectors[version.digest] for version in loaded}
        self.routes = plan(self.routes, deployment, present, self.packaged, at)
        return self.routes


@pytest.fixture
def situation(detectors: list[BundledDetector]) -> Situation:
    return Situation(detectors)


def asker(session: str | None = "s", request: str = "r") -> Asker:
    return Asker("acme", session, None, request)


def canary(version: Version, weight: float) -> Canary:
    return Canary(version.version, version.digest, version.location, weight, StickyBy.SESSION)


def test_a_champion_that_is_loaded_answers(situation: Situation) -> None:
    one, two, _ = situation.versions

    routes = situation.follow(Deployment(1, "first", champion=one, warm=(two,)), one, two)

    assert (routes.champion.version, routes.generation) == ("1", 1)
    assert [(served.version, standing) for served, standing in routes.standings()] == [
        ("1", Standing.CHAMPION),
        ("2", Standing.WARM),
    ]
    assert set(routes.pins) == {"1", "2"}


def test_a_champion_that_is_not_loaded_leaves_the_one_before_answering(
    situation: Situation,
) -> None:
    one, two, _ = situation.versions
    situation.follow(Deployment(1, "first", champion=one), one)

    routes = situation.follow(Deployment(2, "next", champion=two), one)
    assert (routes.champion.version, routes.generation) == ("1", 1)
    assert set(routes.pins) == {"1"}

    routes = situation.follow(Deployment(2, "next", champion=two), two)
    assert (routes.champion.version, routes.generation) == ("2", 2)
    assert set(routes.pins) == {"2"}


def test_without_a_champion_the_packaged_bundle_answers(situation: Situation) -> None:
    one, _, _ = situation.versions
    situation.follow(Deployment(1, "first", champion=one), one)

    routes = situation.follow(Deployment(2, "back"))

    assert (routes.champion, routes.generation) == (situation.packaged, 2)


def test_what_is_not_loaded_is_left_out(situation: Situation) -> None:
    one, two, three = situation.versions
    shadow = Shadow(three.version, three.digest, three.location, 0.5)
    deployment = Deployment(1, "try", champion=one, canary=canary(two, 1.0), shadow=shadow)

    routes = situation.follow(deployment, one)
    assert (routes.canary, routes.shadow) == (None, None)
    assert routes.route(asker())[1] is Role.CHAMPION

    routes = situation.follow(deployment, one, two, three)
    assert routes.canary is not None
    assert routes.route(asker())[1] is Role.CANARY
    assert routes.shadow is not None
    assert (routes.shadow.served.version, routes.shadow.sample) == ("3", 0.5)


def test_a_new_generation_leaves_every_key_where_it_is(situation: Situation) -> None:
    one, two, _ = situation.versions

    def at(weight: float, generation: int, rollout: UUID | None) -> set[int]:
        deployment = Deployment(generation, "step", rollout, one, canary(two, weight))
        routes = situation.follow(deployment, one, two)
        return {
            index
            for index in range(500)
            if routes.route(asker(f"session-{index}"))[1] is Role.CANARY
        }

    for rollout in (ROLLOUT, None):
        few = at(0.1, 1, rollout)
        assert few == at(0.1, 2, rollout)
        assert few < at(0.3, 3, rollout) < at(0.9, 4, rollout)
        assert len(at(1.0, 5, rollout)) == 500


@pytest.mark.parametrize("sticky_by", StickyBy)
def test_who_sticks_to_a_version(situation: Situation, sticky_by: StickyBy) -> None:
    one, two, _ = situation.versions
    chosen = replace(canary(two, 0.5), sticky_by=sticky_by)
    routes = situation.follow(Deployment(1, "try", ROLLOUT, one, chosen), one, two)

    def roles(**varied: list[str]) -> int:
        (field, values), *_ = varied.items()
        known = Asker("acme", "s", "p", "r")
        return len({routes.route(replace(known, **{field: value}))[1] for value in values})

    many = [f"value-{index}" for index in range(64)]
    for field in ("session", "subject", "tenant"):
        # A tenant's sessions and subjects are no other's.
        moves = field in (sticky_by.value, "tenant")
        assert roles(**{field: many}) == (2 if moves else 1), field
    assert roles(request_id=many) == 1


def test_requests_without_the_key_that_sticks_are_shared_out_one_by_one(
    situation: Situation,
) -> None:
    one, two, _ = situation.versions
    routes = situation.follow(Deployment(1, "try", None, one, canary(two, 0.3)), one, two)

    roles = [routes.route(asker(None, f"request-{index}"))[1] for index in range(2_000)]

    assert 0.2 < roles.count(Role.CANARY) / len(roles) < 0.4


def test_whoever_stays_where_it_is_keeps_its_moment(situation: Situation) -> None:
    one, two, _ = situation.versions
    situation.follow(Deployment(1, "a", champion=one, warm=(two,)), one, two, at=START)

    kept = situation.follow(Deployment(2, "b", champion=one, warm=(two,)), one, two)
    assert {served.since for served, _ in kept.standings()} == {START}

    swapped = situation.follow(Deployment(3, "c", champion=two, warm=(one,)), one, two)
    assert {served.since for served, _ in swapped.standings()} == {LATER}
    assert {served.loaded_at for served, _ in swapped.standings()} == {START}
