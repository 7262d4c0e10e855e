"""Refused bodies say what there might have been instead, and nothing of what there was."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
import pytest

from training.api.bodies import JsonBody
from training.api.problems import ProblemError


class Colour(StrEnum):
    """Of a wall."""

    RED = "red"
    BLUE = "blue"


class Wall(msgspec.Struct, forbid_unknown_fields=True, tag_field="part", tag="wall"):
    """Has a height."""

    height: Annotated[int, msgspec.Meta(ge=1)] = 1
    colour: Colour = Colour.RED


class Gate(msgspec.Struct, forbid_unknown_fields=True, tag_field="part", tag="gate"):
    """Is open or not."""

    state: Literal["open", "shut"] | None = None


class Fortress(msgspec.Struct, forbid_unknown_fields=True):
    """Has parts."""

    name: str
    parts: list[Wall | Gate] = []
    towers: dict[str, Wall] = {}


@pytest.mark.parametrize(
    ("body", "pointer", "message"),
    [
        ('{"nam": "x"}', "", "Unknown field `nam`; known are name, parts, towers"),
        ('{"name": "x", "parts": [{"part": "moat"}]}', "/parts/0/part", "wall, gate"),
        (
            '{"name": "x", "parts": [{"part": "gate", "state": "s"}]}',
            "/parts/0/state",
            "open, shut",
        ),
        (
            '{"name": "x", "parts": [{"part": "wall", "colour": "s"}]}',
            "/parts/0/colour",
            "red, blue",
        ),
        # Which of the two objects it was is no longer known.
        ('{"name": "x", "parts": [{"part": "wall", "hight": 2}]}', "/parts/0", "field `hight`"),
        (
            '{"name": "x", "towers": {"s": {"part": "wall", "hight": 2}}}',
            "/towers",
            "height, colour",
        ),
        (
            '{"name": "x", "parts": [{"part": "wall", "height": 0}]}',
            "/parts/0/height",
            "`int` >= 1",
        ),
    ],
)
def test_what_there_might_have_been_is_said(body: str, pointer: str, message: str) -> None:
    with pytest.raises(ProblemError) as refused:
        JsonBody(Fortress, 1000).decode(body.encode())
    (error,) = refused.value.errors
    assert error.pointer == pointer
    assert error.message.endswith(message)
    assert error.message in refused.value.detail
    assert "`s`" not in refused.value.detail
    assert "moat" not in refused.value.detail
