"""Follows a job by its events, through whatever interrupts them."""

import time
from collections.abc import Callable, Iterator

import httpx
import msgspec

from bartizan.errors import BartizanError
from bartizan.gateway.answers import LATER, reason
from bartizan.gateway.gateway import Gateway
from bartizan.gateway.shapes import TRAINING, Job, JobError, Progress

_SILENCE = httpx.Timeout(60.0, connect=5.0)
_PAUSE = 0.5


class _State(msgspec.Struct):
    state: str
    error: JobError | None = None


def follow(gateway: Gateway, job_id: str, told: Callable[[Progress], None]) -> Job:
    """The job once it has ended; `told` is called with its progress, and with why it waits.

    A stream that breaks is taken up after its last event. Raises `BartizanError` when the platform
    stays away for about a minute; the job does not mind.
    """
    path, last = f"{TRAINING}/jobs/{job_id}", ""
    while True:
        try:
            for event_id, kind, data in _events(gateway, f"{path}/events", last):
                last = event_id
                if kind == "progress":
                    told(msgspec.json.decode(data, type=Progress))
                elif kind == "state":
                    state = msgspec.json.decode(data, type=_State)
                    if state.state == "queued" and state.error is not None:
                        told(Progress(step=f"waits. {state.error.message}"))
        except httpx.TransportError:
            time.sleep(_PAUSE)
        job = gateway.get(path, Job)
        if job.has_ended:
            return job


def _events(gateway: Gateway, path: str, last: str) -> Iterator[tuple[str, str, bytes]]:
    """Id, kind and data of each event, as server-sent events come (WHATWG HTML, section 9.2)."""
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
    with gateway.client.stream("GET", path, headers=headers, timeout=_SILENCE) as answer:
        if answer.status_code in LATER:
            raise httpx.ReadError(str(answer.status_code))
        if not answer.is_success:
            answer.read()
            raise BartizanError(reason(answer))
        fields: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(":")
            if line and name:
                fields[name] = value.removeprefix(" ")
            elif not line and fields:
                yield fields.get("id", last), fields.get("event", ""), fields["data"].encode()
                fields = {}
