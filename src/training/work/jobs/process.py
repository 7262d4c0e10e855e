"""The process of one job, as it sees itself: it is told what to do, does it, and says how it ended.

It has no database. It dies with its worker, at once: the kernel kills it, and should that fail it
sees its channel close.
"""

import faulthandler
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.adapters.object_store import UNAVAILABLE, StoreUnavailable
from training.domain.jobs.kinds import JobCancelled, JobFailed, JobKind, JobPostponed, Objects
from training.utils import process_limits
from training.utils.structured_logging import describe_exception
from training.work.jobs.context import Channel, RunningJob
from training.work.jobs.messages import (
    Crashed,
    Done,
    Ended,
    Failed,
    OutOfMemory,
    Postponed,
    Start,
    Stopped,
)


def serve(
    descriptor: int,
    kinds: Mapping[str, JobKind[Any]],
    objects: Objects,
    models: Objects,
    memory_bytes: int | None,
    niceness: int,
) -> None:
    """Do the one job that the worker at the other end of `descriptor` names."""
    process_limits.die_with_parent()
    process_limits.limit_memory(memory_bytes)
    os.nice(niceness)
    faulthandler.enable()
    with socket.socket(fileno=descriptor) as connection:
        channel = Channel(connection)
        start = channel.receive()
        if not isinstance(start, Start):
            sys.exit("the worker did not say what to do")
        channel.follow()
        context = RunningJob(start, channel, objects, models)
        os.chdir(Path(start.scratch))
        try:
            ended = _run(kinds[start.kind], context, start.inputs)
        except Exception as error:
            channel.send(Crashed(describe_exception(error)))
            raise SystemExit(1) from error
        channel.send(ended)


def _run(kind: JobKind[Any], context: RunningJob, inputs: dict[str, Any]) -> Ended:
    try:
        return Done(kind.run(context, inputs))
    except JobCancelled:
        return Stopped()
    except JobFailed as failure:
        return Failed(failure.code, str(failure))
    except JobPostponed as absence:
        return Postponed(str(absence))
    except StoreUnavailable:
        return Postponed(UNAVAILABLE)
    except MemoryError:
        return OutOfMemory()
