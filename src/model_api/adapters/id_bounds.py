"""Where in a list by id a moment lies: ids are UUIDv7, and begin with the time."""

from datetime import datetime, timedelta
from uuid import UUID

FIRST_ID = UUID(int=0)
LAST_ID = UUID(int=2**128 - 1)
_CLOCK_SLACK = timedelta(seconds=5)


def lowest_id(since: datetime) -> UUID:
    """An id that nothing made since then is below, whichever replica's clock it was made by.

    The smallest UUIDv7 of a millisecond (RFC 9562, section 5.7) a little earlier.
    """
    milliseconds = max(0, int((since - _CLOCK_SLACK).timestamp() * 1000))
    return UUID(int=milliseconds << 80)
