"""What a running job is given, made of a channel to its worker and two buckets."""

import hashlib
import math
import os
import queue
import socket
import threading
import time
from pathlib import Path
from uuid import UUID

from training.adapters.jobs.checkpoints import Checkpoint, prefix_of
from training.adapters.object_store import ObjectMissing
from training.domain.jobs.kinds import JobCancelled, Objects
from training.work.jobs.messages import (
    FromJob,
    FromWorker,
    Reached,
    Said,
    Save,
    Saved,
    Start,
    Stop,
    frame,
    read_from_worker,
)

_REPORT_EVERY_S = 0.2
_WORKER_GONE = 70


class Channel:
    """The worker at the other end of a socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._incoming = connection.makefile("rb")
        self._sending = threading.Lock()
        self._answers: queue.SimpleQueue[Saved] = queue.SimpleQueue()
        self.stop = threading.Event()

    def receive(self) -> FromWorker | None:
        """The next message, before `follow`."""
        return read_from_worker(self._incoming)

    def follow(self) -> None:
        """Listen from now on in a thread; end this process where the worker is gone."""
        threading.Thread(target=self._listen, name="worker", daemon=True).start()

    def send(self, message: FromJob) -> None:
        """Tell the worker."""
        try:
            with self._sending:
                self._connection.sendall(frame(message))
        except OSError:
            os._exit(_WORKER_GONE)

    def ask(self, message: Save) -> bool:
        """Tell the worker and wait for its answer."""
        self.send(message)
        return self._answers.get().accepted

    def _listen(self) -> None:
        while (message := read_from_worker(self._incoming)) is not None:
            if isinstance(message, Stop):
                self.stop.set()
            elif isinstance(message, Saved):
                self._answers.put(message)
        os._exit(_WORKER_GONE)


class RunningJob:
    """The `JobContext` of a real job."""

    def __init__(self, start: Start, channel: Channel, objects: Objects, models: Objects) -> None:
        self._start = start
        self._channel = channel
        self._objects = objects
        self._models = models
        self._checkpoints = {each.name: each for each in start.checkpoints}
        self._reported = "", -math.inf

    @property
    def job_id(self) -> UUID:
        """The job."""
        return self._start.job_id

    @property
    def tenant(self) -> str:
        """Whose job it is."""
        return self._start.tenant

    @property
    def attempt(self) -> int:
        """1 at the first run."""
        return self._start.attempt

    @property
    def scratch(self) -> Path:
        """An empty local folder, removed afterwards."""
        return Path(self._start.scratch)

    @property
    def objects(self) -> Objects:
        """The bucket of data."""
        return self._objects

    @property
    def models(self) -> Objects:
        """The bucket of model bundles."""
        return self._models

    def progress(self, fraction: float, step: str, **numbers: float) -> None:
        """Tell how far the job is; JobCancelled. Reports that follow too fast are left out."""
        self.check_cancelled()
        last_step, told_at = self._reported
        now = time.monotonic()
        if step == last_step and now - told_at < _REPORT_EVERY_S and fraction < 1:
            return
        self._reported = step, now
        finite = {name: float(number) for name, number in numbers.items() if math.isfinite(number)}
        self._channel.send(Reached(min(max(float(fraction), 0.0), 1.0), step, finite))

    def log(self, message: str, **numbers: float | int | str) -> None:
        """Add a line to the job's log."""
        self._channel.send(Said(message, numbers))

    def save(self, name: str, content: bytes) -> None:
        """Keep a checkpoint; JobCancelled, also where the job is another worker's by now."""
        self.check_cancelled()
        digest = hashlib.sha256(content).hexdigest()
        key = prefix_of(self.job_id) + digest
        known = self._checkpoints.get(name)
        if known is None or known.sha256 != digest:
            self._objects.put(key, content)
        checkpoint = Checkpoint(name, key, digest, len(content))
        if not self._channel.ask(Save(checkpoint)):
            raise JobCancelled
        self._checkpoints[name] = checkpoint

    def load(self, name: str) -> bytes | None:
        """The checkpoint of this name; one that is not whole counts as absent."""
        checkpoint = self._checkpoints.get(name)
        if checkpoint is None:
            return None
        try:
            content = self._objects.get(checkpoint.object_key)
        except ObjectMissing:
            return None
        return content if hashlib.sha256(content).hexdigest() == checkpoint.sha256 else None

    def check_cancelled(self) -> None:
        """Raise JobCancelled where the job is to stop."""
        if self._channel.stop.is_set():
            raise JobCancelled
