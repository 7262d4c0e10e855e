"""More versions to roll out: the shipped bundle under other release numbers, signed and registered.

Nothing need be trained for them, and the guard holds none of them until a rollout names it.
"""

import json
from pathlib import Path

import psutil

from e2e.running_platform import Platform


def export_bundle(platform: Platform, folder: Path) -> Path:
    """The bundle that the guard is shipped with, in a new folder."""
    done = platform.programs.run("model_api", "bundle", "export", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


def register_copy(platform: Platform, bundle: Path, release: str) -> int:
    """Registers the bundle as of another release; its version.

    An operator's doing, hence in the environment of the service itself, which holds its addresses
    and the files of its secrets.
    """
    manifest = bundle / "manifest.json"
    content = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps({**content, "version": release}, indent=2))
    done = platform.programs.run(
        "training",
        *("register", str(bundle), "--reason", f"as release {release}"),
        environment=psutil.Process(platform.pid("training")).environ(),
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def kept_bundles(platform: Platform) -> Path:
    """Where the guard keeps the bundles that it fetched, each under its digest."""
    return platform.home / "state" / "model_api" / "models"
