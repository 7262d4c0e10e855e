"""Versions of models as jobs register them."""

from pathlib import Path

from uuid_utils.compat import uuid7

from training.adapters.bundles.platform_key import PlatformKey
from training.adapters.lifecycle.event_store import EventStore
from training.adapters.postgres import Database
from training.domain.bundle.contents import MANIFEST, file_entries, json_bytes
from training.domain.lifecycle import commands
from training.domain.lifecycle.facts import VersionRegistered
from training.events.registry import Registry


def registered(version: int, verdict: str | None = None, location: str = "") -> VersionRegistered:
    """A version whose bundle nobody looks into."""
    digest = f"{version:064x}"
    return VersionRegistered(
        version=version,
        digest=f"sha256:{digest}",
        location=location or f"default/detector/{digest}",
        signed_by="key",
        bundle_version=f"0.0.{version}",
        mlflow_run_id=f"run-{version}",
        evidence={
            "job": f"job-{version}",
            "datasets": [{"name": "prompts", "version": version, "digest": f"sha256:{digest}"}],
            **({} if verdict is None else {"comparison": {"verdict": verdict}}),
        },
    )


def write_bundle(folder: Path, weights: bytes = b"weights") -> Path:
    """A folder that is a bundle as far as registering is concerned."""
    contents = {"weights.npy": weights, "self_test.json": b'{"cases": []}\n'}
    manifest = {
        "format": "bartizan.model-bundle/1",
        "name": "detector",
        "version": "1.0.0",
        "kind": "linear-hashed-ngrams/1",
        "created_at": "2026-01-31T12:00:00Z",
        "training_data": [{"name": "prompts", "sha256": "0" * 64, "rows": 3, "attacks": 1}],
        "metrics": {"out_of_fold": {"auc": 0.9}},
        "files": file_entries(contents),
    }
    folder.mkdir()
    for name, content in {**contents, MANIFEST: json_bytes(manifest)}.items():
        (folder / name).write_bytes(content)
    return folder


async def register(
    database: Database, key: PlatformKey, tenant: str, name: str, *versions: int
) -> None:
    """Register versions in the service's own way, under its key."""
    registry = Registry(EventStore(key))
    for version in versions:
        async with database.transaction() as connection:
            await registry.register(
                connection, tenant, name, registered(version), "job:1", "it was trained"
            )


async def crown(database: Database, key: PlatformKey, tenant: str, name: str, version: int) -> None:
    """Make a registered version champion, without anybody who serves it."""
    registry, rollout = Registry(EventStore(key)), uuid7()
    for decide in (
        lambda model: commands.start_rollout(model, rollout, version),
        lambda model: commands.stage(model, rollout),
        lambda model: commands.promote(model, rollout),
    ):
        async with database.transaction() as connection:
            await registry.change(connection, tenant, name, decide, "ana", "it is the first")
