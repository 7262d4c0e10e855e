"""Why somebody does something: in a body, or, where there is none, in the query."""

from typing import Annotated

import msgspec
from litestar.params import QueryParameter

MAX_REASON_LENGTH = 1000
# PostgreSQL has no NUL in its texts.
_NO_NUL = "^[^\\u0000]*$"

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_REASON_LENGTH, pattern=_NO_NUL)]
ReasonOfDeletion = Annotated[
    str,
    QueryParameter(
        name="reason",
        min_length=1,
        max_length=MAX_REASON_LENGTH,
        pattern=_NO_NUL,
        description="Why. It stays, with who deleted it.",
    ),
]
