"""Problem types are stable and told apart."""

import re

from dashboard_backend.domain.problems import CATALOGUE, RATE_LIMITED, FieldError, ProblemError


def test_slugs_are_slugs_and_statuses_are_errors() -> None:
    assert len(CATALOGUE) > 15
    for slug, kind in CATALOGUE.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", slug)
        assert 400 <= kind.status <= 599


def test_document_has_the_members_of_rfc_9457() -> None:
    problem = ProblemError(RATE_LIMITED, "Wait.", errors=(FieldError("/a", "is bad"),))
    assert problem.document() == {
        "type": "/problems/rate-limited",
        "title": "Too many requests",
        "status": 429,
        "detail": "Wait.",
        "code": "RATE_LIMITED",
        "errors": [{"pointer": "/a", "message": "is bad"}],
    }
