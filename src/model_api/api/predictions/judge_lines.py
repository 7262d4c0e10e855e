"""Judging a stream of texts, one JSON object a line in and out, for the command line.

Neither a database nor a network is needed. Each line is answered before the next is read, so that
a pipeline streams and memory stays bounded, whatever comes in.
"""

from collections.abc import Iterator
from typing import BinaryIO, Literal

import msgspec

from model_api.api.predictions.schemas import CategoryScore, SignalFound, SpanScore
from model_api.domain.judging.detector import Detector
from model_api.domain.judging.guard import DetectorFailed, judge
from model_api.domain.judging.policy import Policy, check_against
from model_api.domain.limits import MAX_INPUT_BYTES

MAX_LINE_BYTES = 6 * MAX_INPUT_BYTES + (64 << 10)
"""A text of the greatest length, each byte of it escaped in JSON, and room for other fields."""


class JudgeLine(msgspec.Struct, frozen=True):
    """A line to judge; fields that are not of interest here are passed over."""

    text: str
    id: str | int | None = None


class JudgedLine(msgspec.Struct, frozen=True):
    """What the guard says about a line; spans are in code points of its text."""

    id: str | int | None
    decision: Literal["allow", "flag", "block"]
    score: float
    categories: list[CategoryScore]
    spans: list[SpanScore]
    signals: list[SignalFound]


class LineError(msgspec.Struct, frozen=True):
    """Why there is no judgement; never a part of the line."""

    code: Literal["MALFORMED_LINE", "LINE_TOO_LONG", "TEXT_TOO_LONG", "JUDGEMENT_UNAVAILABLE"]
    detail: str


class RefusedLine(msgspec.Struct, frozen=True):
    """A line that could not be judged; ``line`` counts from 1, empty lines included."""

    id: str | int | None
    line: int
    error: LineError


def run(stdin: BinaryIO, stdout: BinaryIO, detector: Detector, policy: Policy) -> None:
    """Answer each line that is not blank with one line, in order, and flush it.

    Raises PolicyInvalid, before anything is read, where the detector cannot judge by the policy.
    """
    check_against(policy, detector.categories, detector.operating_points)
    encode = msgspec.json.Encoder().encode
    for number, line in enumerate(_lines(stdin), start=1):
        if line is not None and not line.strip():
            continue
        stdout.write(encode(_answer(number, line, detector, policy)) + b"\n")
        stdout.flush()


def _lines(stdin: BinaryIO) -> Iterator[bytes | None]:
    """The lines; None for one that is too long, of which no more than a piece is held at once."""
    while line := stdin.readline(MAX_LINE_BYTES + 1):
        if len(line) <= MAX_LINE_BYTES:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stdin.readline(MAX_LINE_BYTES)
        yield None


def _answer(
    number: int, line: bytes | None, detector: Detector, policy: Policy
) -> JudgedLine | RefusedLine:
    if line is None:
        detail = f"a line may have at most {MAX_LINE_BYTES} bytes"
        return RefusedLine(None, number, LineError("LINE_TOO_LONG", detail))
    try:
        asked = msgspec.json.decode(line, type=JudgeLine)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return RefusedLine(None, number, LineError("MALFORMED_LINE", _reason(error)))
    if len(asked.text.encode()) > MAX_INPUT_BYTES:
        detail = f"a text may have at most {MAX_INPUT_BYTES} bytes of UTF-8"
        return RefusedLine(asked.id, number, LineError("TEXT_TOO_LONG", detail))
    try:
        judgement = judge(asked.text, detector, policy)
    except DetectorFailed as error:
        return RefusedLine(asked.id, number, LineError("JUDGEMENT_UNAVAILABLE", str(error)))
    return JudgedLine(
        id=asked.id,
        decision=judgement.decision.value,
        score=judgement.score,
        categories=[CategoryScore(*item) for item in judgement.categories.items()],
        spans=[SpanScore(span.start, span.end, span.score) for span in judgement.spans],
        signals=[
            SignalFound(signal.name, signal.count, list(signal.spans))
            for signal in judgement.signals
        ],
    )


def _reason(error: Exception) -> str:
    # A UnicodeDecodeError quotes the bytes that it stumbled over: they are the user's text.
    match error:
        case UnicodeDecodeError():
            return "not UTF-8"
        case RecursionError():
            return "nested too deeply"
        case _:
            return str(error)
