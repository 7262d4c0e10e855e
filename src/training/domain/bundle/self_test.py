"""The self-test cases of a bundle, from texts that this model judges right."""

from dataclasses import dataclass

from training.domain.bundle.self_test_texts import SELF_TEST_TEXTS
from training.domain.linear.model import LinearModel
from training.domain.normalisation.normaliser import normalise

MIN_CASES = 8


@dataclass(frozen=True, slots=True)
class SelfTestCase:
    """`expected` is `attack` or `benign`; scores as the server must reproduce them."""

    name: str
    text: str
    expected: str
    score: float
    categories: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SelfTestSuite:
    """The cases, and the names of the texts that this model misjudges, which the card tells."""

    cases: tuple[SelfTestCase, ...]
    misjudged: tuple[str, ...]


def self_test_suite(model: LinearModel, threshold: float) -> SelfTestSuite:
    """Cases for every text judged right at `threshold`.

    Raises ValueError where fewer than `MIN_CASES` remain, or only attacks or only benign ones.
    """
    # The server's detector is given them as they are, so they must be normalised.
    texts = [normalise(text.text) for text in SELF_TEST_TEXTS]
    verdicts = model.judge(texts)
    cases = []
    misjudged = []
    for case, text, score, categories in zip(
        SELF_TEST_TEXTS, texts, verdicts.scores.tolist(), verdicts.categories.tolist(), strict=True
    ):
        if (score >= threshold) == case.attack:
            expected = "attack" if case.attack else "benign"
            cases.append(SelfTestCase(case.name, text, expected, score, tuple(categories)))
        else:
            misjudged.append(case.name)
    if len(cases) < MIN_CASES or {case.expected for case in cases} != {"attack", "benign"}:
        wrong = f"{len(misjudged)} of {len(SELF_TEST_TEXTS)} known texts"
        raise ValueError(
            f"the model misjudges {wrong}, which every model must tell apart for the most part"
            f" ({', '.join(misjudged)}): train it on more kinds of everyday requests and of attacks"
            " as well; src/training/data/authored_train.jsonl is a beginning"
        )
    return SelfTestSuite(tuple(cases), tuple(misjudged))
