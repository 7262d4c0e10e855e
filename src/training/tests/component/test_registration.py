"""Registering a finished bundle, on a real PostgreSQL, a real S3, and MLflow's own store."""

from pathlib import Path

import asyncpg
import msgspec
import pytest

from training.adapters import outbox_table
from training.adapters.bundles.platform_key import PlatformKey, TrustedKeys
from training.adapters.bundles.signing import SIGNATURE, BundleNotSound, verify_bundle
from training.adapters.bundles.uploads import location_of, sign_uploaded, upload
from training.adapters.lifecycle.event_store import EventStore
from training.adapters.lifecycle.store import ModelStore
from training.adapters.mlflow.address import MlflowAddress
from training.adapters.object_store import ObjectStore, ObjectStoreAddress
from training.adapters.postgres import Database
from training.domain.bundle.contents import MANIFEST
from training.domain.identity import Changer
from training.domain.rollout.rollout import RolloutState
from training.domain.tracking.facts import TrackingAway
from training.events.cloudevents import envelope
from training.events.registry import Registry
from training.events.rollout_changes import RolloutChanges
from training.events.rollout_record import RolloutRecord
from training.tests.support import api as application
from training.tests.support import served
from training.tests.support.database import Databases, TestDatabase
from training.tests.support.models import register, write_bundle
from training.tests.support.signing_vectors import TRUSTED
from training.work.register import FinishedBundle, Registration, read_folder

TENANT, NAME = "default", "detector"
CHANGER = Changer(TENANT, "operator")


@pytest.fixture
def registration(
    database: Database,
    models_bucket: ObjectStoreAddress,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Registration:
    # MLflow's own store keeps artifacts in the working folder, and its settings in the environment.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.environ", dict(served.bare_environment(str(tmp_path))))
    registry = Registry(EventStore(TRUSTED))
    return Registration(
        database=database,
        registry=registry,
        rollouts=RolloutChanges(database, RolloutRecord(registry)),
        models=ObjectStore(models_bucket),
        mlflow=MlflowAddress(f"sqlite:///{tmp_path}/mlflow.db"),
        key=TRUSTED,
        platform_tenant=TENANT,
    )


@pytest.fixture
def bundle(tmp_path: Path) -> FinishedBundle:
    return read_folder(write_bundle(tmp_path / "bundle"))


async def test_a_bundle_becomes_a_signed_version(
    registration: Registration, bundle: FinishedBundle
) -> None:
    version = await registration.register(bundle, CHANGER, "the first")
    assert version == 1
    row = await ModelStore(registration.database).version(TENANT, NAME, version)
    assert row is not None
    assert (row.digest, row.bundle_version, row.signed_by) == (bundle.digest, "1.0.0", TRUSTED.id)
    assert row.mlflow_run_id is not None
    assert row.evidence["training_data"][0]["name"] == "prompts"
    keys = await registration.models.list(f"{row.location}/")
    files = {key.rpartition("/")[2]: await registration.models.get(key) for key in keys}
    assert verify_bundle(files, TrustedKeys.parse(TRUSTED.public_pem)) == TRUSTED.id


async def test_registering_again_changes_nothing(
    registration: Registration,
    bundle: FinishedBundle,
    test_database: TestDatabase,
    databases: Databases,
) -> None:
    first = await registration.register(bundle, CHANGER, "the first")
    rollout = await registration.make_champion(CHANGER, NAME, first, "there is none yet")
    assert rollout is not None
    assert rollout.state is RolloutState.STAGING
    owner = await databases.connect(test_database)
    before = await owner.fetchval("SELECT count(*) FROM registry_events")
    assert await registration.register(bundle, CHANGER, "again") == first
    assert await registration.make_champion(CHANGER, NAME, first, "again") is None
    assert await owner.fetchval("SELECT count(*) FROM registry_events") == before
    await owner.close()


async def test_one_that_was_cut_off_after_mlflow_is_taken_up(
    registration: Registration, bundle: FinishedBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow knows the version, and nobody else does."""

    async def cut_off(*_: object) -> None:
        raise TrackingAway("cut off")

    with monkeypatch.context() as cut:
        cut.setattr("training.work.register.upload", cut_off)
        with pytest.raises(TrackingAway):
            await registration.register(bundle, CHANGER, "the first")
    assert await ModelStore(registration.database).model(TENANT, NAME) is None
    assert await registration.register(bundle, CHANGER, "again") == 1


def test_a_folder_that_differs_from_its_manifest_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    (folder / "weights.npy").unlink()
    with pytest.raises(BundleNotSound):
        read_folder(folder)
    manifest = msgspec.json.decode((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_bytes(msgspec.json.encode({**manifest, "created_at": "never"}))
    (folder / "weights.npy").write_bytes(b"weights")
    with pytest.raises(BundleNotSound):
        read_folder(folder)


@pytest.mark.parametrize("name", ["../detector", "", "A name"])
def test_a_bundle_of_a_model_that_cannot_be_called_so_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_bundle(tmp_path / "bundle")
    manifest = msgspec.json.decode((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_bytes(msgspec.json.encode({**manifest, "name": name}))
    with pytest.raises(BundleNotSound, match=r"\$\.name"):
        read_folder(folder)


async def test_nothing_is_told_of_an_altered_bundle(
    registration: Registration, tmp_path: Path
) -> None:
    folder = write_bundle(tmp_path / "bundle")
    (folder / "weights.npy").write_bytes(b"altered")
    with pytest.raises(BundleNotSound, match=r"weights\.npy"):
        await registration.register(read_folder(folder), CHANGER, "the first")
    assert not (tmp_path / "mlflow.db").exists()


async def test_what_was_altered_in_the_bucket_is_not_signed(
    registration: Registration, bundle: FinishedBundle
) -> None:
    location = location_of(TENANT, NAME, bundle.digest)
    await upload(registration.models, location, {**bundle.files, "weights.npy": b"torn"})
    with pytest.raises(BundleNotSound, match=r"weights\.npy"):
        await sign_uploaded(registration.models, location, bundle.digest, TRUSTED)
    assert f"{location}/{SIGNATURE}" not in await registration.models.list(f"{location}/")
    with pytest.raises(BundleNotSound, match=r"manifest\.json"):
        await sign_uploaded(registration.models, location, "sha256:0", TRUSTED)


async def published(database: Database) -> bytes:
    """What somebody has who followed the stream."""
    async with database.transaction() as connection:
        rows = await outbox_table.take(connection, 100, 1 << 20)
    return b"".join(envelope(row, row.data or "") + b"\n" for row in rows)


async def test_the_commands_say_what_is_wrong_and_where(
    test_database: TestDatabase, databases: Databases, database: Database, tmp_path: Path
) -> None:
    variables = application.environment(tmp_path / "settings", database=test_database)
    environment = served.bare_environment(str(tmp_path), **variables)
    status, _, said = await served.run("registry", "verify", environment=environment)
    assert (status, "signing.pub" in said) == (1, True)
    state = Path(variables["TRAINING_STATE_DIR"])
    key = PlatformKey.load(state / "signing.key", state / "signing.pub")
    await register(database, key, TENANT, NAME, 1, 2)
    status, out, _ = await served.run("registry", "verify", environment=environment)
    assert (status, out) == (0, b"sound: 2 events of 1 models\n")
    status, out, _ = await served.run("registry", "rebuild", environment=environment)
    assert (status, out) == (0, b"equal\n")
    kept = tmp_path / "events.jsonl"
    kept.write_bytes(await published(database))
    verify_kept = ("registry", "verify", "--published", str(kept))
    status, out, _ = await served.run(*verify_kept, environment=environment)
    assert (status, out) == (0, b"sound: 2 events of 1 models\n")
    kept.write_bytes(kept.read_bytes().replace(b'"position":2', b'"position":3'))
    status, _, said = await served.run(*verify_kept, environment=environment)
    assert (status, said.rpartition(": ")[2]) == (1, "event 3 is missing\n")
    kept.write_bytes(b"{}\n")
    status, _, said = await served.run(*verify_kept, environment=environment)
    assert (status, said) == (1, "training: line 1 is no event of this service\n")
    owner: asyncpg.Connection = await databases.connect(test_database)
    await owner.execute("ALTER TABLE registry_events DISABLE TRIGGER USER")
    await owner.execute("UPDATE registry_events SET reason = 'another' WHERE position = 2")
    await owner.execute("UPDATE models SET champion = 2")
    await owner.close()
    status, _, said = await served.run("registry", "verify", environment=environment)
    assert (status, said) == (
        1,
        "training: the history of default/detector is broken: event 2 differs from its hash\n",
    )
    status, _, said = await served.run("registry", "rebuild", environment=environment)
    assert status == 1
    assert said.startswith("default/detector: champion differs\n")
    status, out, _ = await served.run("registry", "rebuild", "--repair", environment=environment)
    assert (status, out) == (0, b"written anew\n")
    status, out, _ = await served.run("registry", "rebuild", environment=environment)
    assert (status, out) == (0, b"equal\n")
