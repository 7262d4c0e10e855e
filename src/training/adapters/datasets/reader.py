"""Reads the rows of a dataset version from the store, checked against what was put there.

``read_examples(objects, parts)``, ``rows_of(content, places)``, ``decode_index(content)``. Arrow
takes 30 MB and is loaded by whoever reads the first part.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from training.adapters.datasets.objects import read_parts
from training.domain.datasets.comparison import INDEX_ENTRY, Index
from training.domain.datasets.version import Part, PoolRow
from training.domain.examples import Example
from training.domain.jobs.kinds import Objects


def read_examples(objects: Objects, parts: Iterable[Part]) -> Iterator[list[Example]]:
    """The rows part by part. Raises ObjectAltered, and what the store raises."""
    from training.adapters.datasets.parquet_files import decode_part

    for content in read_parts(objects, parts):
        columns = decode_part(content)
        yield [
            Example(text, bool(label), source, category)
            for text, label, source, category in zip(
                columns["text"],
                columns["label"],
                columns["source"],
                columns["category"],
                strict=True,
            )
        ]


def rows_of(content: bytes, places: Iterable[int]) -> list[PoolRow]:
    """The rows at these places of a part."""
    from training.adapters.datasets.parquet_files import decode_part

    columns = decode_part(content)
    return [
        PoolRow(
            columns["row"][place],
            columns["text"][place],
            columns["label"][place],
            columns["source"][place],
            columns["category"][place],
        )
        for place in places
    ]


def decode_index(content: bytes) -> Index:
    """A piece of a version's index."""
    return np.frombuffer(content, INDEX_ENTRY)
