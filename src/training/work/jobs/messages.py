"""What a worker and the process of a job say to each other: JSON in frames with their length."""

import struct
from asyncio import IncompleteReadError, StreamReader
from collections.abc import Mapping
from typing import Any, BinaryIO
from uuid import UUID

import msgspec

from training.adapters.jobs.checkpoints import Checkpoint

MAX_FRAME_BYTES = 64 << 20
_LENGTH = struct.Struct(">I")


class Start(msgspec.Struct, tag="start", frozen=True):
    """The worker's first word; `scratch` is an empty folder."""

    job_id: UUID
    tenant: str
    attempt: int
    kind: str
    inputs: dict[str, Any]
    scratch: str
    checkpoints: list[Checkpoint]


class Saved(msgspec.Struct, tag="saved", frozen=True):
    """The worker's answer to `Save`; not accepted where the job is another's by now."""

    accepted: bool


class Stop(msgspec.Struct, tag="stop", frozen=True):
    """The worker wants the job to stop."""


class Reached(msgspec.Struct, tag="reached", frozen=True):
    """How far the job is."""

    fraction: float
    step: str
    numbers: Mapping[str, float]


class Said(msgspec.Struct, tag="said", frozen=True):
    """A line for the job's log."""

    message: str
    numbers: Mapping[str, float | int | str]


class Save(msgspec.Struct, tag="save", frozen=True):
    """A checkpoint has been uploaded; it counts once the worker has answered."""

    checkpoint: Checkpoint


class Done(msgspec.Struct, tag="done", frozen=True):
    """The job has run to its end."""

    result: dict[str, Any]


class Failed(msgspec.Struct, tag="failed", frozen=True):
    """The job cannot succeed, for a reason that its owner may read."""

    code: str
    message: str


class Postponed(msgspec.Struct, tag="postponed", frozen=True):
    """Something that the job needs is away."""

    reason: str


class Stopped(msgspec.Struct, tag="stopped", frozen=True):
    """The job stopped because it was told to."""


class OutOfMemory(msgspec.Struct, tag="out_of_memory", frozen=True):
    """The job met its memory limit."""


class Crashed(msgspec.Struct, tag="crashed", frozen=True):
    """A defect: the type of the exception and where it was raised, without any value."""

    description: str


type FromWorker = Start | Saved | Stop
type Ended = Done | Failed | Postponed | Stopped | OutOfMemory | Crashed
type FromJob = Reached | Said | Save | Ended

_from_worker = msgspec.json.Decoder[FromWorker](Start | Saved | Stop)
_from_job = msgspec.json.Decoder[FromJob](
    Reached | Said | Save | Done | Failed | Postponed | Stopped | OutOfMemory | Crashed
)


def frame(message: FromWorker | FromJob) -> bytes:
    """The message as it goes over the channel; ValueError where it is too long."""
    body = msgspec.json.encode(message)
    if len(body) > MAX_FRAME_BYTES:
        raise ValueError(f"a message of {len(body)} bytes is too long")
    return _LENGTH.pack(len(body)) + body


async def read_from_job(reader: StreamReader) -> FromJob | None:
    """The next message; None where the process is gone, even in the middle of one."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        body = await reader.readexactly(length)
    except (IncompleteReadError, ConnectionError):
        return None
    message: FromJob = _from_job.decode(body)
    return message


def read_from_worker(channel: BinaryIO) -> FromWorker | None:
    """The next message; None where the worker is gone."""
    head = channel.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = channel.read(length)
    return None if len(body) < length else _from_worker.decode(body)
