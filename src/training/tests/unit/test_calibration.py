import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.domain.linear.calibration import Platt, expected_calibration_error, fit_platt
from training.domain.linear.metrics import area_under_curve
from training.domain.linear.operating_points import choose_operating_points, threshold_for


def logistic_data(rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    logits = generator.normal(0.0, 2.0, rows)
    return logits, generator.random(rows) < 1 / (1 + np.exp(-(1.5 * logits - 0.7)))


def test_platt_recovers_the_sigmoid_that_made_the_labels() -> None:
    logits, attack = logistic_data()
    fitted = fit_platt(logits, attack)
    assert fitted.slope == pytest.approx(1.5, abs=0.15)
    assert fitted.intercept == pytest.approx(-0.7, abs=0.1)
    assert expected_calibration_error(fitted.probabilities(logits), attack) < 0.03


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=50))
def test_calibration_never_turns_the_order(logits: list[float]) -> None:
    ascending = np.sort(np.array(logits))
    assert bool((np.diff(Platt(1.3, -0.4).probabilities(ascending)) >= 0).all())


def test_scores_that_fall_with_the_label_are_an_error() -> None:
    logits, attack = logistic_data()
    with pytest.raises(ValueError, match="do not rise"):
        fit_platt(logits, ~attack)


def test_calibration_error_of_known_scores() -> None:
    scores = np.array([0.9, 0.9, 0.1, 0.1])
    assert expected_calibration_error(scores, np.array([True, True, False, False])) == (
        pytest.approx(0.1)
    )


@given(
    st.lists(st.integers(0, 40).map(lambda n: n / 40), min_size=1, max_size=200),
    st.sampled_from([0.0, 0.01, 0.1, 0.5]),
)
def test_a_threshold_keeps_its_promise(benign: list[float], rate: float) -> None:
    scores = np.array(benign) * 0.999
    threshold = threshold_for(scores, rate)
    assert (scores >= threshold).mean() <= rate


def test_operating_points_are_ordered_and_report_their_rates() -> None:
    logits, attack = logistic_data()
    scores = Platt(1.5, -0.7).probabilities(logits)
    points = choose_operating_points(scores, attack)
    assert points["sensitive"].threshold < points["balanced"].threshold < points["strict"].threshold
    assert points["balanced"].false_positive_rate == pytest.approx(0.01, abs=0.002)
    assert points["balanced"].recall == (scores[attack] >= points["balanced"].threshold).mean()


def test_area_under_curve_counts_ties_half() -> None:
    attack = np.array([True, True, False, False])
    assert area_under_curve(np.array([0.9, 0.5, 0.5, 0.1]), attack) == 0.875
