"""Keeps this replica at the desired deployment.

``DeploymentFollower(...)`` is an async context manager: ``refresh()`` after a change of one's own;
``status`` in words; ``reports``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Self
from uuid import UUID

from model_api.adapters.deployments.snapshot import DeploymentSnapshot, KnownDeployment
from model_api.adapters.deployments.store import CHANNEL, DeploymentStore
from model_api.adapters.failures import DatabaseUnavailable
from model_api.adapters.notifications import Notifications
from model_api.adapters.postgres import Database
from model_api.domain.deployments.deployment import Deployment, Version
from model_api.domain.deployments.replica import VersionReport, VersionState
from model_api.events.changes import Caller
from model_api.events.deployment_changes import DeploymentChanges
from model_api.work.served_models import ServedModels
from model_api.work.version_loader import VersionLoader

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FollowerOptions:
    """``poll_s`` is how often the table is read without a notification, ``retry_s`` how long
    after a failure all is tried again, ``report_s`` how often the replica says that it lives,
    ``start_s`` how long a start waits for its versions. In the audit log of ``platform_tenant``
    stands what replicas do of themselves."""

    poll_s: float = 2.0
    retry_s: float = 1.0
    report_s: float = 4.0
    start_s: float = 15.0
    platform_tenant: str = "default"


class DeploymentFollower:
    """Begins with the deployment that was followed last, and goes on with the database's."""

    def __init__(
        self,
        models: ServedModels,
        loader: VersionLoader,
        snapshot: DeploymentSnapshot,
        database: Database | None,
        replica_id: UUID,
        options: FollowerOptions | None = None,
    ) -> None:
        self._models = models
        self._loader = loader
        self._snapshot = snapshot
        self._store = None if database is None else DeploymentStore(database)
        self._changes = None if database is None else DeploymentChanges(database)
        self._refused: set[tuple[str, str | None]] = set()
        self._notifications = None if database is None else Notifications(database, CHANNEL)
        self._replica_id = replica_id
        self._options = options or FollowerOptions()
        self._champion: Version | None = None
        self._former: Version | None = None
        self._in_force: int | None = None
        self._saved: KnownDeployment | None = None
        self._refreshing = asyncio.Lock()
        self._saving = asyncio.Lock()
        self._news = asyncio.Event()
        self._unsaved = asyncio.Event()
        self._litter = asyncio.Event()
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        try:
            await self._begin()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()
        if self._store is not None:
            try:
                await self._store.leave(self._model, self._replica_id)
            except DatabaseUnavailable as error:
                log.info("could not say farewell to the database", extra={"reason": str(error)})

    async def _begin(self) -> None:
        await self._resume()
        if self._store is not None:
            try:
                await self.refresh()
            except DatabaseUnavailable as error:
                log.warning("judging by the last known deployment", extra={"reason": str(error)})
            except Exception:
                # Such as a row that a later release has written: no reason not to judge.
                log.exception("judging by the last known deployment")
        loading = partial(self._loader.keep_loading, self._loaded)
        self._start(self._forever(loading), "versions")
        try:
            async with asyncio.timeout(self._options.start_s):
                await self._loader.settled()
        except TimeoutError:
            log.warning(
                "starting before the deployed versions are loaded", extra={"status": self.status}
            )
        self._start(self._forever(self._tidy), "bundles")
        self._start(self._forever(self._save_again), "snapshot")
        if self._store is not None and self._notifications is not None:
            self._start(self._forever(partial(self._watch, self._notifications)), "deployments")
            self._start(self._forever(partial(self._report, self._store)), "replica")

    async def _end(self) -> None:
        self._stop.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._notifications is not None:
            self._notifications.close()

    @property
    def status(self) -> str:
        """How far this replica follows, in words for people."""
        deployment = self._models.deployment
        if deployment is None:
            return "none: the packaged bundle judges"
        missing = [
            f"{report.version} {report.state}"
            for report in map(self._loader.report, deployment.versions)
            if report.state is not VersionState.READY
        ]
        return f"generation {deployment.generation}" + "".join(f", {each}" for each in missing)

    @property
    def generation(self) -> int | None:
        """The deployment that is in force here: its champion answers, its canary and its shadow are
        loaded or refused, and the warm ones were tried at least."""
        return self._in_force

    @property
    def reports(self) -> Sequence[VersionReport]:
        """The state of each version, and of the champion where it is that of an earlier
        deployment."""
        deployment = self._models.deployment
        reports = [] if deployment is None else map(self._loader.report, deployment.versions)
        known = {report.version: report for report in reports}
        champion = self._models.routes.champion
        ready = VersionReport(champion.version, champion.digest, VersionState.READY, None)
        return [*known.values(), *([] if champion.version in known else [ready])]

    async def refresh(self) -> None:
        """Follow what the database desires now. DatabaseUnavailable."""
        if self._store is None:
            return
        async with self._refreshing:
            deployment = await self._store.get(self._model)
            # A database that was emptied does not take the champion away.
            if deployment is not None and deployment != self._models.deployment:
                log.info(
                    "following a deployment",
                    extra={
                        "generation": deployment.generation,
                        "rollout_id": str(deployment.rollout_id),
                    },
                )
                await self._follow(deployment)

    @property
    def _model(self) -> str:
        return self._models.packaged.detector.name

    async def _resume(self) -> None:
        known = await asyncio.to_thread(self._snapshot.load)
        if known is None:
            return
        self._saved, self._champion = known, known.champion
        if known.champion is not None:
            detector = await self._loader.load_kept(known.champion)
            if detector is not None:
                self._models.resume(known.champion, detector)
        await self._follow(known.deployment)

    async def _follow(self, deployment: Deployment) -> None:
        self._loader.want(deployment.versions)
        self._models.follow(deployment, self._loader.loaded)
        await self._changed(deployment)

    async def _loaded(self, report: VersionReport) -> None:
        """A version was tried: it is ready, or was refused, or will be tried again."""
        deployment = self._models.deployment
        if deployment is not None:
            self._models.follow(deployment, self._loader.loaded)
            await self._changed(deployment)
        if report.state is VersionState.REFUSED:
            await self._tell_refusal(report)

    async def _changed(self, deployment: Deployment) -> None:
        answers = self._models.routes.generation == deployment.generation
        if answers:
            self._former = self._champion or self._former
            self._champion = None if deployment.champion is None else deployment.champion.plain
        judging = {self._loader.report(version).state for version in deployment.judging}
        is_done = (
            answers
            and VersionState.LOADING not in judging
            # A store that is away keeps nobody from going back to a version that is loaded.
            and all(map(self._loader.was_tried, deployment.versions))
        )
        if is_done:
            self._in_force = deployment.generation
        self._news.set()
        await self._save()
        if is_done:
            self._litter.set()

    async def _save(self) -> None:
        """Have the disk know what is followed; where it fails, later."""
        async with self._saving:
            deployment = self._models.deployment
            if deployment is None:
                return
            known = KnownDeployment(deployment, self._champion)
            try:
                if known != self._saved:
                    await asyncio.to_thread(self._snapshot.save, known)
            except OSError as error:
                if not self._unsaved.is_set():
                    log.error("deployment snapshot not saved", extra={"reason": error.strerror})
                self._unsaved.set()
                return
            self._saved = known
            if self._unsaved.is_set():
                self._unsaved.clear()
                log.info("deployment snapshot saved")

    async def _save_again(self) -> None:
        await self._unsaved.wait()
        await asyncio.sleep(self._options.retry_s)
        await self._save()

    async def _tell_refusal(self, report: VersionReport) -> None:
        """Keep record of a refused bundle: once, however often it is tried."""
        refusal = (report.digest, report.reason)
        if self._changes is None or refusal in self._refused:
            return
        actor = Caller(tenant=self._options.platform_tenant, actor=f"replica:{self._replica_id}")
        try:
            await self._changes.version_refused(actor, self._model, report)
            self._refused.add(refusal)
        except DatabaseUnavailable:
            log.warning(
                "refused version not audited: the database cannot be reached",
                extra={"version": report.version, "digest": report.digest},
            )

    async def _watch(self, notifications: Notifications) -> None:
        await notifications.connect()
        await self.refresh()
        await notifications.wait(self._options.poll_s, self._stop)

    async def _report(self, store: DeploymentStore) -> None:
        self._news.clear()
        await store.report(self._model, self._replica_id, self.generation, self.reports)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._options.report_s):
                await self._news.wait()

    async def _tidy(self) -> None:
        await self._litter.wait()
        self._litter.clear()
        # Where the packaged bundle answers, the champion before it stays at hand.
        kept = self._champion or self._former
        await self._loader.forget_others([] if kept is None else [kept])

    async def _forever(self, step: Callable[[], Awaitable[None]]) -> None:
        """One step after another: whatever is wrong with one, the next may do."""
        while True:
            try:
                await step()
            except DatabaseUnavailable:
                await asyncio.sleep(self._options.retry_s)
            except Exception:
                log.exception("following the deployment failed")
                await asyncio.sleep(self._options.retry_s)

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))
