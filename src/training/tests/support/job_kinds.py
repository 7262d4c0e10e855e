"""Kinds of jobs that behave as a test wants, step by step."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from training.adapters import audit_log
from training.adapters.audit_log import AuditEntry
from training.adapters.object_store import StoreUnavailable
from training.adapters.postgres import Connection
from training.domain.jobs.job import Job
from training.domain.jobs.kinds import JobContext, JobFailed, JobKind
from training.work.jobs.verdicts import CANNOT_BEGIN

SECRET = "the text of a row"


class _Kind(JobKind[Connection]):
    async def prepare(self, connection: Connection, job: Job) -> dict[str, Any]:
        return job.parameters

    async def finish(self, connection: Connection, job: Job, result: dict[str, Any]) -> None:
        entry = AuditEntry(job.tenant, job.actor, "job.finished", str(job.id), result)
        await audit_log.append(connection, entry)


class Steps(_Kind):
    """Says in `folder` which step it is at, and goes on when the test lets it."""

    name = "steps"

    def run(self, context: JobContext, inputs: dict[str, Any]) -> dict[str, Any]:
        """Each step is a checkpoint."""
        folder = Path(inputs["folder"])
        began = int(context.load("step") or 0)
        for step in range(began + 1, inputs["steps"] + 1):
            context.progress(step / inputs["steps"], f"step {step}", loss=1 / step)
            context.log("a step", number=step)
            (folder / f"at-{step}-{context.attempt}").write_text(str(os.getpid()))
            while not (folder / f"go-{step}").exists():
                context.check_cancelled()
                time.sleep(0.005)
            context.save("step", str(step).encode())
        return {"began": began}


class Greedy(_Kind):
    """Takes memory until there is none."""

    name = "greedy"

    def run(self, context: JobContext, inputs: dict[str, Any]) -> dict[str, Any]:
        """Never returns where there is a limit."""
        return {"taken": len([bytearray(16 << 20) for _ in range(inputs["blocks"])])}


class Broken(_Kind):
    """Has a defect whose message quotes data."""

    name = "broken"

    def run(self, context: JobContext, inputs: dict[str, Any]) -> dict[str, Any]:
        """Fails."""
        raise RuntimeError(SECRET)


class Refusing(_Kind):
    """Finds that the job cannot succeed."""

    name = "refusing"

    def run(self, context: JobContext, inputs: dict[str, Any]) -> dict[str, Any]:
        """Fails, with a reason."""
        raise JobFailed("There is no such column.", "no-column")


class Dying(_Kind):
    """Is killed by what it does itself."""

    name = "dying"

    def run(self, context: JobContext, inputs: dict[str, Any]) -> dict[str, Any]:
        """Never returns."""
        os.kill(os.getpid(), signal.SIGSEGV)
        raise AssertionError


class Lonely(_Kind):
    """Needs a store that is away."""

    name = "lonely"

    def run(self, context: JobContext, inputs: dict[str, Any]) -> dict[str, Any]:
        """Works at the second attempt."""
        if context.attempt == 1:
            raise StoreUnavailable("away")
        return {}


class Unequipped(_Kind):
    """Its process ends as one that lacks a secret."""

    name = "unequipped"

    def run(self, context: JobContext, inputs: dict[str, Any]) -> dict[str, Any]:
        """Works at the second attempt."""
        if context.attempt == 1:
            os._exit(CANNOT_BEGIN)
        return {}


class Deaf(_Kind):
    """Does not listen, and has a child of its own that does not either."""

    name = "deaf"

    def run(self, context: JobContext, inputs: dict[str, Any]) -> dict[str, Any]:
        """Never returns."""
        sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (Path(inputs["folder"]) / "sleeper").write_text(str(sleeper.pid))
        sleeper.wait()
        return {}


class Ineffective(_Kind):
    """Succeeds, but its effects do not."""

    name = "ineffective"

    def run(self, context: JobContext, inputs: dict[str, Any]) -> dict[str, Any]:
        """Succeeds."""
        return {}

    async def finish(self, connection: Connection, job: Job, result: dict[str, Any]) -> None:
        """Fails in the middle of the transaction."""
        await super().finish(connection, job, result)
        raise RuntimeError(SECRET)


KINDS: dict[str, JobKind[Connection]] = {
    kind.name: kind
    for kind in (
        Steps(),
        Greedy(),
        Broken(),
        Refusing(),
        Dying(),
        Lonely(),
        Unequipped(),
        Deaf(),
        Ineffective(),
    )
}
