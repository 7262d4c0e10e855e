"""The journey of a file: sent, imported, trained on."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from bartizan.errors import BartizanError
from bartizan.gateway.following import follow
from bartizan.gateway.gateway import Gateway
from bartizan.gateway.shapes import (
    TRAINING,
    Comparison,
    Dataset,
    Evaluation,
    ImportReport,
    Job,
    Jobs,
    Progress,
    Trained,
)
from bartizan.gateway.showing import Tell, remaining, shown
from bartizan.gateway.uploading import upload

_PAGE = 200


def bring(gateway: Gateway, file: Path, wanted: Mapping[str, str], console: Console) -> Job:
    """Sends a file and waits until it is a dataset version. Raises `BartizanError`.

    An import that failed before is tried again: nobody sends the same file to hear the same thing.
    """
    size = max(file.stat().st_size, 1)
    with (
        _unless_interrupted(console, "What has arrived is kept: the same command goes on there."),
        shown(console, f"sending {file.name}") as tell,
    ):
        job_id = upload(gateway, file, wanted, lambda sent: tell(sent / size))
    path = f"{TRAINING}/jobs/{job_id}"
    job = gateway.get(path, Job)
    if job.has_ended and job.state != "succeeded":
        gateway.send("POST", f"{path}/retry", Job)
    return wait_for(gateway, job_id, "importing", console)


def begin_training(gateway: Gateway, order: Mapping[str, Any]) -> Job:
    """Queues a training, once, however often the request has to be sent.

    The same training that waits or runs already is not queued a second time: the way back to one
    whose watching was interrupted.
    """
    for state in ("running", "queued"):
        for job in gateway.get(f"{TRAINING}/jobs", Jobs, state=state, limit=_PAGE).items:
            if job.kind == "train" and _is_ordered(job, order):
                return job
    headers = {"Idempotency-Key": f"bartizan-{secrets.token_hex(16)}"}
    return gateway.send("POST", f"{TRAINING}/train", Job, body=order, headers=headers)


def wait_for(gateway: Gateway, job_id: str, what: str, console: Console) -> Job:
    """The job once it has succeeded. Raises `BartizanError` saying why it has not."""
    goes_on = (
        f"Job {job_id} goes on: the same command watches it again, "
        f"`bartizan cancel {job_id}` ends it."
    )
    with _unless_interrupted(console, goes_on), shown(console, what) as tell:
        job = follow(gateway, job_id, lambda progress: _show(tell, progress))
    if job.state == "succeeded":
        return job
    why = f": {job.error.message}" if job.error else ""
    been = "has failed" if job.state == "failed" else f"is {job.state}"
    raise BartizanError(f"the job {job.id} ({job.kind}) {been}{why}")


def dataset(gateway: Gateway, name: str, version: int) -> tuple[Dataset, ImportReport]:
    """A dataset version and what its import found."""
    path = f"{TRAINING}/data/{name}/versions/{version}"
    return gateway.get(path, Dataset), gateway.get(f"{path}/report", ImportReport)


def _is_ordered(job: Job, order: Mapping[str, Any]) -> bool:
    """Whether a job is what the order asks for; a wish that an order leaves out is None."""
    wishes = {"suites": None, **order}
    return all(job.parameters.get(name) == wish for name, wish in wishes.items())


@contextmanager
def _unless_interrupted(console: Console, said: str) -> Iterator[None]:
    """Says what becomes of the work when somebody stops watching it."""
    try:
        yield
    except KeyboardInterrupt:
        console.print(f"\n{said}", markup=False, highlight=False, soft_wrap=True)
        raise


def made(gateway: Gateway, model: str, job: Job) -> tuple[Trained, Comparison | None]:
    """The version that a training made; how it compares with the champion, if there was one."""
    version = msgspec.convert(job.result or {}, Trained)
    path = f"{TRAINING}/models/{model}/versions/{version.version}/report"
    return version, gateway.get(path, Evaluation).comparison or version.comparison


def _show(tell: Tell, progress: Progress) -> None:
    numbers = " ".join(f"{name} {value:.4g}" for name, value in progress.numbers.items())
    note = "  ".join(part for part in (numbers, remaining(progress.eta_seconds)) if part)
    tell(progress.fraction, progress.step, note)
