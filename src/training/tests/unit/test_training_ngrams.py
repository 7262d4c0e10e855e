import pytest

from training.domain.ngrams import NgramSpec, extract

SPEC = NgramSpec(char_min=2, char_max=3, word_max=2, char_bits=16, word_bits=12)

# The server's tests hold the same vectors: trainer and server share a definition, no code.
VECTORS = [
    ("", [], [9516]),
    ("a", [1526], [9738, 60121, 65471]),
    ("\ud800 x", [520, 822, 3688], [4611, 10733, 10966, 41639, 50495, 58470]),
]


@pytest.mark.parametrize(("text", "words", "chars"), VECTORS)
def test_the_fixed_vectors_hold(text: str, words: list[int], chars: list[int]) -> None:
    found = extract(text, SPEC)
    assert found.words.tolist() == words
    assert found.chars.tolist() == chars


def test_case_width_and_white_space_do_not_count() -> None:
    plain = extract("ignore the rules", SPEC)
    dressed = extract("\n ＩＧＮＯＲＥ\tThe  RULES ", SPEC)
    assert plain.words.tolist() == dressed.words.tolist()
    assert plain.chars.tolist() == dressed.chars.tolist()
