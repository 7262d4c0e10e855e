"""Evaluation in the service, put together: the routes of suites and reports."""

from litestar.handlers import HTTPRouteHandler

from training.adapters.evaluation.report_store import ReportStore
from training.adapters.evaluation.suite_store import SuiteStore, users_of
from training.adapters.object_store import ObjectStore
from training.adapters.postgres import Database
from training.api.evaluation import evaluations, suites
from training.events.job_requests import JobRequests
from training.events.order_checks import of_evaluation
from training.events.suite_changes import SuiteChanges

USERS = (users_of,)
"""What rests on dataset versions here."""


def routes(database: Database, objects: ObjectStore) -> list[HTTPRouteHandler]:
    """The routes of suites, evaluations and their reports."""
    return [
        *suites.routes(SuiteStore(database), SuiteChanges(database, objects)),
        *evaluations.routes(
            JobRequests(database, {evaluations.EVALUATE: of_evaluation}), ReportStore(database)
        ),
    ]
