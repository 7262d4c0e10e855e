"""Jobs in the service, put together: their routes, and what may be asked of them."""

from litestar.handlers import HTTPRouteHandler

from training.adapters.jobs.store import JobStore
from training.adapters.postgres import Database
from training.adapters.trainer_plugins import all_trainers
from training.api.jobs import routes as jobs
from training.api.jobs import train, trainers
from training.events.job_feed import JobFeed
from training.events.job_requests import JobRequests
from training.events.order_checks import of_training
from training.settings import Settings


def routes(settings: Settings, database: Database, job_feed: JobFeed) -> list[HTTPRouteHandler]:
    """The routes of jobs, trainings and trainers."""
    requests, known = JobRequests(database, {train.TRAIN: of_training}), all_trainers()
    return [
        *train.routes(requests, known, settings.ray_addresses),
        *jobs.routes(JobStore(database), requests, job_feed),
        *trainers.routes(known),
    ]
