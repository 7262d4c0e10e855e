from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.logistic import Head
from training.domain.linear.shards import average, shards_of


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.integers(1, 400))
def test_every_text_lies_in_one_shard_and_shards_are_alike(lengths: list[int], room: int) -> None:
    configuration = replace(LinearConfiguration(seed=3), shard_characters=room)
    shards = shards_of(["x" * length for length in lengths], configuration)
    assert sorted(np.concatenate(shards).tolist()) == list(range(len(lengths)))
    sizes = [shard.size for shard in shards]
    assert max(sizes) - min(sizes) <= 1
    assert len(shards) == max(-(-sum(lengths) // room), 1)


def test_texts_that_fit_at_once_keep_their_order() -> None:
    (only,) = shards_of(["a", "b", "c"], LinearConfiguration(seed=1))
    assert only.tolist() == [0, 1, 2]


def test_the_mean_head_scores_the_mean() -> None:
    one, other = Head(np.array([1.0, 3.0]), 2.0), Head(np.array([3.0, -1.0]), 0.0)
    mean = average([one, other])
    assert mean.weights.tolist() == [2.0, 1.0]
    assert mean.bias == 1.0
    assert average([one]) is one
