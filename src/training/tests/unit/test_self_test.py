"""A model that cannot prove itself: who trained it is told what to do."""

import numpy as np
import pytest

from training.domain.bundle.self_test import self_test_suite
from training.domain.bundle.self_test_texts import SELF_TEST_TEXTS
from training.domain.examples import CATEGORIES
from training.domain.linear.calibration import Platt
from training.domain.linear.configuration import LinearConfiguration
from training.domain.linear.model import LinearModel
from training.domain.linear.ngrams import NgramSpec

NGRAMS = NgramSpec(char_min=2, char_max=3, word_max=1, char_bits=4, word_bits=4)


def test_a_model_that_takes_everything_for_an_attack_fails_its_self_test() -> None:
    heads = 1 + len(CATEGORIES)
    alarmed = LinearModel(
        weights=np.zeros((heads, 32), np.float16),
        biases=(5.0, *(0.0 for _ in CATEGORIES)),
        calibration=Platt(slope=1.0, intercept=0.0),
        configuration=LinearConfiguration(seed=1, ngrams=NGRAMS),
    )
    benign = [text.name for text in SELF_TEST_TEXTS if not text.attack]
    with pytest.raises(ValueError, match="train it on more kinds of everyday requests") as refusal:
        self_test_suite(alarmed, threshold=0.5)
    assert f"{len(benign)} of {len(SELF_TEST_TEXTS)} known texts" in str(refusal.value)
    assert ", ".join(benign) in str(refusal.value)
