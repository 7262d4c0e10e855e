"""What the trainer `linear` can be told. Loads nothing that trains."""

from typing import Annotated

import msgspec

from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.ngrams import NgramSpec

_DEFAULT = LinearConfiguration(seed=0)


def _whole(low: int, high: int, description: str) -> msgspec.Meta:
    return msgspec.Meta(ge=low, le=high, description=description)


def _positive(low: float, high: float, description: str) -> msgspec.Meta:
    return msgspec.Meta(ge=low, le=high, description=description)


class LinearParameters(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """All that `linear` can be told. The defaults made the shipped bundle."""

    regularisation: Annotated[
        float, _positive(1e-4, 1e4, "Inverse strength of the attack head's regularisation.")
    ] = _DEFAULT.regularisation
    category_regularisation: Annotated[
        float, _positive(1e-4, 1e4, "The same for the heads of the categories.")
    ] = _DEFAULT.category_regularisation
    smoothing: Annotated[
        float, _positive(1e-6, 1e3, "Added to the features' masses before their log ratio.")
    ] = _DEFAULT.smoothing
    rounds: Annotated[
        int, _whole(1, 5, "Fits of the attack head, each on the windows that the last one chose.")
    ] = _DEFAULT.rounds
    folds: Annotated[int, _whole(2, 20, "Parts of the data for honest scores.")] = _DEFAULT.folds
    embedded: Annotated[
        int, _whole(0, 100_000, "Documents made for training, with an attack inside each.")
    ] = _DEFAULT.embedded
    max_windows: Annotated[int, _whole(1, 256, "Windows taken from one text for training.")] = (
        _DEFAULT.max_windows
    )
    window_size: Annotated[int, _whole(64, 16_384, "Characters judged at a time.")] = (
        _DEFAULT.window_size
    )
    window_overlap: Annotated[
        int, _whole(0, 8_192, "Characters that neighbouring windows share.")
    ] = _DEFAULT.window_overlap
    char_min: Annotated[int, _whole(1, 8, "Shortest n-gram of characters.")] = (
        _DEFAULT.ngrams.char_min
    )
    char_max: Annotated[int, _whole(1, 8, "Longest n-gram of characters.")] = (
        _DEFAULT.ngrams.char_max
    )
    word_max: Annotated[int, _whole(1, 4, "Longest n-gram of words.")] = _DEFAULT.ngrams.word_max
    char_bits: Annotated[
        int, _whole(8, 19, "Buckets of characters' n-grams, as a power of two.")
    ] = _DEFAULT.ngrams.char_bits
    word_bits: Annotated[int, _whole(8, 19, "Buckets of words' n-grams, as a power of two.")] = (
        _DEFAULT.ngrams.word_bits
    )
    max_iterations: Annotated[int, _whole(10, 10_000, "Iterations of the solver.")] = (
        _DEFAULT.max_iterations
    )
    shard_characters: Annotated[
        int, _whole(100_000, 1_000_000_000, "Characters fitted at a time, about 90 bytes each.")
    ] = _DEFAULT.shard_characters

    def __post_init__(self) -> None:
        """Refuse parameters that do not go together."""
        if self.window_overlap >= self.window_size:
            raise ValueError("window_overlap must be below window_size")
        if self.char_min > self.char_max:
            raise ValueError("char_min must not exceed char_max")

    def to_configuration(self, seed: int) -> LinearConfiguration:
        """The configuration that is meant."""
        return LinearConfiguration(
            seed=seed,
            ngrams=NgramSpec(
                char_min=self.char_min,
                char_max=self.char_max,
                word_max=self.word_max,
                char_bits=self.char_bits,
                word_bits=self.word_bits,
            ),
            window_size=self.window_size,
            window_overlap=self.window_overlap,
            max_windows=self.max_windows,
            regularisation=self.regularisation,
            category_regularisation=self.category_regularisation,
            smoothing=self.smoothing,
            rounds=self.rounds,
            folds=self.folds,
            embedded=self.embedded,
            max_iterations=self.max_iterations,
            shard_characters=self.shard_characters,
        )
