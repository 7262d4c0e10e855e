"""Loads the versions that a deployment names, one after another, and again where that failed.

``VersionLoader(library, models)``: ``want(versions)``; ``loaded``, by digest; ``report(version)``;
``was_tried(version)``; ``keep_loading(tell)`` runs until cancelled; ``settled()``;
``forget_others(keep)``.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from model_api.adapters.bundles.library import BundleLibrary, BundleUnavailable
from model_api.adapters.bundles.signature import KeysUnreadable
from model_api.domain.bundle import BundleRefused
from model_api.domain.deployments.deployment import Version
from model_api.domain.deployments.replica import VersionReport, VersionState
from model_api.domain.judging.detector import BundledDetector
from model_api.work.served_models import ServedModels

FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 30.0
REFUSED_RETRY_S = 60.0
"""A refused bundle may be put right in the store; nobody waits for that."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Attempts:
    """What came of a version since it was asked for last; ``retry_at`` is on the clock of
    ``time.monotonic``."""

    state: VersionState = VersionState.LOADING
    reason: str | None = None
    failures: int = 0
    retry_at: float = 0.0
    is_tried: bool = False


class VersionLoader:
    """What is wanted is loaded in the order given, but first of all what is on this machine: it
    does not wait for a store that hangs. A version that is no longer wanted is dropped, even while
    it is being fetched."""

    def __init__(self, library: BundleLibrary, models: ServedModels) -> None:
        self._library = library
        self._models = models
        self._wanted: dict[str, Version] = {}
        self._attempts: dict[str, _Attempts] = {}
        self._loaded: dict[str, BundledDetector] = {}
        self._changed = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._disk = asyncio.Lock()

    @property
    def loaded(self) -> Mapping[str, BundledDetector]:
        """The wanted detectors that are there, by digest."""
        return self._loaded

    async def settled(self) -> None:
        """Wait until every wanted version is loaded, or was tried in vain."""
        await self._settled.wait()

    def want(self, versions: Sequence[Version]) -> None:
        """Load these, of which there may be several of one digest, and drop all others."""
        packaged = self._models.packaged
        self._wanted = {}
        for version in versions:
            self._wanted.setdefault(version.digest, version)
        # Whoever asks anew wants it tried anew: what was found before is no answer.
        self._attempts = {digest: _Attempts() for digest in self._wanted}
        self._loaded = {
            digest: detector for digest, detector in self._loaded.items() if digest in self._wanted
        }
        if packaged.digest in self._wanted:
            # It came with the service, and is trusted as the service's own code is.
            self._loaded[packaged.digest] = packaged.detector
        self._note_progress()
        self._changed.set()

    def report(self, version: Version) -> VersionReport:
        """What has become of a version."""
        if version.digest in self._loaded:
            return VersionReport(version.version, version.digest, VersionState.READY, None)
        attempts = self._attempts.get(version.digest, _Attempts())
        return VersionReport(version.version, version.digest, attempts.state, attempts.reason)

    def was_tried(self, version: Version) -> bool:
        """Whether it is loaded, or was tried at least once since it was asked for last."""
        attempts = self._attempts.get(version.digest, _Attempts())
        return version.digest in self._loaded or attempts.is_tried

    async def load_kept(self, version: Version) -> BundledDetector | None:
        """The detector of the copy on this machine, which stays if it is wanted next."""
        packaged = self._models.packaged
        if version.digest == packaged.digest:
            return packaged.detector
        model = packaged.detector.name
        try:
            detector = await asyncio.to_thread(self._library.load_kept, model, version)
        except KeysUnreadable as error:
            log.error("kept bundle cannot be checked", extra={"reason": str(error)})
            return None
        if detector is not None:
            self._loaded[version.digest] = detector
        return detector

    async def keep_loading(self, tell: Callable[[VersionReport], Awaitable[None]]) -> None:
        """Load whatever is due, and tell what came of it."""
        while True:
            self._changed.clear()
            due = self._next()
            if due is None:
                await self._changed.wait()
                continue
            version, wait_s = due
            if wait_s > 0:
                await self._unless_changed(wait_s)
                continue
            if await self._attempt(version):
                await tell(self.report(version))

    async def forget_others(self, keep: Iterable[Version]) -> None:
        """Delete the copies of all versions that are neither wanted nor to be kept."""
        async with self._disk:
            digests = {*self._wanted, *(version.digest for version in keep)}
            await asyncio.to_thread(self._library.collect, digests)

    def _next(self) -> tuple[Version, float] | None:
        """The version to load next, and in how many seconds."""
        now = time.monotonic()
        waits = [
            (max(0.0, self._attempts[digest].retry_at - now), version)
            for digest, version in self._wanted.items()
            if digest not in self._loaded
        ]
        if not waits:
            return None
        wait_s, version = min(waits, key=lambda each: (each[0], not self._library.has(each[1])))
        return version, wait_s

    async def _attempt(self, version: Version) -> bool:
        """Load one version; False where nothing came of it that counts now."""
        model = self._models.packaged.detector.name
        attempts = self._attempts[version.digest]
        async with self._disk:
            loading = asyncio.ensure_future(self._library.load(model, version))
            try:
                while not loading.done() and self._lies_there(version):
                    self._changed.clear()
                    changed = asyncio.ensure_future(self._changed.wait())
                    await asyncio.wait((loading, changed), return_when=asyncio.FIRST_COMPLETED)
                    changed.cancel()
            finally:
                loading.cancel()
                await asyncio.gather(loading, return_exceptions=True)
        if loading.cancelled() or version.digest not in self._wanted:
            return False
        is_asked_anew = self._attempts[version.digest] is not attempts
        if is_asked_anew and loading.exception() is not None:
            return False
        self._settle(version, self._attempts[version.digest], loading)
        self._note_progress()
        return True

    def _lies_there(self, version: Version) -> bool:
        """Whether the version is still wanted from where it was to be found."""
        wanted = self._wanted.get(version.digest)
        return wanted is not None and wanted.location == version.location

    def _settle(
        self, version: Version, attempts: _Attempts, loading: "asyncio.Future[BundledDetector]"
    ) -> None:
        attempts.is_tried = True
        try:
            self._loaded[version.digest] = loading.result()
        except BundleRefused as refusal:
            attempts.state, attempts.reason = VersionState.REFUSED, refusal.reason
            attempts.retry_at = time.monotonic() + REFUSED_RETRY_S
        except BundleUnavailable as error:
            attempts.state, attempts.reason = VersionState.LOADING, str(error)
            wait_s = min(FIRST_RETRY_S * 2**attempts.failures, LONGEST_RETRY_S)
            attempts.retry_at = time.monotonic() + wait_s
            attempts.failures += 1
        except Exception as error:
            # Whatever is wrong with a bundle, it must not keep the others from being loaded.
            log.exception("loading a version failed", extra={"version": version.version})
            attempts.state = VersionState.REFUSED
            attempts.reason = f"loading it failed ({type(error).__name__})"
            attempts.retry_at = time.monotonic() + REFUSED_RETRY_S
        report = self.report(version)
        log.info(
            "version tried",
            extra={
                "version": report.version,
                "digest": report.digest,
                "state": report.state.value,
                "reason": report.reason,
            },
        )

    def _note_progress(self) -> None:
        done = all(
            digest in self._loaded or attempts.is_tried
            for digest, attempts in self._attempts.items()
        )
        (self._settled.set if done else self._settled.clear)()

    async def _unless_changed(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._changed.wait()
        except TimeoutError:
            return
