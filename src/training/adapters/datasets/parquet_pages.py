"""What a Parquet file says of its pages: Arrow unpacks each as a whole, whatever its size.

Read from the headers of the pages, which stand between them in Thrift's compact protocol:
https://parquet.apache.org/docs/file-format/data-pages/ and parquet.thrift, `PageHeader`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

_MAX_HEADER_BYTES = 1 << 20
_MAX_DEPTH = 8
_DELTA_BYTE_ARRAY = 7
_BOOLEANS, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _STRUCT = (1, 2), 3, (4, 5, 6), 7, 8, 12
_SIZE, _PACKED_SIZE = 2, 3
_DICTIONARY = 7
_ENCODINGS = {5: 2, _DICTIONARY: 2, 8: 4}
"""Of a data page, a dictionary and a data page of the second version: the field of the encoding."""


class PageUnreadable(ValueError):
    """What should be the header of a page is none."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its bytes when unpacked, how many values it says it has, whether it is a dictionary
    of words, and whether each value says what it shares with the one before it, so that few bytes
    stand for many."""

    size: int
    values: int
    is_dictionary: bool = False
    is_delta: bool = False


type _Struct = dict[int, "int | _Struct"]


def pages(file: BinaryIO, start: int, length: int) -> Iterator[Page]:
    """The pages of a column of a row group, which has these bytes. Raises PageUnreadable."""
    place, end = start, start + length
    while place < end:
        file.seek(place)
        written = BytesIO(file.read(min(_MAX_HEADER_BYTES, end - place)))
        header = _struct(written)
        size, packed = header.get(_SIZE), header.get(_PACKED_SIZE)
        if not isinstance(size, int) or not isinstance(packed, int) or size < 0 or packed < 0:
            raise PageUnreadable("a page has no size")
        yield _page(size, header)
        place += written.tell() + packed


def _page(size: int, header: _Struct) -> Page:
    for field, encoding in _ENCODINGS.items():
        found = header.get(field)
        if isinstance(found, dict):
            values = found.get(1)
            return Page(
                size,
                values if isinstance(values, int) else 0,
                field == _DICTIONARY,
                found.get(encoding) == _DELTA_BYTE_ARRAY,
            )
    return Page(size, 0)


def _struct(file: BytesIO, depth: int = 0) -> _Struct:
    """Its fields by number, those that are numbers or structs themselves."""
    if depth > _MAX_DEPTH:
        raise PageUnreadable("too deep")
    found: _Struct = {}
    number = 0
    while (head := _byte(file)) != 0:
        step, kind = head >> 4, head & 0xF
        number = number + step if step else _zigzag(_varint(file))
        if kind in _INTEGERS:
            found[number] = _zigzag(_varint(file))
        elif kind == _STRUCT:
            found[number] = _struct(file, depth + 1)
        elif kind == _BINARY:
            file.seek(_varint(file), 1)
        elif kind in (_BYTE, _DOUBLE):
            file.seek(1 if kind == _BYTE else 8, 1)
        elif kind not in _BOOLEANS:
            raise PageUnreadable(f"type {kind}")
    return found


def _byte(file: BytesIO) -> int:
    read = file.read(1)
    if not read:
        raise PageUnreadable("it ends early")
    return read[0]


def _varint(file: BytesIO) -> int:
    value = shift = 0
    while (byte := _byte(file)) & 0x80:
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > 63:
            raise PageUnreadable("a number is too long")
    return value | byte << shift


def _zigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)
