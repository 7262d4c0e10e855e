"""What the `linear` trainer can be told."""

from dataclasses import dataclass, field

from training.domain.linear.ngrams import NgramSpec


@dataclass(frozen=True, slots=True)
class LinearConfiguration:
    """Settings of one training run; the defaults made the shipped bundle.

    `regularisation` is scikit-learn's C of the attack head; `smoothing` is added to the feature
    masses before their log ratio is taken; `rounds` counts fits of the attack head, each after
    the first on the windows that the one before chose; `max_windows` bounds the windows taken
    from one text, evenly spread; `embedded` attacks inside documents are made for training;
    `shard_characters` bounds what is fitted at a time, about 90 bytes of memory each.
    """

    seed: int
    ngrams: NgramSpec = field(
        default=NgramSpec(char_min=2, char_max=5, word_max=2, char_bits=18, word_bits=17)
    )
    window_size: int = 1024
    window_overlap: int = 256
    max_windows: int = 12
    regularisation: float = 10.0
    category_regularisation: float = 10.0
    smoothing: float = 0.1
    rounds: int = 2
    folds: int = 5
    embedded: int = 600
    max_iterations: int = 200
    shard_characters: int = 25_000_000
