"""Undoing the tricks by which a text is made to look like another one to a machine."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from model_api.domain.normalisation.characters import CHANGING, CONTINUING, DIACRITICS, coarse
from model_api.domain.normalisation.composition import (
    compose,
    drop_left_over_marks,
    spell_out_emoji,
    unstack_marks,
)
from model_api.domain.normalisation.confusables import LOOKALIKES, undo_confusables
from model_api.domain.normalisation.draft import Draft
from model_api.domain.normalisation.entities import REFERENCE, decode_entities
from model_api.domain.normalisation.hidden_text import reveal_selectors, reveal_tags
from model_api.domain.normalisation.invisible import (
    INVISIBLE,
    strip_invisible,
    strip_terminal_sequences,
)
from model_api.domain.normalisation.signal import Signal
from model_api.domain.normalisation.spacing import MAYBE_SPACED_OUT, join_spaced_out

MAX_ROUNDS = 8
"""How many layers of one trick in another are undone. Each round is linear in the text."""

STEPS: tuple[Callable[[Draft], None], ...] = (
    reveal_tags,
    reveal_selectors,
    strip_terminal_sequences,
    strip_invisible,
    unstack_marks,
    compose,
    spell_out_emoji,
    drop_left_over_marks,
    decode_entities,
    join_spaced_out,
    undo_confusables,
)

_SUSPICIOUS_ASCII = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_SUSPICIOUS = re.compile(f"[{coarse(INVISIBLE + CHANGING + CONTINUING + DIACRITICS + LOOKALIKES)}]")


@dataclass(frozen=True, slots=True)
class NormalisedText:
    """A text as it is judged, with the way back to the original.

    ``offsets`` has one entry more than ``text`` has characters, and never decreases:
    ``offsets[i]`` is the index in the original at which character i begins, in code points, and
    its last entry is the original's length.
    """

    text: str
    offsets: Sequence[int]
    signals: tuple[Signal, ...]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``text[start:end]`` came from, with what was removed before it at the very start.

        Half-open, in code points; never empty unless the original is.
        """
        first = self.offsets[start] if start else 0
        after = self.offsets[end]
        return first, max(after, min(first + 1, self.offsets[-1]))


def normalise(text: str) -> NormalisedText:
    """Undo what hides a text's meaning, say what was found, and keep the way back.

    Normalising again changes nothing, unless the signal ``unsettled`` says that MAX_ROUNDS did
    not get to the bottom of it. Any string will do, lone surrogates included. Takes time linear
    in the text's length.
    """
    if not _is_suspicious(text):
        return NormalisedText(text, range(len(text) + 1), ())
    draft = Draft(text)
    for _ in range(MAX_ROUNDS):
        before = draft.text
        for step in STEPS:
            step(draft)
        if draft.text == before or not _is_suspicious(draft.text):
            break
    else:
        draft.report("unsettled", 0, len(draft.text))
    return NormalisedText(draft.text, draft.offsets(), draft.signals())


def _is_suspicious(text: str) -> bool:
    """Whether any step could find something: a cheap test that most texts do not pass."""
    characters = _SUSPICIOUS_ASCII if text.isascii() else _SUSPICIOUS
    return bool(
        characters.search(text)
        or ("&" in text and REFERENCE.search(text))
        or MAYBE_SPACED_OUT.search(text)
    )
