"""Compatibility characters, marks and letters drawn as emoji."""

import sys
import unicodedata
from itertools import chain

import pytest

from model_api.domain.normalisation.characters import CHANGING, CONTINUING, MARKS, coarse
from model_api.domain.normalisation.normaliser import normalise


def found(text: str) -> dict[str, int]:
    return {signal.name: signal.count for signal in normalise(text).signals}


@pytest.mark.parametrize(
    ("text", "normal", "signal"),
    [
        ("ｉｇｎ", "ign", {"compatibility_characters": 3}),
        ("𝐢𝒈𝖓", "ign", {"compatibility_characters": 3}),
        ("ⓘⓖ", "ig", {"compatibility_characters": 2}),
        ("ﬁne…", "fine...", {"compatibility_characters": 2}),
        ("e\u0301te\u0301", "été", {}),
        ("\u1112\u1161\u11ab", "한", {}),
        ("\uff76\uff9e", "ガ", {"compatibility_characters": 1}),
        ("i\u0336g\u0336n\u0336", "ign", {"combining_marks": 3}),
        ("\u1e63\u0307", "ṩ", {}),
        ("Z\u0337\u0359\u0317\u033b\u0316a\u0334", "Za", {"combining_marks": 2}),
        ("ж\u0337\u0359\u0317\u033bи", "жи", {"combining_marks": 1}),
        ("ب" + "\u064b\u064e" * 9, "ب" + "\u064b" * 4 + "\u064e" * 4, {"combining_marks": 1}),
        ("🅸🅖🅝", "IGN", {"emoji_letters": 3}),
        ("🇮 🇬 🇳 is no flag", "I G N is no flag", {"emoji_letters": 3}),
    ],
)
def test_letters_in_disguise(text: str, normal: str, signal: dict[str, int]) -> None:
    assert normalise(text).text == normal
    assert found(text) == signal


@pytest.mark.parametrize(
    "text",
    [
        "Tiếng Việt, Čeština, Ελληνικά, русский, हिन्दी, ภาษาไทย, العربية, 日本語、한국어",
        "בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים",
        "\u1f84",
        unicodedata.normalize("NFD", "\u1f84 được"),
    ],
)
def test_languages_keep_their_marks(text: str) -> None:
    assert normalise(text).text == unicodedata.normalize("NFC", text)
    assert found(text) == {}


def test_one_character_that_becomes_several_is_the_origin_of_each() -> None:
    normalised = normalise("aﬃb")
    assert normalised.text == "affib"
    assert list(normalised.offsets) == [0, 1, 1, 1, 2, 3]
    assert normalised.original_span(1, 2) == (1, 2)


def test_several_characters_that_become_one_are_its_origin() -> None:
    normalised = normalise("ae\u0323\u0302b")
    assert normalised.text == "aệb"
    assert list(normalised.offsets) == [0, 1, 4, 5]


def test_the_classes_hold_every_character_that_they_should() -> None:
    inside = {name: _members(text) for name, text in _CLASSES.items()}
    for character in map(chr, [*range(0xD800), *range(0xE000, sys.maxunicode + 1)]):
        assert (character in inside["changing"]) is not unicodedata.is_normalized("NFKC", character)
        if unicodedata.combining(character):
            assert character in inside["marks"]
    assert inside["marks"] <= inside["continuing"]
    assert inside["continuing"] <= _members(coarse(CONTINUING))
    assert inside["changing"] <= _members(coarse(CHANGING))


_CLASSES = {"changing": CHANGING, "marks": MARKS, "continuing": CONTINUING}


def _members(inside: str) -> set[str]:
    ranges = (inside[at : at + 21].split("-") for at in range(0, len(inside), 21))
    codes = (range(_code(first), _code(last) + 1) for first, last in ranges)
    return set(map(chr, chain.from_iterable(codes)))


def _code(escaped: str) -> int:
    return ord(escaped.encode().decode("unicode_escape"))
