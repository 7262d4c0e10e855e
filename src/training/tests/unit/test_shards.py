import math
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.logistic import Head
from training.domain.linear.shards import average, shards_of


@given(
    st.lists(st.tuples(st.integers(0, 50), st.booleans(), st.integers(0, 4)), min_size=1),
    st.integers(1, 400),
)
def test_every_text_lies_in_one_shard_and_shards_are_alike(
    texts: list[tuple[int, bool, int]], room: int
) -> None:
    configuration = replace(LinearConfiguration(seed=3), folds=5, shard_characters=room)
    lengths, labels, folds = zip(*texts, strict=True)
    attack = np.array(labels, np.bool_)
    shards = shards_of(["x" * each for each in lengths], attack, np.array(folds), configuration)
    found = np.concatenate([shard.members for shard in shards])
    assert sorted(found.tolist()) == list(range(len(texts)))
    needed = max(-(-sum(lengths) // room), 1)
    assert len(shards) == (needed if needed < 5 else -(-needed // 5) * 5)
    for fold in {shard.fold for shard in shards}:
        members = [shard.members for shard in shards if shard.fold == fold]
        sizes = [one.size for one in members]
        attacks = [np.count_nonzero(attack[one]) for one in members]
        assert max(sizes) - min(sizes) <= 1
        assert max(attacks) - min(attacks) <= 1


@given(st.lists(st.integers(0, 4), min_size=1), st.integers(5, 40))
def test_as_many_shards_as_folds_lie_within_folds(folds: list[int], shards: int) -> None:
    configuration = replace(LinearConfiguration(seed=3), folds=5, shard_characters=10)
    texts = ["x" * math.ceil(10 * shards / len(folds))] * len(folds)
    for shard in shards_of(texts, np.zeros(len(folds), np.bool_), np.array(folds), configuration):
        assert set(np.array(folds)[shard.members].tolist()) <= {shard.fold}


def test_texts_that_fit_at_once_keep_their_order() -> None:
    attack, folds = np.array([True, False, True]), np.array([0, 1, 0])
    (only,) = shards_of(["a", "b", "c"], attack, folds, LinearConfiguration(seed=1))
    assert (only.members.tolist(), only.fold) == ([0, 1, 2], None)


def test_the_mean_head_scores_the_mean() -> None:
    one, other = Head(np.array([1.0, 3.0]), 2.0), Head(np.array([3.0, -1.0]), 0.0)
    mean = average([one, other])
    assert mean.weights.tolist() == [2.0, 1.0]
    assert mean.bias == 1.0
    assert average([one]) is one
