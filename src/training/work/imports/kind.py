"""The job that makes a dataset version of a file: kind `import`."""

import errno
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray
from uuid_utils.compat import uuid7

from training.adapters import outbox_table
from training.adapters.audit_log import audit
from training.adapters.datasets import doomed_objects
from training.adapters.datasets import store as dataset_store
from training.adapters.datasets import uploads as dataset_uploads
from training.adapters.datasets.objects import ObjectAltered, ObjectWriter, version_prefix
from training.adapters.object_store import ObjectMissing
from training.adapters.postgres import Connection
from training.domain.datasets.files import FileInvalid
from training.domain.datasets.upload import UploadUnknown
from training.domain.datasets.version import (
    DatasetVersion,
    ImportRequest,
    Lineage,
    Origin,
    Part,
    Purpose,
)
from training.domain.fingerprints import packed, unpacked
from training.domain.identity import Changer
from training.domain.jobs.job import Job
from training.domain.jobs.kinds import JobContext, JobFailed, JobKind
from training.events.dataset_facts import dataset_created
from training.work.imports.imported import Imported
from training.work.imports.sources import PieceLost, Source, Streamed, UploadedPieces

KIND = "import"

type ProtectedFingerprints = Callable[[Connection, str], Awaitable[NDArray[np.uint64]]]
"""The ascending fingerprints of all texts in a tenant's protected suites."""


@dataclass(frozen=True, slots=True)
class ImportParameters:
    """The parameters of the job: either of an upload, or of an object `s3://bucket/key`."""

    request: ImportRequest
    upload_id: UUID | None = None
    url: str | None = None


class Bucket(Protocol):
    """A bucket of the platform's own store that files may be imported from."""

    def stream(self, key: str) -> Iterator[bytes]:
        """The content of an object of any size."""
        ...


class ImportKind(JobKind[Connection]):
    """Imports uploads, and objects of the buckets that `open_bucket` gives."""

    name = KIND

    def __init__(
        self,
        protected: ProtectedFingerprints,
        open_bucket: Callable[[str], Bucket],
    ) -> None:
        self._protected = protected
        self._open_bucket = open_bucket

    async def prepare(self, connection: Connection, job: Job) -> dict[str, Any]:
        """Which pieces the file consists of, and which texts must not be in it."""
        parameters = msgspec.convert(job.parameters, ImportParameters)
        pieces: list[Part] = []
        if parameters.upload_id is not None:
            try:
                await dataset_uploads.find(connection, job.tenant, parameters.upload_id)
            except UploadUnknown:
                raise JobFailed("The upload has expired.", "upload-expired") from None
            pieces = await dataset_uploads.pieces(connection, parameters.upload_id)
        prefix = version_prefix(job.tenant, job.id, job.attempt)
        await doomed_objects.add_unless(connection, prefix, job.id, job.attempt)
        protected: NDArray[np.uint64] = np.zeros(0, np.uint64)
        if parameters.request.purpose is Purpose.TRAINING:
            protected = await self._protected(connection, job.tenant)
        return {
            "parameters": job.parameters,
            "pieces": msgspec.to_builtins(pieces),
            "prefix": prefix,
            "protected": packed(protected),
        }

    def run(self, context: JobContext, inputs: dict[str, Any]) -> dict[str, Any]:
        """Read the file twice and write the objects of the version."""
        # Only the job's own process reads files: what that takes, the others do without.
        from training.work.imports.rows import import_rows

        parameters = msgspec.convert(inputs["parameters"], ImportParameters)
        try:
            imported = import_rows(
                parameters.request,
                self._source(context, parameters, inputs),
                ObjectWriter(context.objects, inputs["prefix"]),
                unpacked(inputs["protected"]),
                context.scratch,
                context.progress,
            )
        except FileInvalid as error:
            raise JobFailed(str(error), "file-invalid") from None
        except PieceLost as error:
            raise JobFailed(
                f"{error} It cannot be imported any more: send the file again, under another "
                "Idempotency-Key.",
                "upload-lost",
            ) from None
        except ObjectMissing:
            raise JobFailed(
                "There is no such object in the store, or no longer. Put it there, and import it "
                "again.",
                "file-missing",
            ) from None
        except ObjectAltered:
            raise JobFailed(
                "The object store gave back other bytes than it was given. Send the file again, "
                "under another Idempotency-Key.",
                "object-altered",
            ) from None
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise JobFailed("The worker's disk is full.", "disk-full") from None
            raise
        context.log("imported", rows=imported.rows, quarantined=imported.quarantined)
        made: dict[str, Any] = msgspec.to_builtins(imported)
        return {"imported": made, "prefix": inputs["prefix"]}

    def _source(
        self, context: JobContext, parameters: ImportParameters, inputs: dict[str, Any]
    ) -> Source:
        if parameters.upload_id is not None:
            pieces = msgspec.convert(inputs["pieces"], list[Part])
            if not pieces:
                raise FileInvalid("The file is empty.")
            return UploadedPieces(context.objects, pieces)
        name, _, key = (parameters.url or "").removeprefix("s3://").partition("/")
        bucket = self._open_bucket(name)
        return Streamed(lambda: bucket.stream(key), None)

    async def finish(self, connection: Connection, job: Job, result: dict[str, Any]) -> None:
        """Store the version, or find that there is one of this content already.

        `result` becomes what the owner of the job is shown: which version it is.
        """
        parameters = msgspec.convert(job.parameters, ImportParameters)
        imported = msgspec.convert(result["imported"], Imported)
        version = await dataset_store.next_version(connection, job.tenant, parameters.request.name)
        made = _version(job, parameters, imported, version)
        alike = await dataset_store.same_content(connection, job.tenant, made.digest)
        there = next((each for each in alike if _is_same(each, made)), None)
        if there is None:
            objects = {
                "part": imported.parts,
                "quarantine": imported.quarantine,
                "index": imported.index,
                "pool": imported.pool,
            }
            await dataset_store.insert(
                connection, made, imported.report, imported.profile, objects, result["prefix"]
            )
            await doomed_objects.spare(connection, result["prefix"])
            await outbox_table.append(connection, dataset_created(made))
            details = {"version": made.version, "digest": made.digest, "job_id": job.id}
            await audit(
                connection, Changer(job.tenant, job.actor), "dataset.created", made.name, details
            )
        if parameters.upload_id is not None:
            await dataset_uploads.discard_pieces(connection, job.tenant, parameters.upload_id)
        shown = made if there is None else there
        result.clear()
        result.update(
            {
                "dataset": shown.name,
                "version": shown.version,
                "digest": shown.digest,
                "rows": imported.rows,
                "attacks": imported.attacks,
                "quarantined": imported.quarantined,
                "already_present": there is not None,
                **_feedback(imported),
                "same_content": [
                    {"name": each.name, "version": each.version}
                    for each in alike
                    if each is not there
                ],
            }
        )


def _feedback(imported: Imported) -> dict[str, Any]:
    found = imported.report.feedback
    return {} if found is None else {"feedback": msgspec.to_builtins(found)}


def _is_same(one: DatasetVersion, other: DatasetVersion) -> bool:
    """Whether a version says of the same rows the same things."""
    return (one.name, one.licence, one.purpose) == (other.name, other.licence, other.purpose)


def _version(
    job: Job, parameters: ImportParameters, imported: Imported, version: int
) -> DatasetVersion:
    request = parameters.request
    return DatasetVersion(
        id=uuid7(),
        tenant=job.tenant,
        name=request.name,
        version=version,
        digest=imported.digest,
        rows=imported.rows,
        attacks=imported.attacks,
        quarantined=imported.quarantined,
        licence=request.licence,
        source=request.source,
        purpose=request.purpose,
        lineage=Lineage(
            Origin(request.origin, imported.origin_sha256, imported.origin_bytes, parameters.url),
            request.format,
            request.columns,
            list(request.parents),
            imported.filters,
        ),
        created_at=datetime.now(UTC),
        created_by=job.actor,
        job_id=job.id,
    )
