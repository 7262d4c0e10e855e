"""What there is, for those who named what there is not: ``instead(wanted, known)``."""

from collections.abc import Sequence
from difflib import get_close_matches

MOST = 10


def instead(wanted: str, known: Sequence[str]) -> str:
    """A sentence with the names that are known, those most like the wanted one first."""
    if not known:
        return "There are none yet."
    alike = get_close_matches(wanted, known, n=MOST)
    names = [*alike, *(name for name in known if name not in alike)]
    more = f", and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"There are {', '.join(names[:MOST])}{more}."
