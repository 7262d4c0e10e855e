"""How long a call may take: the route's word, which a caller may only shorten."""

HEADER = "X-Request-Deadline-Ms"
_MAX_DIGITS = 9


def allowed_seconds(route_deadline: float, asked: str | None) -> float:
    """Seconds for the whole call. `asked` is the caller's header: whole milliseconds, ≥ 1.

    Raises ValueError when `asked` is neither None nor such a number.
    """
    if asked is None:
        return route_deadline
    if not (asked.isascii() and asked.isdigit() and len(asked) <= _MAX_DIGITS and int(asked)):
        raise ValueError(f"{HEADER} must be a whole number of milliseconds, at least 1")
    return min(route_deadline, int(asked) / 1000)
