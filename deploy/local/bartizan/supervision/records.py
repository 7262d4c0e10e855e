"""Who was started, on disk: so that a supervisor that was killed leaves nothing unstoppable."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bartizan.supervision.identity import identity

_POLL = 0.05


class Record(msgspec.Struct, frozen=True):
    """A started process, and how it wants to be stopped."""

    name: str
    pid: int
    identity: str
    stop_signal: int
    stop_seconds: float

    def is_alive(self) -> bool:
        return identity(self.pid) == self.identity

    def send(self, number: int, *, group: bool = False) -> None:
        """Signals the process if it is still the one that was recorded, never another."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(self.pid, number)


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one platform, a file each."""

    folder: Path

    def write(self, record: Record) -> None:
        draft = self.folder / f"{record.name}.draft"
        draft.write_bytes(msgspec.json.encode(record))
        draft.replace(self._file(record.name))

    def forget(self, name: str) -> None:
        self._file(name).unlink(missing_ok=True)

    def living(self) -> list[Record]:
        """Recorded processes that still run; records of dead ones and torn records are removed."""
        found = []
        for file in sorted(self.folder.glob("*.json")):
            with contextlib.suppress(msgspec.DecodeError):
                record = msgspec.json.decode(file.read_bytes(), type=Record)
                if record.is_alive():
                    found.append(record)
                    continue
            file.unlink(missing_ok=True)
        return found

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def stop_all(records: list[Record]) -> None:
    """Stops processes that nobody supervises, all at once: asks first, kills what stays."""
    started = time.monotonic()
    for record in records:
        record.send(record.stop_signal)
    left = list(records)
    while left:
        waited = time.monotonic() - started
        for record in left:
            if waited > record.stop_seconds:
                record.send(signal.SIGKILL, group=True)
        time.sleep(_POLL)
        left = [record for record in left if record.is_alive()]
