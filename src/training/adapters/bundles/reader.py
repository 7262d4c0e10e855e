"""Reads back a bundle that this trainer wrote, to score it on other data."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from training.domain.bundle.contents import MANIFEST
from training.domain.bundle.manifest import FORMAT, KIND
from training.domain.linear.calibration import Platt
from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.model import LinearModel
from training.domain.linear.ngrams import HASH_NAME, NgramSpec


class BundleUnreadable(Exception):
    """A bundle that cannot be scored; the message says why."""


@dataclass(frozen=True, slots=True)
class _Features:
    char_ngrams: tuple[int, int]
    word_ngrams: tuple[int, int]
    char_bits: int
    word_bits: int
    hash: str


@dataclass(frozen=True, slots=True)
class _Window:
    size: int
    overlap: int


@dataclass(frozen=True, slots=True)
class _Weights:
    file: str
    biases: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Threshold:
    threshold: float


@dataclass(frozen=True, slots=True)
class _File:
    sha256: str


@dataclass(frozen=True, slots=True)
class _Manifest:
    format: str
    kind: str
    seed: int
    features: _Features
    window: _Window
    weights: _Weights
    calibration: Platt
    operating_points: dict[str, _Threshold]
    files: dict[str, _File]


def read_bundle(folder: Path) -> tuple[LinearModel, dict[str, float]]:
    """The model, and its thresholds by operating point. Raises `BundleUnreadable`."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=_Manifest)
        found = (manifest.format, manifest.kind, manifest.features.hash)
        if found != (FORMAT, KIND, HASH_NAME):
            raise BundleUnreadable(f"{folder}: {' '.join(found)} is not what this trainer knows")
        content = (folder / manifest.weights.file).read_bytes()
        if hashlib.sha256(content).hexdigest() != manifest.files[manifest.weights.file].sha256:
            raise BundleUnreadable(f"{folder}: {manifest.weights.file} differs from its digest")
        weights = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError, KeyError, msgspec.DecodeError) as error:
        raise BundleUnreadable(f"{folder}: {error}") from error
    model = LinearModel(
        weights=weights,
        biases=manifest.weights.biases,
        calibration=manifest.calibration,
        configuration=LinearConfiguration(
            seed=manifest.seed,
            ngrams=NgramSpec(
                char_min=manifest.features.char_ngrams[0],
                char_max=manifest.features.char_ngrams[1],
                word_max=manifest.features.word_ngrams[1],
                char_bits=manifest.features.char_bits,
                word_bits=manifest.features.word_bits,
            ),
            window_size=manifest.window.size,
            window_overlap=manifest.window.overlap,
        ),
    )
    thresholds = {name: point.threshold for name, point in manifest.operating_points.items()}
    return model, thresholds
