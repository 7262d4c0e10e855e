"""What is in a text but not seen: removed, or made the ordinary character that it stands for."""

import re
from itertools import chain

from model_api.domain.normalisation.characters import VARIATION_SELECTORS, coarse
from model_api.domain.normalisation.draft import Draft, Edit

ZERO_WIDTH = (
    "\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200d\\u2060-\\u2065"
    "\\u206a-\\u206f\\u3164\\ufeff\\uffa0\\ufff0-\\ufffb\\U0001bca0-\\U0001bca3"
    "\\U0001d173-\\U0001d17a\\U000e0080-\\U000e00ff\\U000e01f0-\\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point, less what has a signal of its own."""

BIDI_CONTROLS = "\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069"

CONTROLS = "\\x00-\\x08\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f\\ufdd0-\\ufdef\\ufffe\\uffff"
"""Controls that are no white space, and characters that Unicode promises never to assign."""

SPACES = "\\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u2800\\u3000"

LINE_ENDS = "\\x0b\\x0c\\x85\\u2028\\u2029"

SURROGATES = "\\ud800-\\udfff"

INVISIBLE = (
    ZERO_WIDTH
    + BIDI_CONTROLS
    + "\\xad"
    + VARIATION_SELECTORS
    + CONTROLS
    + SPACES
    + LINE_ENDS
    + SURROGATES
)

_TERMINAL_SEQUENCE = re.compile(r"\x1b\[[0-9;?]{0,32}[A-Za-z]")

_RUN = re.compile(f"[{coarse(INVISIBLE)}]+")

_FOUND = re.compile(
    f"(?P<zero_width>[{ZERO_WIDTH}]+)"
    f"|(?P<bidi_controls>[{BIDI_CONTROLS}]+)"
    f"|(?P<soft_hyphens>\\xad+)"
    f"|(?P<variation_selectors>[{VARIATION_SELECTORS}]+)"
    f"|(?P<control_characters>[{CONTROLS}]+)"
    f"|(?P<exotic_spaces>[{SPACES}])"
    f"|(?P<exotic_line_ends>[{LINE_ENDS}])"
    f"|(?P<lone_surrogates>[{SURROGATES}])"
)

_REPLACEMENTS = {"exotic_spaces": " ", "exotic_line_ends": "\n", "lone_surrogates": "\ufffd"}

_EMOJI_IN_LATIN_1 = "\u00a9\u00ae"

_ORTHOGRAPHIC = frozenset({"zero_width", "bidi_controls", "variation_selectors"})


def strip_terminal_sequences(draft: Draft) -> None:
    """Remove what would colour a terminal or move its cursor (ECMA-48 CSI)."""
    if "\x1b[" not in draft.text:
        return
    edits: list[Edit] = []
    for found in _TERMINAL_SEQUENCE.finditer(draft.text):
        draft.report("terminal_sequences", *found.span())
        edits.append((*found.span(), ""))
    draft.rewrite(edits)


def strip_invisible(draft: Draft) -> None:
    """Remove invisible characters; exotic spaces, line ends and surrogates become plain ones."""
    text = draft.text
    edits: list[Edit] = []
    runs = (run.span() for run in _RUN.finditer(text))
    for found in chain.from_iterable(_FOUND.finditer(text, *run) for run in runs):
        start, end = found.span()
        name = found.lastgroup or ""
        edits.append((start, end, _REPLACEMENTS.get(name, "")))
        if name not in _ORTHOGRAPHIC or not _is_orthography(text, start, end):
            draft.report(name, start, end)
    draft.rewrite(edits)


def _is_orthography(text: str, start: int, end: int) -> bool:
    """Whether a script or an emoji may need this character where it stands.

    Joiners, direction marks and selectors are spelling in scripts that come after Cyrillic in
    Unicode, and make up emoji: one of them, beside a character from there. Latin, Greek and
    Cyrillic have no use for them.
    """
    if end - start > 1 or text[start] in "\u202d\u202e":
        return False
    beside = text[start - 1 : start] + text[end : end + 1]
    return any(character >= "\u0590" or character in _EMOJI_IN_LATIN_1 for character in beside)
