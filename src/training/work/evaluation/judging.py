"""Judges versions on suites, in the process of a job."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from training.adapters.bundles.download import download_bundle
from training.adapters.bundles.reader import BundleUnreadable
from training.adapters.bundles.scorer import BundleScorer, bundle_scorer
from training.adapters.datasets.objects import ObjectAltered
from training.adapters.datasets.reader import read_examples
from training.adapters.object_store import ObjectMissing
from training.domain.evaluation.compare import compare
from training.domain.evaluation.evaluate import evaluate
from training.domain.evaluation.judged import Evaluation
from training.domain.evaluation.overlap import Overlap
from training.domain.evaluation.suite import Suite
from training.domain.fingerprints import comparable_bytes, fingerprints
from training.domain.jobs.kinds import JobContext, JobFailed
from training.work.evaluation.bundle_input import BundleInput
from training.work.evaluation.suite_inputs import load_suites


def judge(context: JobContext, inputs: dict[str, Any]) -> dict[str, Any]:
    """Download, judge, compare: what the process of an `evaluate` job does."""
    bundles = msgspec.convert(inputs["bundles"], list[BundleInput])
    suites = load_suites(context.objects, inputs["suites"])
    seed: int = inputs["seed"]
    evaluations = [
        judge_version(context, bundle, suites, seed, (number / len(bundles), 1 / len(bundles)))
        for number, bundle in enumerate(bundles)
    ]
    candidate, *others = evaluations
    comparison = compare(candidate, others[0], seed) if others else None
    if comparison is not None:
        context.log("compared", verdict=str(comparison.verdict))
    return {
        "report": msgspec.to_builtins(candidate.report),
        "comparison": msgspec.to_builtins(comparison),
        "against": bundles[1].version if others else None,
    }


def judge_version(
    context: JobContext,
    bundle: BundleInput,
    suites: Sequence[Suite],
    seed: int,
    stretch: tuple[float, float],
) -> Evaluation:
    """Download a version's bundle and judge it, telling of progress from where the stretch begins
    and over its length; JobFailed."""
    begun, share = stretch

    def progress(done: float, step: str) -> None:
        context.progress(begun + done * share, f"version {bundle.version}: {step}")

    scorer = _scorer(context, bundle, context.scratch / str(bundle.version))
    progress(0.0, "looking for what it was trained on")
    trained_on = _trained_on(context, bundle, suites)
    try:
        return evaluate(scorer, suites, seed, progress, trained_on)
    except ValueError as error:
        raise JobFailed(str(error), "bundle-unusable") from None


def _trained_on(
    context: JobContext, bundle: BundleInput, suites: Sequence[Suite]
) -> tuple[int, ...] | None:
    if bundle.trained_on is None:
        return None
    overlap = Overlap(suites)
    try:
        for some in read_examples(context.objects, bundle.trained_on):
            overlap.add(fingerprints(comparable_bytes(one.text) for one in some))
            context.check_cancelled()
    except (ObjectMissing, ObjectAltered):
        # They were deleted meanwhile, or tell nothing any more.
        return None
    return overlap.rows()


def _scorer(context: JobContext, bundle: BundleInput, folder: Path) -> BundleScorer:
    try:
        download_bundle(context.models, bundle.location, bundle.digest, folder)
        return bundle_scorer(folder)
    except BundleUnreadable:
        raise JobFailed(
            f"The bundle of version {bundle.version} is not in the store as it was put there.",
            "bundle-unreadable",
        ) from None
