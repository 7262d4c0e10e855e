"""Problems as answers of a raw ASGI application."""

import msgspec

from dashboard_backend.domain.problems import ProblemError
from dashboard_backend.utils.asgi import Send

MEDIA_TYPE = "application/problem+json"


async def send_problem(send: Send, problem: ProblemError) -> None:
    """Answer with a problem and its header fields."""
    body = msgspec.json.encode(problem.document())
    fields = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers),
    ]
    await send({"type": "http.response.start", "status": problem.kind.status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
