"""Which hashed n-grams a text holds: hash `poly32-boundary/1` of model bundles.

The definition, on which trainer and server must agree to the bit:

1. The text is brought to NFKC, case-folded, each run of white space becomes one space, and one
   space is put at either end.
2. Character n-grams are runs of n code points that hold a space at their ends only, so none
   reaches across two words. With code points c, the hash of a run is the polynomial
   `c[0] * BASE**(n-1) + … + c[n-1]`, plus `n * CHAR_SALT`.
3. Words are maximal runs of word characters (`_word_characters`). With s the word's index in the
   text, its hash is `c[s] + c[s+1] * BASE + c[s+2] * BASE**2 + …`; that of k words is
   `hash(first k-1) * BASE ^ hash(last) * MIX`; plus `k * WORD_SALT`.
4. A hash h becomes a bucket by `((h ^ h >> 15) * MIX) >> 32 - bits`. Word buckets come first,
   `0 … 2**word_bits - 1`, then the character buckets. A bucket that is hit twice counts once.

All arithmetic is modulo 2**32.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

HASH_NAME = "poly32-boundary/1"

_BASE = 0x9E3779B1
_MIX = np.uint32(0x85EBCA6B)
_CHAR_SALT = 0x3C6EF372
_WORD_SALT = 0x07654321
_MODULUS = 1 << 32
_SPACE = ord(" ")
_LAST_OF_BASIC_PLANE = 0xFFFF

type Codes = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class NgramSpec:
    """Lengths of the n-grams (inclusive) and the binary logarithm of each bucket count."""

    char_min: int
    char_max: int
    word_max: int
    char_bits: int
    word_bits: int

    @property
    def buckets(self) -> int:
        """How many buckets there are in all."""
        return (1 << self.word_bits) + (1 << self.char_bits)


@dataclass(frozen=True, slots=True)
class Ngrams:
    """The distinct buckets of one text, ascending, by block; indices into one table."""

    words: NDArray[np.intp]
    chars: NDArray[np.intp]


def extract(text: str, spec: NgramSpec) -> Ngrams:
    """The distinct buckets of `text`. Time and memory are linear in its length."""
    codes = _codes(text)
    chars = _buckets(_char_hashes(codes, spec), spec.char_bits)
    chars += 1 << spec.word_bits
    return Ngrams(words=_buckets(_word_hashes(codes, spec), spec.word_bits), chars=chars)


def _codes(text: str) -> Codes:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    padded = f" {' '.join(text.casefold().split())} "
    return np.frombuffer(padded.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))


def _char_hashes(codes: Codes, spec: NgramSpec) -> Codes:
    base = np.uint32(_BASE)
    space = codes == _SPACE
    crosses = np.zeros(codes.size, np.bool_)
    hashes = codes
    found = []
    for n in range(2, spec.char_max + 1):
        hashes = hashes[:-1] * base + codes[n - 1 :]
        crosses = crosses[:-1] if n == 2 else crosses[:-1] | space[n - 2 : -1]
        if n >= spec.char_min:
            salted = hashes + np.uint32(n * _CHAR_SALT % _MODULUS)
            found.append(salted if n == 2 else salted[~crosses])
    return np.concatenate(found)


def _word_hashes(codes: Codes, spec: NgramSpec) -> Codes:
    powers, inverses = _powers(codes.size.bit_length())
    prefix = np.zeros(codes.size + 1, np.uint32)
    np.cumsum(codes * powers[: codes.size], dtype=np.uint32, out=prefix[1:])
    inside = _word_characters()[np.minimum(codes, _LAST_OF_BASIC_PLANE)]
    # The text begins and ends with a space, so borders pair up: a start, then its end.
    borders = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    starts, ends = borders[0::2], borders[1::2]
    words: Codes = (prefix[ends] - prefix[starts]) * inverses[starts]
    base = np.uint32(_BASE)
    hashes = words
    found = [hashes + np.uint32(_WORD_SALT)]
    for k in range(2, spec.word_max + 1):
        hashes = hashes[:-1] * base ^ words[k - 1 :] * _MIX
        found.append(hashes + np.uint32(k * _WORD_SALT % _MODULUS))
    return np.concatenate(found)


def _buckets(hashes: Codes, bits: int) -> NDArray[np.intp]:
    hashes ^= hashes >> np.uint32(15)
    hashes *= _MIX
    hashes >>= np.uint32(32 - bits)
    hashes.sort()
    first = np.empty(hashes.size, np.bool_)
    first[:1] = True
    np.not_equal(hashes[1:], hashes[:-1], out=first[1:])
    return hashes[first].astype(np.intp)


@lru_cache(maxsize=1)
def _word_characters() -> NDArray[np.bool_]:
    """Word characters of the basic plane; those beyond it count as its last.

    ASCII lower-case letters, digits, `_` and `'`, and everything from U+00C0 on except general
    punctuation (U+2000-206F) and CJK punctuation (U+3000-303F). A fixed rule rather than
    `str.isalnum`, whose answers change with the Unicode version of the interpreter.
    """
    table = np.zeros(_LAST_OF_BASIC_PLANE + 1, np.bool_)
    for character in "abcdefghijklmnopqrstuvwxyz0123456789_'":
        table[ord(character)] = True
    table[0xC0:] = True
    table[0x2000:0x2070] = False
    table[0x3000:0x3040] = False
    return table


@lru_cache(maxsize=64)
def _powers(bits: int) -> tuple[Codes, Codes]:
    """BASE**i and its inverse modulo 2**32, for i below 2**bits."""
    return _geometric(_BASE, 1 << bits), _geometric(pow(_BASE, -1, _MODULUS), 1 << bits)


def _geometric(ratio: int, length: int) -> Codes:
    terms = np.full(length, ratio, np.uint32)
    terms[0] = 1
    return np.cumprod(terms, dtype=np.uint32)
