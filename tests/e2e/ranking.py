"""How well scores tell attacks from benign prompts."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter


def area_under_curve(scores: Sequence[float], labels: Sequence[int]) -> float:
    """Area under the ROC curve: P(score of an attack > score of a benign prompt), ties half.

    The Mann-Whitney U statistic over the number of pairs: U is the sum of the attacks' mid-ranks
    less its least possible value. Raises ValueError unless both labels (1 attack, 0 benign) occur.
    """
    attacks = sum(labels)
    benign = len(labels) - attacks
    if not attacks or not benign:
        raise ValueError("an area needs attacks and benign prompts")
    ordered = sorted(zip(scores, labels, strict=True))
    rank_sum, below = 0.0, 0
    for _, tied in groupby(ordered, key=itemgetter(0)):
        group = [label for _, label in tied]
        rank_sum += sum(group) * (below + (len(group) + 1) / 2)
        below += len(group)
    return (rank_sum - attacks * (attacks + 1) / 2) / (attacks * benign)
