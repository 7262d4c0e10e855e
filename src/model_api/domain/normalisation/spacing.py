"""Words whose letters were set apart: ``i g n o r e``, ``i.g.n.o.r.e``."""

import re
from collections import Counter

from model_api.domain.normalisation.draft import Draft, Edit

_LETTER = "[^\\W\\d_\\u0590-\\U0010ffff]"
"""A letter of an alphabet that is written with spaces between words, not between letters."""

_LOOSE = " \\t\\r\\n._*|/~\\u00b7\\u2022\\u2010-\\u2015-"

_TIGHT = ",+:;="
"""Separators of lists and sums as well, where white space follows them."""

_SEPARATOR = f"(?:[{_LOOSE}]{{1,5}}|[{_TIGHT}])"

_SPACED_OUT = re.compile(f"(?<![^\\W_]){_LETTER}(?:{_SEPARATOR}{_LETTER}){{4,}}(?![^\\W_])")
"""At least five single letters in a row: shorter runs are initials, options and variables."""

MAYBE_SPACED_OUT = re.compile(
    f"[{_TIGHT}{_LOOSE}]{_LETTER}" + f"[{_TIGHT}{_LOOSE}]{{1,5}}{_LETTER}" * 3
)
"""Found wherever letters are spaced out, and quicker to look for: it starts at a separator."""

_SEPARATORS = re.compile(_SEPARATOR)


def join_spaced_out(draft: Draft) -> None:
    """Join letters set apart; wider gaps among them are the spaces between words."""
    text = draft.text
    edits: list[Edit] = []
    for run in _SPACED_OUT.finditer(text):
        draft.report("spaced_out_letters", *run.span())
        gaps = list(_SEPARATORS.finditer(text, *run.span()))
        widths = Counter(_width(gap.group()) for gap in gaps)
        usual = min(widths, key=lambda width: (-widths[width], width))
        edits.extend((*gap.span(), " " if _width(gap.group()) > usual else "") for gap in gaps)
    draft.rewrite(edits)


def _width(separator: str) -> tuple[bool, int]:
    """How much a separator sets apart: white space more than any punctuation."""
    return any(map(str.isspace, separator)), len(separator)
