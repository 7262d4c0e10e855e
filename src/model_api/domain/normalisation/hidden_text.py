"""Text written in characters that are never shown, brought to light where it was hidden.

Tag characters (U+E0020 to U+E007E) mirror ASCII. Variation selectors 1 to 256 can carry any
bytes, one each: Paul Butler, "Smuggling arbitrary data through an emoji" (2025).
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from model_api.domain.normalisation.characters import TAGS, VARIATION_SELECTORS
from model_api.domain.normalisation.draft import Draft, Edit
from model_api.domain.normalisation.invisible import ZERO_WIDTH

_TAG_RUN = re.compile(f"[{TAGS}](?:[{ZERO_WIDTH}]*[{TAGS}])*")

_SUBDIVISION_FLAGS = re.compile(
    "\U0001f3f4\U000e0067\U000e0062"
    "(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)"
    "\U000e007f"
)
"""The flags of England, Scotland and Wales: the only tag sequences that Unicode recommends."""

_SELECTOR_RUN = re.compile(f"[{VARIATION_SELECTORS}]{{2,}}")

_UTF_8 = re.compile(
    rb"[\x09\x0a\x20-\x7e]"
    rb"|[\xc2-\xdf][\x80-\xbf]"
    rb"|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)

_SHORTEST_TEXT = 3
"""Fewer hidden characters than this say nothing: they are noise to break up what is seen."""


def reveal_tags(draft: Draft) -> None:
    """Show text hidden in tag characters, as words of its own among what is seen."""
    text = draft.text
    flags = {flag.start() + 1: flag.end() for flag in _SUBDIVISION_FLAGS.finditer(text)}
    edits: list[Edit] = []
    for run in _TAG_RUN.finditer(text):
        start, end = run.span()
        if start in flags:
            edits.append((start, flags[start], ""))
            start = flags[start]
        if start == end:
            continue
        draft.report("tag_characters", start, end)
        hidden = [
            (position, chr(ord(text[position]) - 0xE0000))
            for position in range(start, end)
            if "\U000e0020" <= text[position] <= "\U000e007e"
        ]
        edits.extend(_reveal(start, end, hidden))
    draft.rewrite(edits)


def reveal_selectors(draft: Draft) -> None:
    """Show text hidden as UTF-8 in runs of variation selectors, as words of its own."""
    edits: list[Edit] = []
    for run in _SELECTOR_RUN.finditer(draft.text):
        start, end = run.span()
        draft.report("variation_selectors", start, end)
        smuggled = bytes(_smuggled(run.group()))
        hidden = [
            (start + character.start(), character.group().decode())
            for character in _UTF_8.finditer(smuggled)
        ]
        edits.extend(_reveal(start, end, hidden))
    draft.rewrite(edits)


def _smuggled(selectors: str) -> Iterator[int]:
    for code in map(ord, selectors):
        yield code - 0xFE00 if code < 0xFE10 else code - 0xE0100 + 16


def _reveal(start: int, end: int, hidden: list[tuple[int, str]]) -> Iterator[Edit]:
    """Edits that put the hidden characters in the place of ``text[start:end]``."""
    if len(hidden) < _SHORTEST_TEXT:
        yield start, end, ""
        return
    yield start, hidden[0][0], " "
    for (position, character), (following, _) in pairwise(hidden):
        yield position, following, character
    position, character = hidden[-1]
    yield position, end, f"{character} "
