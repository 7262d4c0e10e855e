"""The files of a model bundle as bytes: the same values give the same bytes."""

import hashlib
import io
from collections.abc import Mapping

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


def digest_of(manifest: bytes) -> str:
    """A bundle's digest, `sha256:<hex>`: the manifest names the digests of all else."""
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"
