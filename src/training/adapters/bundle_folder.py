"""Writes a model bundle as a folder, all of it or nothing, and reads back what scoring needs."""

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

MANIFEST = "manifest.json"


def npy_bytes(array: NDArray[np.float16]) -> bytes:
    """The array as a version-1 .npy file, row-major, without pickles."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def json_bytes(value: object) -> bytes:
    """Indented JSON with a newline at its end; key order as given."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def file_entries(files: Mapping[str, bytes]) -> dict[str, dict[str, object]]:
    """The manifest's `files`: digest and size by name."""
    return {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in sorted(files.items())
    }


def write_bundle(folder: Path, manifest: bytes, files: Mapping[str, bytes]) -> str:
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
        for name, content in {**files, MANIFEST: manifest}.items():
            with (staging / name).open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        staging.chmod(0o755)
        _replace(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def _replace(staging: Path, folder: Path) -> None:
    if not folder.exists():
        staging.rename(folder)
        return
    replaced = folder.with_name(f".{folder.name}.replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    folder.rename(replaced)
    staging.rename(folder)
    shutil.rmtree(replaced)
