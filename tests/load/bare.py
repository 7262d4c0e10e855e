"""The floor: one Litestar route that reads a prompt and answers, on the services' server setup."""

import sys
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, post


class PredictRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A prompt, in the shape that the guard reads."""

    text: str


@post("/predict", status_code=200)
async def predict(data: PredictRequest) -> dict[str, Any]:
    """An answer of the guard's size, without judging or recording anything."""
    return {
        "predictions": [
            {
                "id": "00000000-0000-7000-8000-000000000000",
                "index": 0,
                "decision": "allow",
                "would_be_decision": "allow",
                "score": len(data.text) / 1e6,
                "categories": [{"name": "prompt_injection", "score": 0.0}] * 4,
                "spans": [],
                "signals": [],
                "latency_ms": 0.0,
            }
        ],
        "model": {"name": "none", "version": "0", "digest": "sha256:" + "0" * 64},
        "policy": {"name": "default", "version": 0, "mode": "enforce"},
        "audit": "durable",
        "recorded": True,
    }


def serve(port: int) -> None:
    """Serves until SIGTERM."""
    uvicorn.run(
        Litestar([predict], openapi_config=None, logging_config=None),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    serve(int(sys.argv[1]))
