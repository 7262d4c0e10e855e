"""What the guard counted, as a step and its gates ask: ``observe(guard, rollout, now)``."""

import asyncio
from datetime import datetime, timedelta

from training.adapters.rollout.guard_client import GuardClient
from training.domain.rollout.measures import Observation, Window
from training.domain.rollout.rollout import Rollout


async def observe(guard: GuardClient, rollout: Rollout, now: datetime) -> Observation:
    """The counts since the step began, and those of each gate's window within it.

    Raises GuardAway and GuardRefused.
    """
    began = rollout.entered_at or now
    since = {
        name: max(began, now - timedelta(seconds=gate.window_seconds))
        for name, gate in rollout.gates.named()
    }
    moments = sorted({began, *since.values()})
    counted = await asyncio.gather(*(guard.counts(rollout.model, moment) for moment in moments))
    windows: dict[datetime, Window] = dict(zip(moments, counted, strict=True))
    return Observation(
        step=windows[began], windows={name: windows[moment] for name, moment in since.items()}
    )
