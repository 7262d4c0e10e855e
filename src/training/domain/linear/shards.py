"""Parts of the examples that are fitted one at a time, so that memory does not grow with all."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.logistic import Head


def shards_of(texts: Sequence[str], configuration: LinearConfiguration) -> list[NDArray[np.intp]]:
    """Indices of the texts of each shard, ascending: each text lies in one, drawn by lot.

    As many shards as are needed for each to hold about `shard_characters` at most.
    """
    shards = shard_count(texts, configuration)
    if shards == 1:
        return [np.arange(len(texts))]
    order = np.random.default_rng(configuration.seed).permutation(len(texts))
    return [np.sort(part) for part in np.array_split(order, shards)]


def shard_count(texts: Sequence[str], configuration: LinearConfiguration) -> int:
    """How many shards there will be."""
    most = configuration.max_windows * configuration.window_size
    read = sum(min(len(text), most) for text in texts)
    return max(math.ceil(read / configuration.shard_characters), 1)


def average(heads: Sequence[Head]) -> Head:
    """The head of all shards: the mean of theirs ("average mixture", Zhang et al., 2013)."""
    if len(heads) == 1:
        return heads[0]
    weights = np.mean([head.weights for head in heads], axis=0)
    return Head(weights, float(np.mean([head.bias for head in heads])))
