"""Latin words written with look-alike letters of other scripts, put back into Latin letters.

A letter is judged in its word, and a word in its neighbourhood, so that genuine Russian, Greek or
Cherokee stays. See lookalikes.py for the letters.
"""

import re
import unicodedata
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from model_api.domain.normalisation.characters import DIACRITICS, char_class
from model_api.domain.normalisation.draft import Draft
from model_api.domain.normalisation.lookalikes import RESEMBLING, SCRIPTS, TWINS

LOOKALIKES = char_class(RESEMBLING)

_LOOKALIKE = re.compile(f"[{LOOKALIKES}]")

_WORD = re.compile(f"[^\\W_](?:[^\\W_]|[{DIACRITICS}])*")

_LATIN_LETTER = re.compile("[A-Za-z\\u00c0-\\u024f\\u1e00-\\u1eff]")

_UNLIKE_LATIN = re.compile(f"[^\\W\\d_A-Za-z\\u00c0-\\u024f\\u1e00-\\u1eff{char_class(TWINS)}]")

_MATHEMATICAL = frozenset({"greek"})
"""Scripts whose single letters are symbols in Latin text."""

_SYMBOL_LENGTH = 2
"""As long as a unit or a variable with its index may be: a Greek letter beside a Latin one."""

_AS_LATIN = str.maketrans(RESEMBLING)


class _Kind(Enum):
    NEUTRAL = auto()
    LATIN = auto()
    DISGUISED = auto()
    AMBIGUOUS = auto()
    FOREIGN = auto()


class _Word(NamedTuple):
    start: int
    text: str
    kind: _Kind


def undo_confusables(draft: Draft) -> None:
    """Rewrite words of look-alike letters in the Latin letters that they imitate."""
    text = draft.text
    scripts = {SCRIPTS[letter] for letter in set(text) & SCRIPTS.keys()}
    if not scripts:
        return
    if len(scripts) == 1 and scripts != {"latin"} and not _LATIN_LETTER.search(text):
        # Nothing here is Latin, so nothing can pretend to be among Latin.
        return
    pieces: list[str] = []
    position = 0
    for word in _disguised(text):
        end = word.start + len(word.text)
        draft.report("confusables", word.start, end)
        pieces += text[position : word.start], word.text.translate(_AS_LATIN)
        position = end
    pieces.append(text[position:])
    draft.translate("".join(pieces))


def _disguised(text: str) -> Iterator[_Word]:
    """The words to rewrite: those disguised by themselves, and the ambiguous in Latin company."""
    before: _Word | None = None
    undecided: list[_Word] = []
    for match in _WORD.finditer(text):
        word = _Word(match.start(), match.group(), _kind(match.group()))
        match word.kind:
            case _Kind.NEUTRAL:
                continue
            case _Kind.AMBIGUOUS:
                undecided.append(word)
                continue
        if undecided:
            yield from _settle(before, undecided, word)
            undecided = []
        if word.kind is _Kind.DISGUISED:
            yield word
        before = word
    yield from _settle(before, undecided, None)


def _kind(word: str) -> _Kind:
    if word.isascii():
        return _Kind.NEUTRAL if word.isdecimal() else _Kind.LATIN
    latin = len(_LATIN_LETTER.findall(word))
    unlike = len(_UNLIKE_LATIN.findall(word))
    scripts = {SCRIPTS[letter] for letter in _LOOKALIKE.findall(word)}
    if not scripts:
        return _Kind.LATIN if latin else _Kind.FOREIGN if unlike else _Kind.NEUTRAL
    if latin or len(scripts) > 1 or "latin" in scripts:
        symbols = scripts <= _MATHEMATICAL and len(word) <= _SYMBOL_LENGTH
        # A foreign ending on a Latin name, or one Latin letter mistyped in a foreign word, has
        # more letters like none in Latin than letters of Latin.
        if not symbols and (unlike == 0 or unlike < latin):
            return _Kind.DISGUISED
        return _Kind.FOREIGN if unlike > latin else _Kind.LATIN
    if unlike:
        return _Kind.FOREIGN
    if scripts <= _MATHEMATICAL and len(word) == 1:
        return _Kind.NEUTRAL
    return _Kind.AMBIGUOUS


def _settle(before: _Word | None, words: list[_Word], after: _Word | None) -> Iterator[_Word]:
    """Those of the ambiguous words that stand beside Latin, and not beside their own script."""
    neighbours = [word for word in (before, after) if word is not None]
    if all(word.kind is _Kind.FOREIGN for word in neighbours):
        return
    own = {
        unicodedata.name(letter, "").partition(" ")[0].lower()
        for word in neighbours
        if word.kind is _Kind.FOREIGN
        for letter in word.text
    }
    for word in words:
        if own.isdisjoint(SCRIPTS[letter] for letter in _LOOKALIKE.findall(word.text)):
            yield word
