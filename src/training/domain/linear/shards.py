"""Parts of the examples that are fitted one at a time, so that memory does not grow with all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.logistic import Head


@dataclass(frozen=True, slots=True)
class Shard:
    """`members`: indices of its texts, ascending. `fold`: that of all of them, or None.

    Shards within folds are fitted once each: the heads of the other folds' shards have seen
    nothing of a fold. Where there are fewer shards than folds, each holds texts of all folds and is
    fitted once for each of them.
    """

    members: NDArray[np.intp]
    fold: int | None


def shards_of(
    texts: Sequence[str],
    attack: NDArray[np.bool_],
    folds: NDArray[np.intp],
    configuration: LinearConfiguration,
) -> list[Shard]:
    """Each text lies in one shard, drawn by lot; attacks are dealt out evenly.

    `attack` and `folds` have an entry per text. As many shards as are needed for each to hold about
    `shard_characters` at most.
    """
    shards = shard_count(texts, configuration)
    if shards == 1:
        return [Shard(np.arange(len(texts)), None)]
    generator = np.random.default_rng(configuration.seed)
    if not within_folds(shards, configuration):
        everything = np.arange(len(texts))
        return [Shard(part, None) for part in _deal(everything, attack, shards, generator)]
    return [
        Shard(part, fold)
        for fold in range(configuration.folds)
        for part in _deal(
            np.flatnonzero(folds == fold), attack, shards // configuration.folds, generator
        )
    ]


def shard_count(texts: Sequence[str], configuration: LinearConfiguration) -> int:
    """How many shards there will be: a multiple of the folds where there are as many."""
    most = configuration.max_windows * configuration.window_size
    read = sum(min(len(text), most) for text in texts)
    needed = max(math.ceil(read / configuration.shard_characters), 1)
    if not within_folds(needed, configuration):
        return needed
    return math.ceil(needed / configuration.folds) * configuration.folds


def within_folds(shards: int, configuration: LinearConfiguration) -> bool:
    """Whether so many shards have a fold each."""
    return shards >= configuration.folds


def average(heads: Sequence[Head]) -> Head:
    """The head of all shards: the mean of theirs ("average mixture", Zhang et al., 2013)."""
    if len(heads) == 1:
        return heads[0]
    weights = np.mean([head.weights for head in heads], axis=0)
    return Head(weights, float(np.mean([head.bias for head in heads])))


def _deal(
    indices: NDArray[np.intp],
    attack: NDArray[np.bool_],
    hands: int,
    generator: np.random.Generator,
) -> list[NDArray[np.intp]]:
    shuffled = generator.permutation(indices)
    ordered = shuffled[np.argsort(attack[shuffled], kind="stable")]
    return [np.sort(ordered[hand::hands]) for hand in range(hands)]
