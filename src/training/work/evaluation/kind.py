"""The job that judges a registered version on suites, beside another: kind `evaluate`."""

from typing import Any

import msgspec

from training.adapters.evaluation import report_store
from training.adapters.lifecycle import projection as model_projection
from training.adapters.postgres import Connection
from training.domain.evaluation.evidence import evidence_of
from training.domain.evaluation.order import CHAMPION, EvaluationOrder
from training.domain.evaluation.report import Report
from training.domain.evaluation.verdict import Comparison
from training.domain.jobs.job import Job
from training.domain.jobs.kinds import JobContext, JobFailed, JobKind
from training.work.evaluation.bundle_input import BundleInput, bundle_input
from training.work.evaluation.suite_inputs import suites_for

KIND = "evaluate"


class EvaluateKind(JobKind[Connection]):
    """Judges one version and, on the same rows, the one that it is held against."""

    name = KIND

    async def prepare(self, connection: Connection, job: Job) -> dict[str, Any]:
        """Where the bundles lie, and the rows of the suites."""
        order = msgspec.convert(job.parameters, EvaluationOrder)
        against = order.against
        if against == CHAMPION:
            model = await model_projection.find_model(connection, job.tenant, order.model)
            against = None if model is None else model.champion
        if against == order.version:
            # It would be held against itself.
            against = None
        versions = [order.version] if against is None else [order.version, int(against)]
        bundles = [await _bundle(connection, job.tenant, order.model, one) for one in versions]
        return {
            "seed": order.seed,
            "bundles": msgspec.to_builtins(bundles),
            "suites": await suites_for(connection, job.tenant, order.suites),
        }

    def run(self, context: JobContext, inputs: dict[str, Any]) -> dict[str, Any]:
        """Download, judge, compare."""
        # Only the job's own process judges: what that takes, the worker does without.
        from training.work.evaluation.judging import judge

        return judge(context, inputs)

    async def finish(self, connection: Connection, job: Job, result: dict[str, Any]) -> None:
        """Keep the report. `result` becomes what the job's owner is shown: its digest, in short."""
        order = msgspec.convert(job.parameters, EvaluationOrder)
        report = msgspec.convert(result["report"], Report)
        comparison = msgspec.convert(result["comparison"], Comparison | None)
        against = result["against"]
        compared = None if comparison is None else (against, comparison)
        await report_store.insert(connection, job, order.model, order.version, report, compared)
        result.clear()
        result.update(evidence_of(report, comparison), against=against)


async def _bundle(connection: Connection, tenant: str, model: str, version: int) -> BundleInput:
    found = await model_projection.find_version(connection, tenant, model, version)
    if found is None:
        raise JobFailed(f"The model {model} has no version {version}.", "version-unknown")
    return await bundle_input(connection, tenant, found)
