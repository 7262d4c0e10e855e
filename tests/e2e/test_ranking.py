"""The measure that the quality tests go by."""

import pytest

from e2e.ranking import area_under_curve


@pytest.mark.parametrize(
    ("scores", "labels", "area"),
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 1.0),
        ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], 0.0),
        ([0.5, 0.5, 0.5], [0, 1, 0], 0.5),
        # Pairs won: (0.4 > 0.1), (0.35 > 0.1), (0.4 > 0.35 of the benign); one tie at 0.35.
        ([0.1, 0.35, 0.35, 0.4], [0, 0, 1, 1], 3.5 / 4),
    ],
)
def test_area_is_the_share_of_pairs_in_order(
    scores: list[float], labels: list[int], area: float
) -> None:
    assert area_under_curve(scores, labels) == pytest.approx(area)


def test_area_needs_both_kinds() -> None:
    with pytest.raises(ValueError, match="attacks and benign"):
        area_under_curve([0.1, 0.2], [1, 1])
