"""Every limit of datasets, by name."""

MAX_NAME_LENGTH = 64
"""Characters of a dataset's name."""

MAX_TEXT_BYTES = 1 << 20
"""Size of one text, in bytes of UTF-8; a longer one is quarantined."""

MAX_LABEL_WORD = 64
"""Characters of a `source` or a `category`."""

MAX_RECORD_BYTES = 8 << 20
"""Size of one record of a file: room for a text of which JSON escapes every character."""

MAX_RAW_BYTES = 16 << 10
"""How much of a bad record's own bytes the quarantine keeps."""

MAX_ROWS = 10_000_000
"""Records in one import: about 90 bytes of memory each are needed to compare them all."""

MAX_COLUMNS = 256
"""Columns of a table, in all."""

MAX_PAGE_BYTES = 128 << 20
"""Size of one page of a Parquet file when unpacked, which happens in memory. Writers make pages of
a megabyte, and some of 100 MB."""

PIECE_BYTES = 8 << 20
"""Uploads are cut into objects of this size: well below what the store can take in one put."""

MAX_PIECES = 10_000
"""Objects of one upload. Each request to an upload ends with one, however small."""

PART_ROWS = 100_000
PART_BYTES = 8 << 20
"""Rows, and bytes before compression, after which a Parquet part is closed: with one batch more
it stays below 16 MiB."""

LISTED_ROWS = 100
"""Row numbers listed for one finding; its total goes on beyond them."""

POOL_ROWS = 1_000
POOL_BYTES = 4 << 20
"""The rows kept apart at the import: languages are told of them, and samples drawn from them."""
