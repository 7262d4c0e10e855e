"""Trainers: declared parameters, determinism, checkpoints; orders; which trial is best."""

import json
from importlib.metadata import EntryPoint
from typing import Any

import msgspec
import numpy as np
import pytest

from training.adapters import trainer_plugins
from training.domain.bundle.contents import MANIFEST, digest_of
from training.domain.bundle.provenance import count_sources
from training.domain.bundle.release import Release
from training.domain.checkpoints import NO_CHECKPOINTS, Checkpoints
from training.domain.linear.metrics import loss_and_area
from training.domain.trainers.linear import LinearTrainer
from training.domain.trainers.linear_parameters import LinearParameters
from training.domain.trainers.making import bundle_version, licence_of
from training.domain.trainers.order import Order, OrderInvalid, check
from training.domain.trainers.trainer import Facts, TrainedModel, TrainingImpossible
from training.domain.trainers.trials import TrialOutcome, best_of
from training.tests.rows import examples

SMALL = LinearParameters(folds=3, embedded=20, char_max=4, char_bits=12, word_bits=11)
RELEASE = Release("0.0.0-1", "2026-01-31T12:00:00Z", "Apache-2.0")


class Kept:
    """Checkpoints in memory; `kill_after` so many, the process dies."""

    def __init__(self, kill_after: int | None = None) -> None:
        self.saved: dict[str, bytes] = {}
        self.kill_after = kill_after

    def save(self, name: str, content: bytes) -> None:
        self.saved[name] = content
        if len(self.saved) == self.kill_after:
            raise KeyboardInterrupt

    def load(self, name: str) -> bytes | None:
        return self.saved.get(name)


class Steps:
    """What a training reports."""

    def __init__(self) -> None:
        self.told: list[tuple[float, str, dict[str, float]]] = []

    def __call__(self, fraction: float, step: str, **numbers: float) -> None:
        self.told.append((fraction, step, numbers))


def train(
    parameters: LinearParameters = SMALL,
    seed: int = 1,
    checkpoints: Checkpoints = NO_CHECKPOINTS,
    steps: Steps | None = None,
) -> TrainedModel:
    return LinearTrainer().train(examples(), parameters, seed, steps or Steps(), checkpoints)


def digest(trained: TrainedModel) -> str:
    made = examples()
    facts = Facts(RELEASE, count_sources(made, {}), [{"name": "made"}])
    return digest_of(trained.bundle(facts)[MANIFEST])


def test_the_same_data_parameters_and_seed_make_the_same_digest() -> None:
    assert digest(train()) == digest(train())
    assert digest(train()) != digest(train(seed=2))
    assert digest(train()) != digest(train(msgspec.structs.replace(SMALL, regularisation=1.0)))


@pytest.mark.parametrize("killed_after", [1, 2, 3, 5])
def test_a_killed_training_goes_on_to_the_same_digest(killed_after: int) -> None:
    kept = Kept(killed_after)
    with pytest.raises(KeyboardInterrupt):
        train(checkpoints=kept)
    kept.kill_after = None
    before = dict(kept.saved)
    assert digest(train(checkpoints=kept)) == digest(train())
    assert {name: kept.saved[name] for name in before} == before


def test_what_is_kept_is_not_fitted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    whole = digest(train(checkpoints=kept))
    monkeypatch.delattr("training.domain.linear.out_of_fold.fit_attack")
    monkeypatch.delattr("training.domain.linear.training.fit_attack")
    assert digest(train(checkpoints=kept)) == whole


def test_progress_rises_and_ends_with_the_measures_of_each_fold() -> None:
    steps = Steps()
    train(steps=steps)
    fractions = [fraction for fraction, _, _ in steps.told]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == 1
    measured = [numbers for _, _, numbers in steps.told if numbers]
    assert [sorted(numbers) for numbers in measured] == [["auc", "loss"]] * 3
    assert all(0 <= numbers["loss"] < 1 for numbers in measured)


def test_the_loss_of_a_perfect_fold_is_nothing_and_not_less() -> None:
    measured = loss_and_area(np.array([1.0, 0.0]), np.array([True, False]))
    assert str(measured["loss"]) == "0.0"


def test_data_that_cannot_train_is_told_apart_from_a_defect() -> None:
    attacks = [one for one in examples() if one.attack]
    with pytest.raises(TrainingImpossible, match="both needed"):
        LinearTrainer().train(attacks, SMALL, 1, Steps(), NO_CHECKPOINTS)


@pytest.mark.parametrize(
    ("parameters", "at_fault"),
    [
        ({"folds": 1}, "folds"),
        ({"folds": "3"}, "folds"),
        ({"char_bits": 30}, "char_bits"),
        ({"regularisation": 0}, "regularisation"),
        ({"epochs": 3}, "epochs"),
        ({"window_size": 100, "window_overlap": 100}, "window_overlap"),
        ({"char_min": 4, "char_max": 3}, "char_min"),
    ],
)
def test_a_parameter_out_of_its_bounds_is_refused_by_name(
    parameters: dict[str, Any], at_fault: str
) -> None:
    with pytest.raises(OrderInvalid, match=at_fault):
        check(order(parameters=parameters), LinearTrainer())


def test_the_defaults_are_those_that_made_the_shipped_bundle() -> None:
    shipped = LinearParameters().to_configuration(seed=1)
    assert (shipped.folds, shipped.rounds, shipped.ngrams.char_bits) == (5, 2, 18)


def order(**fields: Any) -> Order:
    made = {"name": "detector", "datasets": [{"name": "prompts", "version": 1}], **fields}
    return msgspec.convert(made, Order)


def test_a_sweep_is_every_combination_in_a_stable_order() -> None:
    sweep = {"rounds": [1, 2], "folds": [3, 4]}
    trials = check(order(sweep=sweep, parameters={"embedded": 7}), LinearTrainer())
    plain = [msgspec.to_builtins(each) for each in trials]
    assert [(each["folds"], each["rounds"], each["embedded"]) for each in plain] == [
        (3, 1, 7),
        (3, 2, 7),
        (4, 1, 7),
        (4, 2, 7),
    ]


def test_without_a_sweep_there_is_one_trial() -> None:
    assert check(order(parameters={"folds": 4}), LinearTrainer()) == [LinearParameters(folds=4)]


def measured(index: int, auc: float, recall: float) -> TrialOutcome:
    points = {"balanced": {"recall": recall}}
    return TrialOutcome(index, {"auc": auc, "operating_points": points})


def test_the_best_trial_is_that_of_the_criterion_and_the_first_of_equals() -> None:
    trials = [measured(0, 0.9, 0.5), measured(2, 0.95, 0.4), measured(1, 0.95, 0.4)]
    impossible = TrialOutcome(3, None, impossible="too few clusters")
    best = best_of([*trials, impossible], "auc")
    assert best is not None
    assert best.index == 1
    best = best_of([*trials, impossible], "recall_balanced")
    assert best is not None
    assert best.index == 0
    assert best_of([impossible], "auc") is None


def test_a_version_is_named_by_all_that_was_put_in() -> None:
    name = bundle_version(["sha256:a"], "linear", {"b": 1, "a": 2}, 1)
    assert name == bundle_version(["sha256:a"], "linear", {"a": 2, "b": 1}, 1)
    others = [
        bundle_version(["sha256:b"], "linear", {"b": 1, "a": 2}, 1),
        bundle_version(["sha256:a"], "other", {"b": 1, "a": 2}, 1),
        bundle_version(["sha256:a"], "linear", {"b": 1, "a": 3}, 1),
        bundle_version(["sha256:a"], "linear", {"b": 1, "a": 2}, 2),
    ]
    assert len({name, *others}) == 5
    assert name.startswith("0.0.0-")


def test_several_licences_hold_together() -> None:
    assert licence_of(["MIT", "Apache-2.0", "MIT"]) == "Apache-2.0 AND MIT"


class Oracle(LinearTrainer):
    """A trainer of somebody else's."""

    name = "oracle"


def test_other_packages_declare_trainers_by_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    group = trainer_plugins.GROUP
    entries = [
        EntryPoint("oracle", f"{__name__}:Oracle", group),
        EntryPoint("linear", f"{__name__}:Oracle", group),
        EntryPoint("broken", "no_such_module:Trainer", group),
    ]
    monkeypatch.setattr(trainer_plugins, "entry_points", lambda *, group: entries)
    trainers = trainer_plugins.all_trainers.__wrapped__()
    assert sorted(trainers) == ["linear", "oracle"]
    assert type(trainers["linear"]) is LinearTrainer
    assert isinstance(trainers["oracle"], Oracle)


def test_a_manifest_names_the_model_that_it_is_of() -> None:
    facts = Facts(
        Release("0.0.0-1", "2026-01-31T12:00:00Z", "MIT", "screener"),
        count_sources(examples(), {}),
        [{"name": "made"}],
    )
    manifest = json.loads(train().bundle(facts)[MANIFEST])
    assert manifest["name"] == "screener"
