"""Unicode NFKC, cluster by cluster so that every character keeps its origin.

Unicode Standard Annex 15: normalisation never reaches across a character that starts a cluster,
so that the normalised clusters, put together, are the normalised text.
"""

import re
import unicodedata
from itertools import chain

from model_api.domain.normalisation.characters import (
    CHANGING,
    CONTINUING,
    DIACRITICS,
    MARKS,
    coarse,
)
from model_api.domain.normalisation.draft import Draft, Edit

_STACKED = re.compile(f"[{DIACRITICS}]{{4,}}|(?<=[{MARKS}]{{8}})[{MARKS}]+")
"""More marks than any language needs: decomposed polytonic Greek has three, Hebrew up to six.

The bound also keeps unicodedata.normalize, which sorts marks by insertion, linear.
"""

_SOME_MARKS = re.compile(f"[{coarse(MARKS)}]{{4}}")

_BEYOND_ASCII = re.compile("[\\x00-\\x7f]?[^\\x00-\\x7f]+")
"""Where clusters can be: all else is ASCII before ASCII, which stays as it is."""

_CLUSTER = re.compile(f"[^{CONTINUING}]?[{CONTINUING}]+|[{CHANGING}]")

_LETTERS_OF_EMOJI = re.compile("[\U0001f150-\U0001f169\U0001f170-\U0001f189]")
"""White letters on black discs and squares: Unicode gives them no decomposition."""

_REGIONAL_LETTERS = re.compile("[\U0001f1e6-\U0001f1ff]+")

_LEFT_OVER = re.compile(f"(?<=[ -~\\u00c0-\\u024f\\u1e00-\\u1eff])[{DIACRITICS}]+")
"""Marks on Latin letters that have no character of their own for the two: struck through."""

_FLAG_LENGTH = 2

_KEYCAP = "\u20e3"
"""The mark that makes an emoji of a digit: removed like all of them, but no trick."""


def unstack_marks(draft: Draft) -> None:
    """Remove heaps of combining marks."""
    if not _SOME_MARKS.search(draft.text):
        return
    edits: list[Edit] = []
    for heap in _STACKED.finditer(draft.text):
        draft.report("combining_marks", *heap.span())
        edits.append((*heap.span(), ""))
    draft.rewrite(edits)


def compose(draft: Draft) -> None:
    """Bring the text to NFKC; report compatibility characters, not mere composition."""
    text = draft.text
    if unicodedata.is_normalized("NFKC", text):
        return
    edits: list[Edit] = []
    stretches = (stretch.span() for stretch in _BEYOND_ASCII.finditer(text))
    for cluster in chain.from_iterable(_CLUSTER.finditer(text, *part) for part in stretches):
        before = cluster.group()
        after = unicodedata.normalize("NFKC", before)
        if after == before:
            continue
        edits.append((*cluster.span(), after))
        if after != unicodedata.normalize("NFC", before):
            draft.report("compatibility_characters", *cluster.span())
    draft.rewrite(edits)


def spell_out_emoji(draft: Draft) -> None:
    """Letters drawn as emoji become letters; pairs of regional indicators stay: flags."""
    edits: list[Edit] = []
    text = draft.text
    for letter in _LETTERS_OF_EMOJI.finditer(text):
        code = ord(letter.group())
        first = 0x1F170 if code >= 0x1F170 else 0x1F150
        edits.append((*letter.span(), chr(ord("A") + code - first)))
    for run in _REGIONAL_LETTERS.finditer(text):
        if len(run.group()) != _FLAG_LENGTH:
            edits.extend(
                (position, position + 1, chr(ord("A") + ord(text[position]) - 0x1F1E6))
                for position in range(*run.span())
            )
    for start, end, _ in edits:
        draft.report("emoji_letters", start, end)
    draft.rewrite(sorted(edits))


def drop_left_over_marks(draft: Draft) -> None:
    """Remove combining marks that composition left on Latin letters."""
    edits: list[Edit] = []
    for marks in _LEFT_OVER.finditer(draft.text):
        if marks.group() != _KEYCAP:
            draft.report("combining_marks", *marks.span())
        edits.append((*marks.span(), ""))
    draft.rewrite(edits)
