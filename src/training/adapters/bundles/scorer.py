"""A bundle on disk as something that scores texts as the server would."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from training.adapters.bundles.reader import BundleUnreadable, read_bundle
from training.domain.bundle.contents import MANIFEST, digest_of
from training.domain.linear.scorer import LinearScorer
from training.domain.verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class _Identity:
    name: str
    version: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BundleScorer:
    """A `Scorer`: normalises, cuts into windows, scores."""

    name: str
    version: str
    digest: str
    categories: tuple[str, ...]
    operating_points: Mapping[str, float]
    linear: LinearScorer

    def judge(self, texts: Sequence[str]) -> Verdicts:
        """Scores of raw texts, as the server would answer."""
        return self.linear.judge(texts)


def bundle_scorer(folder: Path) -> BundleScorer:
    """The bundle in `folder`, whose files are checked against its manifest. `BundleUnreadable`."""
    model, thresholds = read_bundle(folder)
    try:
        manifest = (folder / MANIFEST).read_bytes()
        identity = msgspec.json.decode(manifest, type=_Identity)
    except (OSError, msgspec.DecodeError) as error:
        raise BundleUnreadable(f"{folder}: {error}") from error
    return BundleScorer(
        name=identity.name,
        version=identity.version,
        digest=digest_of(manifest),
        categories=identity.categories,
        operating_points=thresholds,
        linear=model.scorer(),
    )
