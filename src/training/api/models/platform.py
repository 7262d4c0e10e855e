"""What answers is the platform's: only its own tenant may change it."""

from training.api import problem_kinds as kinds
from training.api.bodies import AnyRequest
from training.api.headers import changer
from training.api.problems import ProblemError
from training.domain.identity import Changer


def platform_changer(request: AnyRequest, platform_tenant: str) -> Changer:
    """In whose name the request rolls out; ProblemError where that is another tenant's."""
    who = changer(request)
    if who.tenant != platform_tenant:
        raise ProblemError(
            kinds.NOT_THE_PLATFORM_TENANT, "Only the platform's own tenant may roll out."
        )
    return who
