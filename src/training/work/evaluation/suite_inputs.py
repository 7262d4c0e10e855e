"""Which suites a job judges, on its way from the worker's database into the job's process."""

from collections.abc import Sequence
from typing import Any

import msgspec

from training.adapters.datasets import store as dataset_store
from training.adapters.datasets.objects import ObjectAltered
from training.adapters.datasets.reader import read_examples
from training.adapters.evaluation import builtin_suites, suite_store
from training.adapters.object_store import ObjectMissing
from training.adapters.postgres import Connection
from training.domain.datasets.version import Part
from training.domain.evaluation.definition import SuiteDefinition
from training.domain.evaluation.suite import Measure, Suite
from training.domain.jobs.kinds import JobFailed, Objects


class SuiteInput(msgspec.Struct, frozen=True):
    """A suite by its parts in the store; a built-in one has none."""

    name: str
    digest: str
    protected: bool
    measures: tuple[Measure, ...]
    parts: tuple[Part, ...]


async def suites_for(
    connection: Connection, tenant: str, names: Sequence[str] | None
) -> list[dict[str, Any]]:
    """The suites of these names, or the default ones, as JSON for `load_suites`; JobFailed."""
    if names is None:
        wanted = await suite_store.chosen_by_default(connection, tenant)
    else:
        wanted = [await _named(connection, tenant, name) for name in dict.fromkeys(names)]
    inputs = [await _input(connection, tenant, suite) for suite in wanted]
    return [msgspec.to_builtins(one) for one in inputs]


def load_suites(objects: Objects, inputs: Sequence[dict[str, Any]]) -> list[Suite]:
    """The suites with their rows. JobFailed, and what the store raises."""
    return [_load(objects, one) for one in msgspec.convert(inputs, list[SuiteInput])]


async def _named(connection: Connection, tenant: str, name: str) -> SuiteDefinition:
    suite = await suite_store.find(connection, tenant, name)
    if suite is None:
        raise JobFailed(f"There is no suite {name}.", "suite-unknown")
    return suite


async def _input(connection: Connection, tenant: str, suite: SuiteDefinition) -> SuiteInput:
    parts: list[Part] = []
    for reference in suite.datasets:
        version = await dataset_store.find(connection, tenant, reference.name, reference.version)
        if version is None or version.deleted is not None:
            raise JobFailed(
                f"The suite {suite.name} needs {reference.name} {reference.version}, whose rows"
                " were deleted.",
                "suite-gone",
            )
        parts += version.parts
    return SuiteInput(suite.name, suite.digest, suite.protected, suite.measures, tuple(parts))


def _load(objects: Objects, suite: SuiteInput) -> Suite:
    if not suite.parts:
        return builtin_suites.load(suite.name)
    try:
        examples = [one for some in read_examples(objects, suite.parts) for one in some]
    except (ObjectMissing, ObjectAltered):
        raise JobFailed(
            f"The rows of the suite {suite.name} are not in the store as they were put there.",
            "suite-gone",
        ) from None
    return Suite(suite.name, suite.digest, tuple(examples), suite.protected, suite.measures)
