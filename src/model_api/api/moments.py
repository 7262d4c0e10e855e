"""Moments in query parameters."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar.params import QueryParameter

from model_api.api import problem_kinds as kinds
from model_api.api.predictions.schemas import Moment
from model_api.api.problems import ProblemError

Since = Annotated[
    str | None,
    QueryParameter(description="Only from this moment on (RFC 3339).", format="date-time"),
]


def parse_moment(parameter: str, text: str) -> datetime:
    """A moment by RFC 3339; the framework's own parser takes plain numbers as well."""
    try:
        return msgspec.convert(text, Moment)
    except msgspec.ValidationError:
        raise ProblemError(
            kinds.MALFORMED_REQUEST,
            f"`{parameter}` must be a moment with its offset from UTC (RFC 3339).",
        ) from None
