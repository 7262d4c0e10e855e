"""How the caller frames a request, and how long they are ready to wait."""

from collections.abc import Iterable
from dataclasses import dataclass

from dashboard_backend.domain.problems import MALFORMED_REQUEST, ProblemError


@dataclass(frozen=True, slots=True)
class Framing:
    """`length` is the body's in bytes, None when it is only known at its end."""

    length: int | None
    deadline: str | None

    @classmethod
    def of(cls, headers: Iterable[tuple[bytes, bytes]]) -> "Framing":
        """Raises the problem of framing that two parsers could read differently."""
        lengths: list[bytes] = []
        chunked = False
        deadline: str | None = None
        for name, value in headers:
            if name == b"content-length":
                lengths.append(value)
            elif name == b"transfer-encoding":
                chunked = True
            elif name == b"x-request-deadline-ms":
                deadline = value.decode("latin-1")
        if chunked and lengths:
            raise ProblemError(MALFORMED_REQUEST, "Content-Length came with Transfer-Encoding.")
        if len(lengths) > 1 or not all(value.isdigit() for value in lengths):
            raise ProblemError(MALFORMED_REQUEST, "Content-Length must be one number.")
        if chunked:
            return cls(None, deadline)
        return cls(int(lengths[0]) if lengths else 0, deadline)
