"""The model that judges now, and its replacement while requests go on."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from model_api.domain.bundle import Manifest
from model_api.domain.detector import Detector

log = logging.getLogger(__name__)


class BundledDetector(Detector, Protocol):
    """A detector that knows the bundle it came from."""

    @property
    def manifest(self) -> Manifest:
        """The bundle's manifest."""
        ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """A detector and the moment since when it judges."""

    detector: BundledDetector
    since: datetime


class LoadedModel:
    """Holds one self-tested detector; a request keeps the one that it began with."""

    def __init__(self, load: Callable[[], BundledDetector]) -> None:
        self._load = load
        self._reloading = asyncio.Lock()
        self._current: Loaded | None = None

    @property
    def current(self) -> Loaded:
        """The detector and since when; RuntimeError before the first `reload`."""
        if self._current is None:
            raise RuntimeError("no model was loaded")
        return self._current

    @property
    def detector(self) -> BundledDetector:
        """The detector that judges."""
        return self.current.detector

    async def reload(self) -> Loaded:
        """Load the bundle again and judge by it; BundleRefused, and the present one stays."""
        async with self._reloading:
            detector = await asyncio.to_thread(self._load)
            loaded = self._current = Loaded(detector, datetime.now(UTC))
        log.info(
            "model loaded",
            extra={
                "model": detector.name,
                "model_version": detector.version,
                "digest": detector.digest,
            },
        )
        return loaded
