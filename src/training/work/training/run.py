"""A training, in the process of its job: trains, judges, uploads, tells MLflow."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from training.adapters.bundles.folder import write_bundle
from training.adapters.bundles.scorer import bundle_scorer
from training.adapters.bundles.uploads import location_of
from training.adapters.mlflow.address import MlflowAddress
from training.adapters.mlflow.plots import draw
from training.adapters.mlflow.tracking import log_training
from training.domain.bundle.contents import MANIFEST, digest_of, json_bytes
from training.domain.evaluation.compare import compare
from training.domain.evaluation.evaluate import evaluate
from training.domain.evaluation.judged import Evaluation
from training.domain.evaluation.markdown import render_markdown
from training.domain.evaluation.overlap import Overlap
from training.domain.evaluation.report import Report
from training.domain.evaluation.suite import Suite
from training.domain.fingerprints import unpacked
from training.domain.jobs.kinds import JobContext, JobFailed, JobPostponed
from training.domain.tracking.facts import (
    DatasetUse,
    StepMeasures,
    TrackedVersion,
    TrackingAway,
    TrackingRefused,
    TrainingRecord,
    registered_name,
)
from training.work.evaluation.judging import judge_version
from training.work.evaluation.suite_inputs import load_suites
from training.work.training.inputs import TrainInputs
from training.work.training.model import MadeModel, make_model
from training.work.training.result import TrainResult

_TRAINED, _JUDGED, _TOLD = 0.7, 0.92, 0.97


class TrainingRun:
    """One attempt at it. What an earlier attempt has come to is found again, or made the same."""

    def __init__(
        self,
        context: JobContext,
        inputs: dict[str, Any],
        mlflow: MlflowAddress,
        platform_tenant: str,
    ) -> None:
        self._context = context
        self._wanted = msgspec.convert(inputs, TrainInputs)
        self._protected = unpacked(inputs["protected"])
        self._mlflow = mlflow
        self._platform_tenant = platform_tenant

    def result(self) -> dict[str, Any]:
        """Do it; what comes of it, as JSON."""
        made = make_model(self._context, self._wanted, self._protected, _TRAINED)
        candidate, champion = _judge(self._context, self._wanted, made)
        comparison = None
        if champion is not None:
            comparison = compare(candidate, champion, self._wanted.order.seed)
            self._context.log("compared with the champion", verdict=str(comparison.verdict))
        digest = digest_of(made.bundle[MANIFEST])
        location = location_of(self._context.tenant, self._wanted.order.name, digest)
        self._context.progress(_JUDGED, "uploading the bundle")
        for name in sorted(made.bundle, key=lambda each: (each == MANIFEST, each)):
            self._context.models.put(f"{location}/{name}", made.bundle[name])
        self._context.progress(_JUDGED, "telling MLflow")
        artifacts = {
            "report.md": render_markdown(candidate.report, comparison).encode(),
            "report.json": json_bytes(candidate.report),
            **{f"plots/{path}": png for path, png in draw(candidate, champion).items()},
        }
        record = self._record(made, candidate.report, artifacts)
        tracked = _tell(self._mlflow, record, self._context)
        self._context.progress(_TOLD, "registering")
        result: dict[str, Any] = msgspec.to_builtins(
            TrainResult(
                digest=digest,
                location=location,
                bundle_version=made.version,
                run_id=tracked.run_id,
                version=tracked.version,
                datasets=[
                    {"name": each.name, "version": each.version, "digest": each.digest}
                    for each in self._wanted.datasets
                ],
                parameters=dict(made.parameters),
                out_of_fold=dict(made.trained.out_of_fold),
                scores={str(index): score for index, score in made.scores.items()},
                report=candidate.report,
                against=self._wanted.champion.version if self._wanted.champion else None,
                comparison=comparison,
            )
        )
        return result

    def _record(
        self, made: MadeModel, report: Report, artifacts: dict[str, bytes]
    ) -> TrainingRecord:
        measures = {
            f"{suite.suite}.auc": suite.ranking.auc.value
            for suite in report.suites
            if suite.ranking is not None
        }
        auc = made.trained.out_of_fold.get("auc")
        if isinstance(auc, float):
            measures["out_of_fold.auc"] = auc
        return TrainingRecord(
            job_id=str(self._context.job_id),
            model=registered_name(
                self._context.tenant, self._wanted.order.name, self._platform_tenant
            ),
            bundle_digest=digest_of(made.bundle[MANIFEST]),
            bundle_version=made.version,
            trainer=self._wanted.order.trainer,
            parameters={**made.parameters, "seed": self._wanted.order.seed},
            started_at=self._wanted.started_at,
            finished_at=_trained_at(self._context),
            bundle=made.bundle,
            measures=measures,
            steps=[
                StepMeasures(step, measured) for step, measured in enumerate(made.trained.by_step)
            ],
            datasets=[
                DatasetUse(each.name, each.version, each.digest, each.rows, each.attacks)
                for each in self._wanted.datasets
            ],
            artifacts=artifacts,
            tags=self._wanted.tags,
        )


def _judge(
    context: JobContext, wanted: TrainInputs, made: MadeModel
) -> tuple[Evaluation, Evaluation | None]:
    suites: list[Suite] = load_suites(context.objects, wanted.suites)
    folder = context.scratch / "candidate"
    write_bundle(folder, made.bundle)
    overlap = Overlap(suites)
    overlap.add(made.trained_on)
    half = (_JUDGED - _TRAINED) / 2

    def progress(done: float, step: str) -> None:
        context.progress(_TRAINED + done * half, f"candidate: {step}")

    try:
        scorer = bundle_scorer(folder)
        candidate = evaluate(scorer, suites, wanted.order.seed, progress, overlap.rows())
    except ValueError as error:
        raise JobFailed(str(error), "bundle-unusable") from None
    if wanted.champion is None:
        return candidate, None
    stretch = (_TRAINED + half, half)
    return candidate, judge_version(context, wanted.champion, suites, wanted.order.seed, stretch)


def _tell(address: MlflowAddress, record: TrainingRecord, context: JobContext) -> TrackedVersion:
    try:
        return log_training(address, record, check_cancelled=context.check_cancelled)
    except TrackingAway:
        raise JobPostponed("MLflow cannot be reached.") from None
    except TrackingRefused as refusal:
        raise JobFailed(str(refusal), "tracking-refused") from None


def _trained_at(context: JobContext) -> datetime:
    """The same in every attempt after the first that came so far."""
    kept = context.load("trained-at")
    if kept is None:
        kept = datetime.now(UTC).isoformat().encode()
        context.save("trained-at", kept)
    return datetime.fromisoformat(kept.decode())
