"""Classes of characters, as insides of ``[...]``, from Python's own Unicode data."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import chain

DIACRITICS = (
    "\\u0300-\\u034e\\u0350-\\u036f\\u0483-\\u0489\\u1ab0-\\u1aff\\u1dc0-\\u1dff"
    "\\u20d0-\\u20f0\\ufe20-\\ufe2f"
)
"""Combining marks of no script in particular: those that are stacked to disguise a text."""

VARIATION_SELECTORS = "\\ufe00-\\ufe0f\\U000e0100-\\U000e01ef"

TAGS = "\\U000e0000-\\U000e007f"

RARE_PLANES = (
    "\\U00010000-\\U0001f2ff\\U0001fbf0-\\U0001fbf9\\U0002f800-\\U0002fa1f\\U000e0000-\\U000e0fff"
)
"""Whole blocks beyond the basic plane: all there that any class here holds, and what is between.

A class is looked up at once in the basic plane, but range by range beyond it, for every character.
So a first search tests for the basic plane's part of a class, and for these blocks.
"""

_BEYOND = re.compile("\\\\U000[1-9a-f][0-9a-f]{4}-\\\\U[0-9a-f]{8}")

_DATA = (range(0x80, 0xD800), range(0xE000, 0x20000), range(0x2F800, 0x2FA20))
"""Where Unicode has marks and characters with a decomposition; a test looks elsewhere."""

_HANGUL_VOWELS_AND_FINALS = (range(0x1161, 0x1176), range(0x11A8, 0x11C3))


def char_class(characters: Iterable[str]) -> str:
    """The inside of a regular expression's ``[...]`` that matches just these characters."""
    ranges: list[list[int]] = []
    for code in sorted(map(ord, characters)):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


def coarse(inside: str) -> str:
    """A class that holds all of this one, and that is quick to search for."""
    return _BEYOND.sub("", inside) + RARE_PLANES


def _classes() -> tuple[str, str, str]:
    changing: set[str] = set()
    marks: set[str] = set()
    seconds = set(map(chr, chain.from_iterable(_HANGUL_VOWELS_AND_FINALS)))
    for character in map(chr, chain.from_iterable(_DATA)):
        if unicodedata.combining(character):
            marks.add(character)
        match unicodedata.decomposition(character).split():
            case [first, second] if not first.startswith("<"):
                seconds.add(chr(int(second, 16)))
        if not unicodedata.is_normalized("NFKC", character):
            changing.add(character)
    heads = {character: unicodedata.normalize("NFKD", character)[0] for character in changing}
    marks |= {character for character, head in heads.items() if unicodedata.combining(head)}
    seconds |= {character for character, head in heads.items() if head in seconds}
    return char_class(changing), char_class(marks), char_class(marks | seconds)


CHANGING, MARKS, CONTINUING = _classes()
"""CHANGING: characters that are not their own NFKC. MARKS: those that normalisation puts in
order among each other. CONTINUING: marks, and all else that may merge into what precedes it."""
