from collections import Counter

import numpy as np
import pytest

from training.domain.linear.clusters import near_duplicate_clusters
from training.domain.linear.folds import grouped_folds
from training.tests.rows import examples

_TEXT = "the harbour crew asked for new cables and for a longer summer holiday by the quiet sea"


def test_near_duplicates_share_a_cluster_and_others_do_not() -> None:
    texts = [
        _TEXT,
        "a completely different sentence about violins, bread and the mountain railway",
        _TEXT + " please",
        _TEXT.upper(),
        "",
        " \n",
    ]
    clusters = near_duplicate_clusters(texts, seed=3).tolist()
    assert clusters == [0, 1, 0, 0, 4, 4]


def test_clusters_stay_whole_and_sources_are_spread() -> None:
    rows = examples()
    clusters = np.arange(len(rows)) // 3 * 3
    folds = grouped_folds(rows, clusters, folds=4, seed=1)
    assert all(len(set(folds[clusters == cluster].tolist())) == 1 for cluster in set(clusters))
    benign = Counter(folds[[not row.attack for row in rows]].tolist())
    assert set(benign) == {0, 1, 2, 3}
    assert max(benign.values()) - min(benign.values()) <= 6


def test_too_few_clusters_are_an_error() -> None:
    rows = examples(12)
    with pytest.raises(ValueError, match=r"12 rows are only 2 different texts.* `folds` is 3"):
        grouped_folds(rows, np.arange(12) % 2, folds=3, seed=1)
