"""Overlapping windows, as the serving side cuts them."""


def split(length: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """Windows `(start, end)` that cover `range(length)`; the last is drawn back to end with it.

    A text of at most `size` characters, the empty one included, is one window.
    """
    if not 0 <= overlap < size or length < 0:
        raise ValueError(
            f"0 <= overlap < size and length >= 0 must hold: {length=} {size=} {overlap=}"
        )
    if length <= size:
        return [(0, length)]
    last = length - size
    return [(start, start + size) for start in [*range(0, last, size - overlap), last]]
