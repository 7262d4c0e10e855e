"""Rows from a blocking stream, handed to the event loop in batches as they come."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator

from bartizan.errors import BartizanError
from bartizan.scanning.rows import Item, Row

MAX_ROWS = 64
MAX_BYTES = 2 << 20
_AHEAD = 2 * MAX_ROWS
"""Rows read ahead at most; together with the limit on a text this bounds the memory."""


async def batches(items: Iterator[Item]) -> AsyncIterator[list[Item]]:
    """Yields what is there, up to `MAX_ROWS` rows or `MAX_BYTES` of text, and never waits for more.

    So a slow pipe is judged line by line, and a file in full batches. The reading is done in a
    thread of its own, for it may block; an error in it is raised here.
    """
    shelf = _Shelf()
    # A daemon, since nothing can wake a thread from a read of a terminal.
    threading.Thread(target=shelf.fill, args=(items,), daemon=True).start()
    try:
        while batch := await asyncio.to_thread(shelf.take):
            yield batch
    finally:
        shelf.close()


class _Shelf:
    """Between the reading thread and the taking one; blocks the faster of the two."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._error: Exception | None = BartizanError("the reading broke off")

    def fill(self, items: Iterator[Item]) -> None:
        try:
            for item in items:
                with self._changed:
                    self._changed.wait_for(lambda: self._ended or len(self._items) < _AHEAD)
                    if self._ended:
                        return
                    self._items.append(item)
                    self._changed.notify_all()
            self._error = None
        except (BartizanError, OSError) as error:
            self._error = error
        finally:
            self.close()

    def take(self) -> list[Item]:
        """A batch; empty at the end. Raises what the reading raised, after all that it had read."""
        batch: list[Item] = []
        size = 0
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._items)
            while self._items and len(batch) < MAX_ROWS and size < MAX_BYTES:
                batch.append(self._items.popleft())
                size += _weight(batch[-1])
            self._changed.notify_all()
        if not batch and self._error is not None:
            raise self._error
        return batch

    def close(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def _weight(item: Item) -> int:
    return len(item.text) if isinstance(item, Row) else 0
