"""Tells by its first bytes that a file is no text in UTF-8, in words that say what to do."""

from training.domain.datasets.files import FileInvalid

_UTF_8_MARK = b"\xef\xbb\xbf"
_CODINGS = {
    # The longer first: the one of UTF-32 begins with that of UTF-16.
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_PACKED = {
    b"\x1f\x8b": "compressed with gzip; send it unpacked",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard; send it unpacked",
    b"PK\x03\x04": "a ZIP archive or a spreadsheet; send what is in it as CSV or JSON Lines",
    b"PAR1": "Parquet; import it with `format=parquet`",
}
_UNMARKED = 16


def check_beginning(block: bytes) -> bytes:
    """The first block of a file without its byte order mark. Raises FileInvalid."""
    for mark, kind in _PACKED.items():
        if block.startswith(mark):
            raise FileInvalid(f"The file is {kind}.")
    coding = _coding(block)
    if coding is not None:
        raise FileInvalid(
            f"The file is {coding}; it must be UTF-8. Save it as UTF-8, or convert it: "
            f"`iconv -f {coding} -t UTF-8`."
        )
    # At the very end it may be half of a CR LF of which the rest is missing.
    if b"\n" not in block and b"\r" in block[:-1]:
        raise lone_returns()
    return block.removeprefix(_UTF_8_MARK)


def lone_returns() -> FileInvalid:
    """The refusal of a file of the old Macintosh."""
    return FileInvalid(
        "The lines of the file end with CR alone; they must end with LF or CR LF. Convert it: "
        "`tr '\\r' '\\n'`."
    )


def _coding(block: bytes) -> str | None:
    for mark, coding in _CODINGS.items():
        if block.startswith(mark):
            return coding
    # Without a mark: files of rows begin with letters of ASCII, of which each has its zeros.
    first = block[:_UNMARKED]
    if len(first) == _UNMARKED:
        zeros = [place % 4 for place, byte in enumerate(first) if byte == 0]
        if zeros in ([1, 3] * 4, [0, 2] * 4):
            return "UTF-16LE" if zeros[0] else "UTF-16BE"
        if zeros in ([1, 2, 3] * 4, [0, 1, 2] * 4):
            return "UTF-32LE" if zeros[0] else "UTF-32BE"
    return None
