"""Writes a model bundle as a folder, all of it or nothing, and reads back what scoring needs."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from training.domain.bundle.contents import MANIFEST, digest_of


def write_bundle(folder: Path, files: Mapping[str, bytes]) -> str:
    """Put the bundle at `folder`, in place of one that is there; its digest, `sha256:<hex>`.

    It is written and synced beside its place first, then renamed, so that a crash leaves the old
    bundle, the new one or (between two renames) the old one under a `.replaced` name, never a mix.
    Raises FileExistsError where `folder` holds something that is not a bundle.
    """
    if folder.exists() and not (folder / MANIFEST).is_file() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty and holds no bundle; it is left alone")
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, content in files.items():
            with (staging / name).open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        staging.chmod(0o755)
        _replace(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return digest_of(files[MANIFEST])


def _replace(staging: Path, folder: Path) -> None:
    if not folder.exists():
        staging.rename(folder)
        return
    replaced = folder.with_name(f".{folder.name}.replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    folder.rename(replaced)
    staging.rename(folder)
    shutil.rmtree(replaced)
