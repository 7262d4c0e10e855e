"""What is held against the trainers of others, whose bundles are signed as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import asyncpg
import msgspec
import numpy as np
import pytest

from training.adapters.jobs import store as job_store
from training.adapters.object_store import BlockingObjectStore, ObjectStoreAddress
from training.adapters.postgres import Database
from training.domain.checkpoints import Checkpoints
from training.domain.examples import Example
from training.domain.jobs.kinds import JobFailed
from training.domain.trainers.linear import LinearTrainer
from training.domain.trainers.linear_parameters import LinearParameters
from training.domain.trainers.trained_linear import TrainedLinear
from training.domain.trainers.trainer import Facts, Report, TrainedModel
from training.tests.rows import examples
from training.tests.support.data import Context
from training.tests.support.dataset_versions import put_dataset
from training.work.training import inputs, model


class Forgetful(Context):
    """Whose job is never killed."""

    def save(self, name: str, content: bytes) -> None:
        pass

    def load(self, name: str) -> bytes | None:
        return None


class Misnamed(TrainedLinear):
    """Says of itself that it is another model."""

    def bundle(self, facts: Facts) -> Mapping[str, bytes]:
        return super().bundle(replace(facts, release=replace(facts.release, name="detector")))


class MisnamingTrainer(LinearTrainer):
    name = "misnaming"

    def train(
        self,
        examples: Sequence[Example],
        parameters: LinearParameters,
        seed: int,
        report: Report,
        checkpoints: Checkpoints,
    ) -> TrainedModel:
        trained = super().train(examples, parameters, seed, report, checkpoints)
        assert isinstance(trained, TrainedLinear)
        return Misnamed(trained.run)


@pytest.mark.parametrize(("name", "is_refused"), [("screener", True), ("detector", False)])
async def test_a_bundle_of_another_name_is_not_signed(
    name: str,
    is_refused: bool,
    database: Database,
    own_rows: asyncpg.Connection,
    data_bucket: ObjectStoreAddress,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (inputs, model):
        monkeypatch.setattr(module, "all_trainers", lambda: {"misnaming": MisnamingTrainer()})
    await put_dataset(own_rows, data_bucket, "default", "prompts", examples())
    order = {
        "name": name,
        "datasets": [{"name": "prompts", "version": 1}],
        "trainer": "misnaming",
        "parameters": {"folds": 3, "embedded": 20, "char_max": 4, "char_bits": 12, "word_bits": 11},
    }
    async with database.transaction() as connection:
        job = await job_store.enqueue(
            connection, tenant="default", kind="train", parameters=order, actor="key-1"
        )
        wanted = await inputs.resolve(connection, job)
    objects = BlockingObjectStore(data_bucket)
    context = Forgetful(uuid4(), "default", 1, tmp_path, objects, objects)
    wanted = msgspec.convert(msgspec.to_builtins(wanted), inputs.TrainInputs)

    if not is_refused:
        made = model.make_model(context, wanted, np.empty(0, np.uint64), 1.0)
        assert "manifest.json" in made.bundle
        return
    with pytest.raises(JobFailed) as failure:
        model.make_model(context, wanted, np.empty(0, np.uint64), 1.0)
    assert failure.value.code == "bundle-misnamed"
