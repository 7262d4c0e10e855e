"""The events of models and rollouts as they are published: ``model_changed``, ``rollout_changed``.

The reasons that people give stay in the history: they may name others.
"""

import json
import re

import msgspec

from training.adapters.lifecycle.event_store import Stream
from training.adapters.outbox_table import OutboxEvent
from training.domain.lifecycle.chain import ChainedEvent
from training.domain.rollout.plan import Stage
from training.domain.rollout.rollout import Rollout

MODEL_CHANGED = "io.bartizan.training.model.changed.v1"
ROLLOUT_CHANGED = "io.bartizan.training.rollout.changed.v1"

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def name_of(event_type: str) -> str:
    """`VersionStaged` as others write it: `version_staged`."""
    return _CAPITAL.sub("_", event_type).lower()


def model_changed(stream: Stream, event: ChainedEvent) -> OutboxEvent:
    """An event of a model's life. Position and hash let anybody check the history against it."""
    version = None if event.version is None else stream.model.versions.get(event.version)
    data = {
        "name": event.name,
        "change": name_of(event.type),
        "version": event.version,
        "state": None if version is None else version.state,
        "champion": stream.model.champion,
        "rollout_id": json.loads(event.data).get("rollout"),
        "actor": event.actor,
        "at": event.at,
        "event_id": event.id,
        "position": event.position,
        "hash": event.hash.hex(),
    }
    return OutboxEvent(MODEL_CHANGED, event.tenant, event.name, msgspec.json.encode(data))


def rollout_changed(rollout: Rollout) -> OutboxEvent:
    """A rollout came into another state or step."""
    step = rollout.current_step
    ending = rollout.ending
    data = {
        "rollout_id": rollout.id,
        "kind": rollout.kind,
        "model": rollout.model,
        "version": rollout.version,
        "state": rollout.state,
        "step": rollout.step,
        "steps": len(rollout.plan),
        "sample": step.share if step is not None and step.stage is Stage.SHADOW else None,
        "weight": step.share if step is not None and step.stage is Stage.CANARY else None,
        "generation": rollout.generation,
        "cause": None if ending is None else ending.cause,
        "at": rollout.changed_at,
    }
    return OutboxEvent(ROLLOUT_CHANGED, rollout.tenant, str(rollout.id), msgspec.json.encode(data))
