"""HTML character references, decoded."""

import html
import re

from model_api.domain.normalisation.draft import Draft, Edit

REFERENCE = re.compile(
    "&(?:amp;|\\#38;|\\#[xX]26;)*"
    "(?:\\#0*[0-9]{1,7}(?![0-9]);?"
    "|\\#[xX]0*[0-9A-Fa-f]{1,6}(?![0-9A-Fa-f]);?"
    "|[A-Za-z][A-Za-z0-9]{1,31};"
    "|(?:amp|lt|gt|quot|nbsp)(?![A-Za-z0-9=;]))"
)
"""One reference, however often its ampersand was escaped in turn.

Names need their semicolon, as in an HTML attribute: ``?a=1&copy=2`` is no copyright sign. The few
that are written without it in practice do not, unless they look like such a parameter.
"""

_ESCAPED_AMPERSANDS = re.compile(r"^&(?:amp;|\#38;|\#[xX]26;)+(?=.)", re.DOTALL)


def decode_entities(draft: Draft) -> None:
    """Replace references by what HTML says they are (html.unescape); unknown names stay."""
    edits: list[Edit] = []
    for found in REFERENCE.finditer(draft.text):
        reference = _ESCAPED_AMPERSANDS.sub("&", found.group())
        decoded = html.unescape(reference)
        if decoded == found.group():
            continue
        draft.report("html_entities", *found.span())
        edits.append((*found.span(), decoded))
    draft.rewrite(edits)
