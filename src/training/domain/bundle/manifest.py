"""The manifest of a model bundle, format `bartizan.model-bundle/1`, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from training.domain.bundle.release import Release
from training.domain.examples import CATEGORIES
from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.model import LinearModel
from training.domain.linear.ngrams import HASH_NAME
from training.domain.linear.operating_points import OperatingPoint

FORMAT = "bartizan.model-bundle/1"
KIND = "linear-hashed-ngrams/1"
NORMALISER = "nfkc-casefold-collapse/1"
WEIGHTS_FILE = "weights.npy"
SELF_TEST_FILE = "self_test.json"
MODEL_CARD_FILE = "MODEL_CARD.md"
SELF_TEST_TOLERANCE = 1e-4


def manifest_of(
    release: Release,
    model: LinearModel,
    points: Mapping[str, OperatingPoint],
    training_data: Sequence[Mapping[str, object]],
    metrics: Mapping[str, object],
    files: Mapping[str, Mapping[str, object]],
) -> dict[str, object]:
    """The manifest as JSON values. Its bytes, hashed, are the bundle's digest."""
    configuration = model.configuration
    return {
        "format": FORMAT,
        "name": release.name,
        "version": release.version,
        "kind": KIND,
        "created_at": release.created_at,
        "seed": configuration.seed,
        "preprocessing": {"normaliser": NORMALISER},
        "features": _features(configuration),
        "window": {"size": configuration.window_size, "overlap": configuration.window_overlap},
        "weights": {
            "file": WEIGHTS_FILE,
            "dtype": str(model.weights.dtype),
            "biases": list(model.biases),
        },
        "categories": list(CATEGORIES),
        "calibration": {"method": "platt", **asdict(model.calibration)},
        "operating_points": {name: asdict(point) for name, point in points.items()},
        "training": {
            "regularisation": configuration.regularisation,
            "category_regularisation": configuration.category_regularisation,
            "smoothing": configuration.smoothing,
            "rounds": configuration.rounds,
            "folds": configuration.folds,
            "max_windows": configuration.max_windows,
            "embedded": configuration.embedded,
            "shard_characters": configuration.shard_characters,
        },
        "training_data": [dict(entry) for entry in training_data],
        "licence": release.licence,
        "metrics": dict(metrics),
        "files": {name: dict(entry) for name, entry in files.items()},
        "self_test": {"file": SELF_TEST_FILE, "tolerance": SELF_TEST_TOLERANCE},
    }


def _features(configuration: LinearConfiguration) -> dict[str, object]:
    ngrams = configuration.ngrams
    return {
        "char_ngrams": [ngrams.char_min, ngrams.char_max],
        "word_ngrams": [1, ngrams.word_max],
        "char_bits": ngrams.char_bits,
        "word_bits": ngrams.word_bits,
        "buckets": ngrams.buckets,
        "hash": HASH_NAME,
    }
