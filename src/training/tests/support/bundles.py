"""Real bundles of small models, which train in a second."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from training.adapters.object_store import BlockingObjectStore
from training.domain.bundle.contents import MANIFEST, digest_of
from training.domain.bundle.provenance import count_sources
from training.domain.bundle.release import Release
from training.domain.checkpoints import NO_CHECKPOINTS
from training.domain.trainers.linear import LinearTrainer
from training.domain.trainers.linear_parameters import LinearParameters
from training.domain.trainers.trainer import Facts
from training.tests.rows import examples

SMALL = LinearParameters(
    char_max=4, char_bits=12, word_bits=11, folds=2, embedded=10, window_size=512
)


@cache
def trained(seed: int = 1, regularisation: float = 10.0) -> Mapping[str, bytes]:
    """A bundle's files by name."""
    rows = examples()
    model = LinearTrainer().train(
        rows,
        msgspec.structs.replace(SMALL, regularisation=regularisation),
        seed,
        lambda *_, **__: None,
        NO_CHECKPOINTS,
    )
    release = Release(f"1.0.{seed}", "2026-01-31T12:00:00Z", "Apache-2.0")
    return model.bundle(Facts(release, count_sources(rows, {}), []))


def digest(files: Mapping[str, bytes]) -> str:
    """The digest of a bundle."""
    return digest_of(files[MANIFEST])


def write(files: Mapping[str, bytes], folder: Path) -> Path:
    """The bundle as a folder."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def upload(files: Mapping[str, bytes], objects: BlockingObjectStore, location: str) -> None:
    """The bundle in the bucket of models."""
    for name, content in files.items():
        objects.put(f"{location}/{name}", content)
