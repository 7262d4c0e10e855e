"""How a version is rolled out: what is built in, or what a file says."""

from pathlib import Path
from typing import Any

import msgspec

from bartizan.errors import BartizanError

PLANS: dict[str, dict[str, Any]] = {
    # For a first look, and for a platform with little traffic.
    "quick": {
        "plan": [
            {"stage": "shadow", "predictions": 200, "minutes": 2},
            {"stage": "canary", "weight": 0.25, "predictions": 200, "minutes": 2},
        ],
        "gates": {
            "error_rate": {"maximum": 0.02, "window_seconds": 600, "minimum_predictions": 50},
            "latency_ratio": {"maximum": 3.0, "window_seconds": 600, "minimum_predictions": 100},
            "disagreement": {"maximum": 0.1, "window_seconds": 600, "minimum_predictions": 50},
            "block_rate_shift": {"maximum": 0.2, "window_seconds": 600, "minimum_predictions": 100},
            "feedback": {"maximum": 0.3, "window_seconds": 3600, "minimum_predictions": 20},
        },
    },
    "standard": {
        "plan": [
            {"stage": "shadow", "predictions": 10_000, "minutes": 10},
            {"stage": "canary", "weight": 0.05, "minutes": 10},
            {"stage": "canary", "weight": 0.25, "minutes": 10},
            {"stage": "canary", "weight": 1.0, "minutes": 10},
        ],
        "gates": {
            "error_rate": {"maximum": 0.01, "window_seconds": 1800, "minimum_predictions": 100},
            "latency_ratio": {"maximum": 2.0, "window_seconds": 1800, "minimum_predictions": 200},
            "disagreement": {"maximum": 0.1, "window_seconds": 1800, "minimum_predictions": 100},
            "block_rate_shift": {
                "maximum": 0.1,
                "window_seconds": 1800,
                "minimum_predictions": 300,
            },
            "feedback": {"maximum": 0.3, "window_seconds": 3600, "minimum_predictions": 20},
        },
    },
}
"""Champion and canary see different texts: the share that they block differs by chance alone, with
18 % blocked and 60 texts by 10 points. Limits and sample sizes are such that the same model under
another number passes: 3.5 standard deviations at 18 %, and one error without going back."""


def read_plan(name: str) -> dict[str, Any]:
    """A plan by its name, or from a JSON file with `plan`, `gates` and what else the API takes."""
    if name in PLANS:
        return PLANS[name]
    try:
        found = msgspec.json.decode(Path(name).read_bytes(), type=dict[str, Any])
    except OSError as error:
        known = ", ".join(PLANS)
        raise BartizanError(
            f"cannot read the plan {name}: {error.strerror} (built in: {known})"
        ) from error
    except msgspec.DecodeError as error:
        raise BartizanError(f"the plan {name} is no JSON object: {error}") from error
    return found
