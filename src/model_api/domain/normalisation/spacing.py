"""Words whose letters were set apart: ``i g n o r e``, ``i.g.n.o.r.e``."""

import re
from collections import Counter
from collections.abc import Iterator

from model_api.domain.normalisation.draft import Draft, Edit

_LETTER = "[^\\W\\d_\\u0590-\\U0010ffff]"
"""A letter of an alphabet that is written with spaces between words, not between letters."""

_LOOSE = " \\t\\r\\n._*|/~\\u00b7\\u2022\\u2010-\\u2015-"

_TIGHT = ",+:;="
"""Separators of lists and sums as well, where white space follows them."""

_SEPARATOR = f"(?:[{_LOOSE}]{{1,5}}|[{_TIGHT}])"

_SPACED_OUT = re.compile(f"(?<![^\\W_]){_LETTER}(?:{_SEPARATOR}{_LETTER}){{4,}}(?![^\\W_])")
"""At least five single letters in a row: fewer are options, variables, an abbreviation."""

MAYBE_SPACED_OUT = re.compile(
    f"[{_TIGHT}{_LOOSE}]{_LETTER}" + f"[{_TIGHT}{_LOOSE}]{{1,5}}{_LETTER}" * 3
)
"""Found wherever letters are spaced out, and quicker to look for: it starts at a separator."""

_SEPARATORS = re.compile(_SEPARATOR)


_SHORTEST_WORD = 4

_SHORTEST_PHRASE = 8
"""In letters. Abbreviations beside each other, "e.g. J.R.R.", have neither."""


def join_spaced_out(draft: Draft) -> None:
    """Join letters set apart; wider gaps among them are the spaces between words."""
    edits: list[Edit] = []
    for run in _SPACED_OUT.finditer(draft.text):
        joined = list(_join(draft.text, *run.span()))
        words = "".join(replacement or "." for _, _, replacement in joined).split(" ")
        if len(joined) + 1 >= _SHORTEST_PHRASE or max(map(len, words)) + 1 >= _SHORTEST_WORD:
            draft.report("spaced_out_letters", *run.span())
            edits += joined
    draft.rewrite(edits)


def _join(text: str, start: int, end: int) -> Iterator[Edit]:
    """What becomes of each separator; the most usual one among them parts letters."""
    separators = list(_SEPARATORS.finditer(text, start, end))
    widths = Counter(_width(separator.group()) for separator in separators)
    usual = min(widths, key=lambda width: (-widths[width], width))
    for separator in separators:
        yield *separator.span(), " " if _width(separator.group()) > usual else ""


def _width(separator: str) -> tuple[bool, int]:
    """How much a separator sets apart: white space more than any punctuation."""
    return any(map(str.isspace, separator)), len(separator)
