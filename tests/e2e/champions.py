"""Versions to roll out: trained once for all tests, on rows made for them."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from e2e.jobs import Jobs
from e2e.journey import TRAINING, train
from e2e.labelled_rows import (
    Spoilt,
    make_flipped_rows,
    make_rows,
    write_csv,
    write_spoilt_csv,
)
from e2e.running_platform import Platform

ROWS = 20_000
SUITE = "orders"


@dataclass(frozen=True, slots=True)
class Trained:
    """A good version and a bad one, and what the tool said while it made them."""

    good: dict[str, Any]
    bad: dict[str, Any]
    spoilt: Spoilt

    @property
    def good_version(self) -> int:
        return int(self.good["result"]["version"])

    @property
    def bad_version(self) -> int:
        return int(self.bad["result"]["version"])


async def train_versions(platform: Platform, api: httpx.AsyncClient, folder: Path) -> Trained:
    """A suite of rows like those that the models are trained on, and both models."""
    held_out = write_csv(folder / "held-out.csv", make_rows(7, 600))
    await _make_suite(api, held_out.read_bytes())
    rows = make_rows(1, ROWS)
    spoilt = write_spoilt_csv(folder / "orders.csv", rows, seed=2)
    flipped = write_csv(folder / "flipped.csv", make_flipped_rows(3, 4_000))
    options = ("--suite", SUITE, "--licence", "CC0-1.0", "--source", "end-to-end")
    # Side by side, as the worker has places for two.
    good, bad = await asyncio.gather(
        *(asyncio.to_thread(train, platform, file, *options) for file in (spoilt.file, flipped))
    )
    return Trained(good, bad, spoilt)


async def _make_suite(api: httpx.AsyncClient, content: bytes) -> None:
    """By the API alone, as a program would."""
    sent = await api.post(
        f"{TRAINING}/data",
        params={"name": "held-out", "purpose": "evaluation", "licence": "CC0-1.0"},
        content=content,
        headers={"Content-Type": "text/csv", "Idempotency-Key": "held-out"},
    )
    assert sent.status_code == 202, sent.text
    result = (await Jobs(api).succeeded(sent.json()["job_id"]))["result"]
    made = await api.post(
        f"{TRAINING}/suites",
        json={
            "name": SUITE,
            "datasets": [{"name": result["dataset"], "version": result["version"]}],
            "description": "orders, and attacks among them",
            "measures": ["ranking", "calibration"],
        },
    )
    assert made.status_code == 201, made.text
