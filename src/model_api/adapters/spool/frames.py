"""How records lie in a spool segment, and how to read a damaged one.

``pack(payload) -> bytes``, ``scan(data, start) -> Iterator[Record | Damage]``.

A frame is MAGIC, the payload's length (4 bytes, big-endian), the CRC-32 of length and payload
(4 bytes) and the payload. MAGIC begins with a byte that no UTF-8 text contains, so that reading
can start again at the next frame after one that was damaged.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

MAGIC = b"\xf5BZ\x01"
_LENGTH = struct.Struct(">I")
_HEADER = struct.Struct(">4sII")


@dataclass(frozen=True, slots=True)
class Record:
    """A payload, and where its frame ends in the segment."""

    payload: bytes
    end: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes from ``start`` up to ``end`` that hold no whole frame."""

    start: int
    end: int


def pack(payload: bytes) -> bytes:
    """The frame of a payload."""
    length = _LENGTH.pack(len(payload))
    return MAGIC + length + _LENGTH.pack(zlib.crc32(payload, zlib.crc32(length))) + payload


def scan(data: bytes, start: int = 0) -> Iterator[Record | Damage]:
    """Every whole frame from ``start`` on, and what lies between them."""
    position = start
    while position < len(data):
        record = _read(data, position)
        if record is not None:
            yield record
            position = record.end
            continue
        sound = _next_sound(data, position + 1)
        yield Damage(position, sound)
        position = sound


def _read(data: bytes, position: int) -> Record | None:
    if len(data) - position < _HEADER.size:
        return None
    magic, length, checksum = _HEADER.unpack_from(data, position)
    begin = position + _HEADER.size
    end = begin + length
    if magic != MAGIC or end > len(data):
        return None
    payload = data[begin:end]
    if zlib.crc32(payload, zlib.crc32(_LENGTH.pack(length))) != checksum:
        return None
    return Record(payload, end)


def _next_sound(data: bytes, position: int) -> int:
    while (position := data.find(MAGIC, position)) >= 0:
        if _read(data, position) is not None:
            return position
        position += 1
    return len(data)
