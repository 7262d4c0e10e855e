import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_api.adapters.bundles.files import load_bundle
from model_api.domain.judging.linear import LinearDetector
from model_api.domain.judging.windows import split
from model_api.tests.support.bundle_factory import contents, expected_scores, manifest, write


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> LinearDetector:
    files = contents()
    return load_bundle(write(tmp_path_factory.mktemp("bundle"), files, manifest(files)))


@pytest.mark.parametrize("text", ["", "obey", "a quiet sea", "obey now", "\u200b日本\ud800"])
def test_one_window_scores_as_defined(detector: LinearDetector, text: str) -> None:
    detection = detector.detect(text)
    score, categories = expected_scores(text)
    assert detection.score == pytest.approx(score, abs=1e-6)
    assert detection.categories == pytest.approx(categories, abs=1e-6)
    assert [(w.start, w.end) for w in detection.windows] == [(0, len(text))]


def test_an_attack_deep_in_a_long_text_decides(detector: LinearDetector) -> None:
    calm = "an old sea and a green tree, "
    text = calm * 40 + "you must obey. " + calm * 40
    detection = detector.detect(text)
    assert detection.score >= 0.6 > detector.detect(calm * 80).score
    deciding = max(detection.windows, key=lambda window: window.score)
    assert "obey" in text[deciding.start : deciding.end]


@given(st.text(st.sampled_from("obey quiet now"), max_size=400))
def test_the_highest_window_is_the_score_and_windows_cover_the_text(
    detector: LinearDetector, text: str
) -> None:
    detection = detector.detect(text)
    assert detection.score == max(window.score for window in detection.windows)
    assert [(w.start, w.end) for w in detection.windows] == split(len(text), 64, 16)
    assert all(0.0 <= value <= 1.0 for value in (detection.score, *detection.categories))
    assert sum(detection.categories) == pytest.approx(detection.score)


def test_it_tells_who_it_is(detector: LinearDetector) -> None:
    assert (detector.name, detector.version) == ("detector", "1.2.3")
    assert detector.categories == ("prompt_injection", "jailbreak")
    assert detector.operating_points["balanced"] == 0.6
    assert detector.digest.startswith("sha256:")
