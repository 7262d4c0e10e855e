"""A rollout: begun, taken up, undone and watched."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from bartizan.gateway.gateway import Gateway, Refused
from bartizan.gateway.rollout_showing import watching
from bartizan.gateway.shapes import TRAINING, Model, Rollout

FINAL = ("completed", "rolled_back", "failed")
NEEDS_A_PERSON = ("paused", "awaiting_approval")
_POLL = 1.0


def begin(gateway: Gateway, model: str, body: Mapping[str, Any]) -> Rollout:
    """Begins a rollout, once, however often the request has to be sent."""
    return gateway.send("POST", _rollouts(model), Rollout, body=body, headers=_once())


def under_way(gateway: Gateway, model: str, version: int | None = None) -> Rollout | None:
    """The rollout of a model that goes on now, if there is one; if given, of that version."""
    active = gateway.get(f"{TRAINING}/models/{model}", Model).active_rollout
    if active is None:
        return None
    found = gateway.get(f"{_rollouts(model)}/{active}", Rollout)
    return found if version in (None, found.version) else None


def begin_or_take_up(gateway: Gateway, model: str, body: Mapping[str, Any]) -> tuple[Rollout, bool]:
    """A new rollout; or that of the same version which goes on already, and True."""
    try:
        return begin(gateway, model, body), False
    except Refused as refused:
        found = under_way(gateway, model, body["version"]) if _is_active(refused) else None
        if found is None or found.kind != "rollout":
            raise
        return found, True


def undo(gateway: Gateway, model: str, reason: str) -> Rollout:
    """Ends the rollout under way, or else makes the former champion champion again."""
    found, body = under_way(gateway, model), {"reason": reason}
    if found is not None:
        path = f"{_rollouts(model)}/{found.id}/rollback"
        return gateway.send("POST", path, Rollout, body=body)
    path = f"{TRAINING}/models/{model}/rollback"
    return gateway.send("POST", path, Rollout, body=body, headers=_once())


def watch(gateway: Gateway, rollout: Rollout, console: Console, patience: float) -> Rollout:
    """Tells each change of stage, hold and gate, until the rollout is over or needs a person.

    Gives up watching after `patience` seconds; the rollout goes on all the same.
    """
    path = f"{_rollouts(rollout.model)}/{rollout.id}"
    deadline = time.monotonic() + patience
    with watching(console) as told:
        while True:
            told.tell(rollout)
            over = rollout.state in (*FINAL, *NEEDS_A_PERSON)
            if over or time.monotonic() > deadline:
                return rollout
            time.sleep(_POLL)
            rollout = gateway.get(path, Rollout)


def _rollouts(model: str) -> str:
    return f"{TRAINING}/models/{model}/rollouts"


def _once() -> dict[str, str]:
    return {"Idempotency-Key": f"bartizan-{secrets.token_hex(16)}"}


def _is_active(refused: Refused) -> bool:
    return refused.code == "ROLLOUT_ACTIVE"
