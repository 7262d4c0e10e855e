"""The bundle in this service's folder."""

import json
from pathlib import Path

import pytest

from model_api.adapters.bundles.files import load_bundle
from model_api.domain.judging.linear import LinearDetector

BUNDLE = Path(__file__).parents[2] / "bundle"


@pytest.fixture(scope="module")
def detector() -> LinearDetector:
    return load_bundle(BUNDLE)


def test_it_proves_itself_on_attacks_and_benign_texts(detector: LinearDetector) -> None:
    cases = json.loads((BUNDLE / detector.manifest.self_test.file).read_text("utf-8"))
    assert len(cases) >= 32
    assert {case["expected"] for case in cases} == {"attack", "benign"}
    assert any(len(case["text"]) > detector.manifest.window.size for case in cases)


def test_it_stays_small_and_every_file_is_listed(detector: LinearDetector) -> None:
    files = {file.name: file.stat().st_size for file in BUNDLE.iterdir()}
    assert sum(files.values()) < 6 * 1024 * 1024
    assert set(files) == {*detector.manifest.files, "manifest.json"}


@pytest.mark.parametrize("name", ["dev.jsonl", "dev_ood.jsonl"])
def test_its_recorded_scores_meet_the_floor(detector: LinearDetector, name: str) -> None:
    result = detector.manifest.metrics[name]
    assert isinstance(result, dict)
    assert result["auc"] >= 0.98
    for point in ("sensitive", "balanced", "strict"):
        assert result["operating_points"][point]["false_positive_rate"] <= 0.02


def test_operating_points_are_ordered(detector: LinearDetector) -> None:
    points = detector.operating_points
    assert points["sensitive"] < points["balanced"] < points["strict"]
