"""The service's own symmetric keys, in files that only their owner reads."""

import base64
import binascii
import os
import secrets
from pathlib import Path

KEY_BYTES = 32


class KeyFileInvalid(Exception):
    """A key file that cannot be used; the message names it and says why."""


def read_key(path: Path) -> bytes:
    """The key in `path`: 32 bytes in base64. Raises KeyFileInvalid."""
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except OSError as error:
        raise KeyFileInvalid(f"{path}: {error.strerror}") from error
    except binascii.Error:
        raise KeyFileInvalid(f"{path}: is not base64") from None
    if len(key) != KEY_BYTES:
        raise KeyFileInvalid(f"{path}: holds {len(key)} bytes, {KEY_BYTES} are needed")
    return key


def read_or_make_key(path: Path) -> bytes:
    """The key in `path`, which is made, mode 0600, where there is no such file.

    Raises KeyFileInvalid. Of two processes that make it at once, one wins and both use its key.
    """
    if not path.exists():
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                # A link, unlike a rename, never replaces the key of another process.
                path.hardlink_to(fresh)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        except OSError as error:
            raise KeyFileInvalid(f"{path}: cannot be made: {error.strerror}") from error
    return read_key(path)


def read_secret(path: Path | None) -> str | None:
    """A password from its file, without the line's end; None where no file is named."""
    if path is None:
        return None
    try:
        return path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileInvalid(f"{path}: cannot be read ({type(error).__name__})") from error
