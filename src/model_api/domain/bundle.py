"""The manifest of a model bundle, format `bartizan.model-bundle/1`, and the rules it must keep."""

import math
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from model_api.domain.judging.ngrams import HASH_NAME, NgramSpec

FORMAT = "bartizan.model-bundle/1"
KIND = "linear-hashed-ngrams/1"
NORMALISER = "nfkc-casefold-collapse/1"
CALIBRATION = "platt"
DTYPES = ("float16", "float32")
REQUIRED_OPERATING_POINTS = ("sensitive", "balanced", "strict")

MAX_MANIFEST_BYTES = 256 * 1024
MAX_FILE_BYTES = 64 * 1024 * 1024
MIN_SELF_TEST_CASES = 8
MAX_NGRAM_LENGTH = 8
MAX_TOLERANCE = 0.01

_BITS = range(8, 25)
_WINDOW_SIZES = range(64, 65_537)


class BundleRefused(Exception):
    """A bundle that must not judge prompts. `reason` names the file and what is wrong with it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Features:
    """Inclusive ranges of n-gram lengths, bucket counts as powers of two, and the hash's name."""

    char_ngrams: tuple[int, int]
    word_ngrams: tuple[int, int]
    char_bits: int
    word_bits: int
    buckets: int
    hash: str

    @property
    def spec(self) -> NgramSpec:
        """The same, as the extraction takes it."""
        return NgramSpec(
            char_min=self.char_ngrams[0],
            char_max=self.char_ngrams[1],
            word_max=self.word_ngrams[1],
            char_bits=self.char_bits,
            word_bits=self.word_bits,
        )


@dataclass(frozen=True, slots=True)
class Window:
    """Size and overlap of the judged windows, in characters of normalised text."""

    size: int
    overlap: int


@dataclass(frozen=True, slots=True)
class Weights:
    """Where the weights lie. Rows: the attack head, then one head per category.

    `biases` has one entry per row, added to that row's logit.
    """

    file: str
    dtype: str
    biases: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """P(attack) = 1 / (1 + exp(-(slope * logit + intercept))); Platt, 1999."""

    method: str
    slope: float
    intercept: float


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A text is at this point when its score is at least `threshold`."""

    threshold: float
    chosen_for: str


@dataclass(frozen=True, slots=True)
class FileEntry:
    """What a file of the bundle must be."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The file of self-test cases, and how far a score may lie from the expected one."""

    file: str
    tolerance: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """`manifest.json`. What only informs a reader (licence, data, metrics) stays as it is."""

    format: str
    name: str
    version: str
    kind: str
    created_at: str
    seed: int
    preprocessing: dict[str, str]
    features: Features
    window: Window
    weights: Weights
    categories: tuple[str, ...]
    calibration: Calibration
    operating_points: dict[str, OperatingPoint]
    training_data: tuple[dict[str, object], ...]
    licence: str
    metrics: dict[str, object]
    files: dict[str, FileEntry]
    self_test: SelfTest


@dataclass(frozen=True, slots=True)
class SelfTestCase:
    """A text with the score and category scores that the trainer computed for it."""

    name: str
    text: str
    expected: str
    score: float
    categories: tuple[float, ...]


def check_manifest(manifest: Manifest) -> None:
    """Raise `BundleRefused` unless the manifest is one this service can serve."""
    for wrong, what in _violations(manifest):
        if wrong:
            raise BundleRefused(f"manifest.json: {what}")
    for name in manifest.files:
        check_file_name(name)
    for name, entry in manifest.files.items():
        if not 0 <= entry.bytes <= MAX_FILE_BYTES:
            raise BundleRefused(
                f"{name}: {entry.bytes} bytes declared, at most {MAX_FILE_BYTES} are accepted"
            )
    for name in (manifest.weights.file, manifest.self_test.file):
        if name not in manifest.files:
            raise BundleRefused(f"{name}: used by the manifest but not listed in its files")


def check_file_name(name: str) -> None:
    """Raise `BundleRefused` unless `name` is a plain name that stays inside the bundle's folder."""
    plain = name == PurePosixPath(name).name == PureWindowsPath(name).name
    if not plain or name in {"", ".", ".."} or not name.isprintable():
        raise BundleRefused(f"{name!r}: not a plain file name, so it may lead out of the bundle")


def _violations(manifest: Manifest) -> list[tuple[bool, str]]:
    features, window, points = manifest.features, manifest.window, manifest.operating_points
    rows = 1 + len(manifest.categories)
    char_min, char_max = features.char_ngrams
    word_min, word_max = features.word_ngrams
    numbers = [
        *manifest.weights.biases,
        manifest.calibration.slope,
        manifest.calibration.intercept,
        manifest.self_test.tolerance,
    ]
    return [
        (manifest.format != FORMAT, f"format {manifest.format!r} is unknown, {FORMAT!r} is known"),
        (manifest.kind != KIND, f"kind {manifest.kind!r} is unknown, {KIND!r} is known"),
        (features.hash != HASH_NAME, f"hash {features.hash!r} is unknown, {HASH_NAME!r} is known"),
        (
            manifest.preprocessing != {"normaliser": NORMALISER},
            f"preprocessing {manifest.preprocessing!r} is unknown, {NORMALISER!r} is known",
        ),
        (
            not 2 <= char_min <= char_max <= MAX_NGRAM_LENGTH,
            f"char_ngrams {features.char_ngrams} must lie in 2..8, the smaller first",
        ),
        (
            word_min != 1 or not 1 <= word_max <= MAX_NGRAM_LENGTH,
            f"word_ngrams {features.word_ngrams} must begin at 1 and end at 8 or before",
        ),
        (
            features.char_bits not in _BITS or features.word_bits not in _BITS,
            "char_bits and word_bits must lie in 8..24",
        ),
        (
            features.buckets != (1 << features.char_bits) + (1 << features.word_bits),
            f"buckets is {features.buckets}, not 2**char_bits + 2**word_bits",
        ),
        (
            window.size not in _WINDOW_SIZES or not 0 <= window.overlap < window.size,
            "window needs 64 <= size <= 65536 and 0 <= overlap < size",
        ),
        (
            manifest.weights.dtype not in DTYPES,
            f"weights of type {manifest.weights.dtype!r}, known are {', '.join(DTYPES)}",
        ),
        (
            not manifest.categories or len(set(manifest.categories)) != len(manifest.categories),
            "categories must be present and distinct",
        ),
        (
            len(manifest.weights.biases) != rows,
            f"{len(manifest.weights.biases)} biases, {rows} are needed",
        ),
        (not all(map(math.isfinite, numbers)), "a bias, calibration or tolerance is not finite"),
        (
            manifest.calibration.method != CALIBRATION or manifest.calibration.slope <= 0,
            "calibration must be platt with a positive slope",
        ),
        (
            not set(REQUIRED_OPERATING_POINTS) <= set(points),
            f"operating points {', '.join(REQUIRED_OPERATING_POINTS)} are needed",
        ),
        (
            not all(0.0 < point.threshold <= 1.0 for point in points.values()),
            "the threshold of an operating point must lie in (0, 1]",
        ),
        (
            not 0.0 < manifest.self_test.tolerance <= MAX_TOLERANCE,
            f"self_test.tolerance must lie in (0, {MAX_TOLERANCE}]",
        ),
    ]
