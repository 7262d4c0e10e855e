"""Tells the language of texts with py3langid's model."""

from collections.abc import Iterable, Iterator

import py3langid  # type: ignore[import-untyped]  # it has no py.typed

_CHARACTERS = 500
"""The beginning of a text tells its language as well as all of it."""


def languages_of_texts(texts: Iterable[str]) -> Iterator[str]:
    """The likeliest language of each text, as ISO 639-1. 0.1 ms a text, and once 0.5 s."""
    for text in texts:
        yield str(py3langid.classify(text[:_CHARACTERS])[0])
