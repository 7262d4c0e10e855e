"""`/suites`: what models are evaluated on."""

from typing import Protocol

from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from training.api import problem_kinds as kinds
from training.api.authentication import caller_of, needs
from training.api.bodies import AnyRequest, JsonBody, takes
from training.api.evaluation.problems import (
    SUITE_BUILT_IN,
    SUITE_EXISTS,
    SUITE_IN_USE,
    SUITE_NOT_FOUND,
)
from training.api.evaluation.schemas import SuiteCreate, SuitePage, SuiteView, suite_view
from training.api.headers import IDEMPOTENCY_KEY, changer, reads
from training.api.pages import DEFAULT_PAGE_SIZE, Cursor, Limit, cut, read_cursor
from training.api.problems import documented
from training.api.reasons import ReasonOfDeletion
from training.domain.evaluation.definition import (
    DatasetReference,
    SuiteDefinition,
    SuiteUnknown,
)
from training.domain.evaluation.suite import Measure
from training.domain.identity import Changer, Scope
from training.events.suite_changes import SuiteWanted

MAX_BODY_BYTES = 64 * 1024


class Suites(Protocol):
    """The suites, to read."""

    async def find(self, tenant: str, name: str) -> SuiteDefinition | None:
        """The suite of this name, the tenant's or a built-in one."""
        ...

    async def page(self, tenant: str, *, limit: int, after: str) -> list[SuiteDefinition]:
        """Up to `limit` suites by name, from beyond `after`."""
        ...


class Changes(Protocol):
    """Makes suites, and forgets them."""

    async def create(self, changer: Changer, wanted: SuiteWanted) -> SuiteDefinition:
        """Make a suite; SuiteInvalid, SuiteExists."""
        ...

    async def delete(self, changer: Changer, name: str, reason: str) -> None:
        """Forget a suite; SuiteUnknown, SuiteBuiltIn, SuiteInUse."""
        ...


def routes(suites: Suites, changes: Changes) -> list[HTTPRouteHandler]:
    """The routes of suites."""
    body = JsonBody(SuiteCreate, MAX_BODY_BYTES)

    @get(
        "/suites",
        operation_id="list_suites",
        tags=["evaluation"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*kinds.LISTING),
    )
    async def list_suites(
        request: AnyRequest, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE_SIZE
    ) -> SuitePage:
        """The tenant's suites, and those that are built in, by name."""
        tenant, after = caller_of(request.scope).tenant, read_cursor(cursor, str) or ""
        found = await suites.page(tenant, limit=limit + 1, after=after)
        return SuitePage(*cut([suite_view(one) for one in found], limit, lambda each: each.name))

    @get(
        "/suites/{name:str}",
        operation_id="get_suite",
        tags=["evaluation"],
        opt=needs(Scope.DATA_READ),
        responses=documented(*kinds.LISTING, SUITE_NOT_FOUND),
    )
    async def get_suite(request: AnyRequest, name: FromPath[str]) -> SuiteView:
        """A suite: what it consists of and what is measured on it."""
        found = await suites.find(caller_of(request.scope).tenant, name)
        if found is None:
            raise SuiteUnknown(name)
        return suite_view(found)

    @post(
        "/suites",
        operation_id="create_suite",
        status_code=201,
        tags=["evaluation"],
        opt=needs(Scope.DATA_WRITE) | takes(SuiteCreate) | reads(IDEMPOTENCY_KEY),
        responses=documented(*kinds.CREATING, SUITE_EXISTS),
    )
    async def create_suite(request: AnyRequest) -> Response[SuiteView]:
        """Make a suite of dataset versions."""
        who = changer(request)
        wanted = await body.read(request)
        suite = await changes.create(
            who,
            SuiteWanted(
                name=wanted.name,
                description=wanted.description,
                datasets=tuple(DatasetReference(one.name, one.version) for one in wanted.datasets),
                measures=tuple(dict.fromkeys(wanted.measures or Measure)),
                protected=wanted.protected,
                is_default=wanted.default,
            ),
        )
        return Response(suite_view(suite), headers={"Location": f"/suites/{suite.name}"})

    @delete(
        "/suites/{name:str}",
        operation_id="delete_suite",
        tags=["evaluation"],
        opt=needs(Scope.DATA_WRITE),
        responses=documented(*kinds.LISTING, SUITE_NOT_FOUND, SUITE_BUILT_IN, SUITE_IN_USE),
    )
    async def delete_suite(
        request: AnyRequest, name: FromPath[str], reason_given: ReasonOfDeletion
    ) -> None:
        """Forget a suite. Reports on it stay; what it kept out of training data no longer is."""
        await changes.delete(changer(request), name, reason_given)

    return [list_suites, get_suite, create_suite, delete_suite]
