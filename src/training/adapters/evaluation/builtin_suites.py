"""The suites that come with the service: ``BUILT_IN``, ``definitions()``, ``load(name)``."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from training.adapters.datasets.labelled_files import parse_examples
from training.domain.evaluation.definition import SuiteDefinition
from training.domain.evaluation.suite import Measure, Suite
from training.domain.fingerprints import fingerprint_set


@dataclass(frozen=True, slots=True)
class _BuiltIn:
    file: str
    description: str
    measures: tuple[Measure, ...]


BUILT_IN = {
    "authored_dev": _BuiltIn(
        "authored_dev.jsonl",
        "Everyday requests in several languages, and short attacks, written for this project.",
        (Measure.RANKING, Measure.CALIBRATION, Measure.SLICES, Measure.LATENCY),
    ),
    "robustness": _BuiltIn(
        "robustness.jsonl",
        "Plain attacks and benign texts like them, judged again under each disguise.",
        (Measure.RANKING, Measure.ROBUSTNESS),
    ),
}


@cache
def load(name: str) -> Suite:
    """The suite with its rows; KeyError where none of this name is built in."""
    built_in = BUILT_IN[name]
    content = resources.files("training").joinpath("data", built_in.file).read_bytes()
    return Suite(
        name=name,
        digest=f"sha256:{hashlib.sha256(content).hexdigest()}",
        examples=parse_examples(built_in.file, content),
        measures=built_in.measures,
    )


@cache
def definitions() -> tuple[SuiteDefinition, ...]:
    """All of them, by name."""
    suites = [load(name) for name in sorted(BUILT_IN)]
    return tuple(
        SuiteDefinition(
            name=suite.name,
            description=BUILT_IN[suite.name].description,
            digest=suite.digest,
            measures=suite.measures,
            protected=suite.protected,
            is_default=True,
            rows=len(suite.examples),
            attacks=sum(example.attack for example in suite.examples),
        )
        for suite in suites
    )


@cache
def fingerprints() -> NDArray[np.uint64]:
    """Of all their texts, ascending."""
    return fingerprint_set([one.text for name in BUILT_IN for one in load(name).examples])
