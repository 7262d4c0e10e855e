"""Attacks hidden in documents, made from short attacks and benign texts."""

from collections.abc import Sequence

import numpy as np

from training.domain.examples import Example

MAX_ATTACK_CHARACTERS = 400
MIN_CARRIER_CHARACTERS = 300
_SEPARATORS = (" ", "\n", "\n\n")


def embed_attacks(
    examples: Sequence[Example], count: int, window_size: int, seed: int
) -> list[Example]:
    """`count` documents that each hold a short attack, none longer than a window.

    They teach that a few lines make an attack of a window that is benign otherwise; without them
    the benign words around an injection outvote it. The attack stands at a line or sentence
    border of an excerpt of the carrier. Pass the examples of a fold's training part alone, so
    that nothing held out is used. Empty where no attack is short enough or no text long enough.
    """
    longest = min(MAX_ATTACK_CHARACTERS, window_size // 2)
    attacks = [one.text for one in examples if one.attack and 0 < len(one.text) <= longest]
    carriers = [
        one.text
        for one in examples
        if not one.attack and len(one.text) >= min(MIN_CARRIER_CHARACTERS, window_size // 2)
    ]
    if not attacks or not carriers:
        return []
    generator = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        attack = attacks[generator.integers(len(attacks))]
        carrier = carriers[generator.integers(len(carriers))]
        room = window_size - len(attack) - 2 * max(map(len, _SEPARATORS))
        length = min(int(generator.integers(room // 4, room, endpoint=True)), len(carrier))
        start = int(generator.integers(len(carrier) - length, endpoint=True))
        excerpt = carrier[start : start + length]
        borders = [0, length, *(i + 1 for i, mark in enumerate(excerpt) if mark in ".\n")]
        border = borders[generator.integers(len(borders))]
        separator = _SEPARATORS[generator.integers(len(_SEPARATORS))]
        text = f"{excerpt[:border]}{separator}{attack}{separator}{excerpt[border:]}"
        made.append(Example(text, attack=True, source="indirect_made", category="document"))
    return made
