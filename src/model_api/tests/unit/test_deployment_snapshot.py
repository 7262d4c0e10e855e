"""The last known deployment on disk: never lost because it could not be read for a moment."""

import errno
import os
from pathlib import Path

import pytest

from model_api.adapters.deployments.snapshot import DeploymentSnapshot, KnownDeployment
from model_api.domain.deployments.deployment import Deployment, Version

ONE = Version("1", "sha256:" + "a" * 64, "default/detector/1")
KNOWN = KnownDeployment(Deployment(7, "a test", champion=ONE), ONE)


@pytest.fixture
def snapshot(tmp_path: Path) -> DeploymentSnapshot:
    return DeploymentSnapshot(tmp_path / "deployment.json")


def test_what_was_saved_is_known_again(snapshot: DeploymentSnapshot) -> None:
    assert snapshot.load() is None

    snapshot.save(KNOWN)

    assert snapshot.load() == KNOWN


def test_a_disk_that_does_not_give_it_now_gives_it_later(
    snapshot: DeploymentSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Path) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    snapshot.save(KNOWN)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fails)
        assert snapshot.load() is None

    assert snapshot.load() == KNOWN
