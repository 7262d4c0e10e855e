"""What the gateway says when it does not do what it was asked, and how long to wait then."""

import contextlib

import httpx
import msgspec

LATER = (429, 502, 503, 504)
"""The same request may succeed after a while."""

_LONGEST_WAIT = 30.0


class _Error(msgspec.Struct):
    message: str = ""


class _Problem(msgspec.Struct):
    title: str = ""
    detail: str = ""
    errors: list[_Error] = []


def delay(attempt: int, asked: str | None) -> float:
    """Seconds to wait: as asked (within a bound), or twice as long each time."""
    if asked is not None and asked.isdecimal():
        return min(float(asked), _LONGEST_WAIT)
    return min(0.25 * 2.0**attempt, _LONGEST_WAIT)


def reason(answer: httpx.Response) -> str:
    """Why it was refused, in the gateway's or the service's words."""
    problem = _Problem()
    with contextlib.suppress(msgspec.DecodeError):
        problem = msgspec.json.decode(answer.content, type=_Problem)
    said = problem.detail or problem.title or answer.reason_phrase
    # What is wrong with one field is in the detail already.
    told = [error.message for error in problem.errors if error.message not in said]
    what = "; ".join(told)
    return f"the gateway answered {answer.status_code}: {said}" + (f" {what}" if what else "")
