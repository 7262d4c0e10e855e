"""Folds that keep clusters whole and spread every source over all folds."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.domain.examples import Example


def grouped_folds(
    examples: Sequence[Example], clusters: NDArray[np.intp], folds: int, seed: int
) -> NDArray[np.intp]:
    """A fold number in 0 … folds-1 per example, shape (examples,).

    Each cluster lies in one fold. Clusters go, the large first, to the fold that has the fewest
    rows of the cluster's main source and label, so that each fold resembles the whole.
    Raises ValueError where there are fewer clusters than folds.
    """
    members: dict[int, list[int]] = {}
    for index, cluster in enumerate(clusters.tolist()):
        members.setdefault(cluster, []).append(index)
    if len(members) < folds:
        raise ValueError(
            f"{len(examples)} rows are only {len(members)} different texts, near-duplicates "
            f"counted once, and `folds` is {folds}: add rows that differ, or ask for fewer folds"
        )
    order = np.random.default_rng(seed).permutation(len(members))
    groups = [group for _, group in sorted(zip(order.tolist(), members.values(), strict=True))]
    groups.sort(key=len, reverse=True)
    strata: Counter[tuple[int, str, bool]] = Counter()
    sizes: Counter[int] = Counter()
    assigned = np.empty(len(examples), np.intp)
    for group in groups:
        kinds = Counter((examples[i].source, examples[i].attack) for i in group)
        (source, attack), _ = max(kinds.items(), key=lambda item: (item[1], item[0]))
        fold = min(range(folds), key=lambda f: (strata[f, source, attack], sizes[f], f))
        for (kind_source, kind_attack), count in kinds.items():
            strata[fold, kind_source, kind_attack] += count
        sizes[fold] += len(group)
        assigned[group] = fold
    return assigned
