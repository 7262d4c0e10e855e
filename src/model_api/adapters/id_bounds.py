"""Where in a list by id a moment lies: ids are UUIDv7, and begin with the time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

FIRST_ID = UUID(int=0)
LAST_ID = UUID(int=2**128 - 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK_SLACK = timedelta(seconds=5)


def lowest_id(since: datetime) -> UUID:
    """An id that nothing made since then is below, whichever replica's clock it was made by.

    The smallest UUIDv7 of a millisecond (RFC 9562, section 5.7) a little earlier.
    """
    # As a difference: the calendar has no moment a little before its first.
    milliseconds = (since - _EPOCH - _CLOCK_SLACK) // timedelta(milliseconds=1)
    return UUID(int=max(0, milliseconds) << 80)
