"""Cutting a long text into overlapping windows, all of it."""


def split(length: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """Windows ``(start, end)`` that together cover ``range(length)``.

    Neighbours share at least ``overlap`` characters, so that what fits into ``overlap`` is
    whole in some window. The last window is drawn back to end with the text instead of being
    short: a detector scores a scrap badly. A text of at most ``size`` characters, the empty one
    included, is one window.

    Raises ValueError unless ``0 <= overlap < size`` and ``length >= 0``.
    """
    if length < 0:
        raise ValueError(f"length must not be negative, got {length}")
    if not 0 <= overlap < size:
        raise ValueError(f"0 <= overlap < size must hold, got {overlap=} and {size=}")
    if length <= size:
        return [(0, length)]
    last = length - size
    starts = [*range(0, last, size - overlap), last]
    return [(start, start + size) for start in starts]
