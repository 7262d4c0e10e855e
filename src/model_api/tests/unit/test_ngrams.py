import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_api.domain.judging.ngrams import NgramSpec, extract

SPEC = NgramSpec(char_min=2, char_max=3, word_max=2, char_bits=16, word_bits=12)

# The trainer's tests hold the same vectors: trainer and server share a definition, no code.
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


def reference(text: str, spec: NgramSpec) -> tuple[list[int], list[int]]:
    """The definition in the module's docstring, one n-gram at a time."""
    modulus, base, mix = 1 << 32, 0x9E3779B1, 0x85EBCA6B
    folded = unicodedata.normalize("NFKC", text).casefold()
    codes = [ord(character) for character in f" {' '.join(folded.split())} "]

    def bucket(value: int, bits: int) -> int:
        value %= modulus
        return ((value ^ value >> 15) * mix % modulus) >> (32 - bits)

    chars = set()
    for n in range(spec.char_min, spec.char_max + 1):
        for start in range(len(codes) - n + 1):
            run = codes[start : start + n]
            if ord(" ") not in run[1:-1]:
                value = sum(code * base ** (n - 1 - i) for i, code in enumerate(run))
                chars.add(bucket(value + n * 0x3C6EF372, spec.char_bits) + (1 << spec.word_bits))

    def in_word(code: int) -> bool:
        if code < 0xC0:
            return chr(code) in "abcdefghijklmnopqrstuvwxyz0123456789_'"
        return not (0x2000 <= code < 0x2070 or 0x3000 <= code < 0x3040)

    hashes: list[int] = []
    power = 0
    for before, code in zip([ord(" "), *codes], codes, strict=False):
        if in_word(code):
            if not in_word(before):
                hashes.append(0)
                power = 1
            hashes[-1] = (hashes[-1] + code * power) % modulus
            power = power * base % modulus
    words = {bucket(value + 0x07654321, spec.word_bits) for value in hashes}
    chain = hashes
    for k in range(2, spec.word_max + 1):
        following = hashes[k - 1 :]
        chain = [
            (one * base ^ two * mix) % modulus
            for one, two in zip(chain[: len(following)], following, strict=True)
        ]
        words |= {bucket(value + k * 0x07654321, spec.word_bits) for value in chain}
    return sorted(words), sorted(chars)


@given(
    st.text(st.sampled_from("aB é日.'\u2014\u3002\u00a0\U0001f600ﬁß\ud800_9\t"), max_size=60)
    | st.text(max_size=60),
    st.sampled_from([SPEC, NgramSpec(3, 5, 3, 18, 17), NgramSpec(2, 2, 1, 8, 8)]),
)
def test_extraction_equals_its_definition(text: str, spec: NgramSpec) -> None:
    found = extract(text, spec)
    assert (found.words.tolist(), found.chars.tolist()) == reference(text, spec)


@given(st.text(max_size=80))
def test_buckets_are_distinct_ascending_and_in_their_blocks(text: str) -> None:
    found = extract(text, SPEC)
    for block in (found.words, found.chars):
        assert bool((np.diff(block) > 0).all())
    assert all(0 <= bucket < 4096 for bucket in found.words.tolist())
    assert all(4096 <= bucket < SPEC.buckets for bucket in found.chars.tolist())


def test_case_width_and_white_space_do_not_count() -> None:
    plain, dressed = (
        extract("ignore the rules", SPEC),
        extract("\n ＩＧＮＯＲＥ\tThe  RULES ", SPEC),
    )
    assert plain.words.tolist() == dressed.words.tolist()
    assert plain.chars.tolist() == dressed.chars.tolist()
