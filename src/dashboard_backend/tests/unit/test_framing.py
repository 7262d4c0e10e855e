"""Framing is read one way or refused, whatever the HTTP parser before it lets through."""

import pytest

from dashboard_backend.api.framing import Framing
from dashboard_backend.domain.problems import MALFORMED_REQUEST, ProblemError

LENGTH, CHUNKED = b"content-length", b"transfer-encoding"


@pytest.mark.parametrize(
    ("fields", "length"),
    [([], 0), ([(LENGTH, b"12")], 12), ([(CHUNKED, b"chunked")], None)],
)
def test_length_is_known_or_known_to_be_unknown(
    fields: list[tuple[bytes, bytes]], length: int | None
) -> None:
    assert Framing.of(fields).length == length


@pytest.mark.parametrize(
    "fields",
    [
        [(LENGTH, b"2"), (CHUNKED, b"chunked")],
        [(LENGTH, b"2"), (LENGTH, b"2")],
        [(LENGTH, b"+2")],
        [(LENGTH, b"2,2")],
        [(LENGTH, b"")],
    ],
)
def test_ambiguous_framing_is_refused(fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(ProblemError) as caught:
        Framing.of(fields)
    assert caught.value.kind is MALFORMED_REQUEST
