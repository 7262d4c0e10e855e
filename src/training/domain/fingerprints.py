"""What makes two texts the same text: for duplicates, label conflicts, leakage and differences."""

import base64
import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_BYTES = 8

# Lower-case letters, and one space for every character that `str.split` takes for white space.
_PLAIN = bytes(ord(" ") if chr(code).isspace() else ord(chr(code).lower()) for code in range(128))
_PLAIN += bytes(range(128, 256))


def comparable(text: str) -> str:
    """The text in NFKC, case-folded, each run of white space one space, none at the ends."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def comparable_bytes(text: str) -> bytes:
    """`comparable` in UTF-8, and for ASCII several times as fast."""
    if not text.isascii():
        return comparable(text).encode("utf-8", "surrogatepass")
    lowered = text.encode().translate(_PLAIN).strip()
    return b" ".join(lowered.split()) if b"  " in lowered else lowered


def fingerprint(text: str) -> int:
    """The first 8 bytes of BLAKE2b-512 over the `comparable` text in UTF-8, big-endian.

    Among a million texts, two different ones share a fingerprint with a probability below 1e-7.
    """
    return int.from_bytes(_digest(comparable_bytes(text)))


def fingerprints(comparable_texts: Iterable[bytes]) -> NDArray[np.uint64]:
    """The fingerprints of texts that are `comparable` already, in UTF-8."""
    digests = b"".join([_digest(text) for text in comparable_texts])
    return np.frombuffer(digests, np.dtype(">u8")).astype(np.uint64)


def fingerprint_set(texts: Sequence[str]) -> NDArray[np.uint64]:
    """The distinct fingerprints of texts, ascending: what `is_member` takes."""
    return np.unique(fingerprints(map(comparable_bytes, texts)))


def packed(found: NDArray[np.uint64]) -> str:
    """Fingerprints as text, for a message in JSON."""
    return base64.b64encode(found.astype("<u8").tobytes()).decode()


def unpacked(text: str) -> NDArray[np.uint64]:
    """What `packed` was given."""
    return np.frombuffer(base64.b64decode(text), "<u8").astype(np.uint64)


def is_member(wanted: NDArray[np.uint64], ascending: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of the wanted fingerprints are in an ascending array; O(log n) each."""
    if ascending.size == 0:
        return np.zeros(wanted.shape, np.bool_)
    places = np.minimum(np.searchsorted(ascending, wanted), ascending.size - 1)
    found: NDArray[np.bool_] = ascending[places] == wanted
    return found


def _digest(text: bytes) -> bytes:
    return blake2b(text).digest()[:_BYTES]
