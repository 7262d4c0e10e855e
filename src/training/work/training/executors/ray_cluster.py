"""Trials on a Ray cluster, which runs the same Python with the same libraries."""

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from training.domain.examples import Example
from training.domain.jobs.kinds import JobFailed
from training.domain.trainers.trials import Trial, TrialOutcome
from training.work.training.executors.trial_work import train_trial

_CHECK_S = 0.5
_CONNECT_S = 5.0
_PACKAGE = Path(__file__).resolve().parents[3]


class RayExecutor:
    """`address` is `host:port` of a cluster's head, or `ray://host:port` of its client server.

    The cluster gets this program's own code; its libraries it must have. `check` may raise to
    stop the sweep, whose trials are cancelled then.
    """

    def __init__(self, address: str, check: Callable[[], None]) -> None:
        self._address = address
        self._check = check

    def run(self, trials: Sequence[Trial], examples: Sequence[Example]) -> Iterator[TrialOutcome]:
        """Outcomes as they come; JobFailed where there is no cluster at the address."""
        _reach(self._address)
        # Read at import: nothing is reported to anybody.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        import ray

        try:
            ray.init(
                self._address,
                log_to_driver=False,
                configure_logging=False,
                runtime_env={"py_modules": [str(_PACKAGE)], "excludes": ["tests", "data"]},
            )
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            raise _unreachable() from error
        try:
            shared: ray.ObjectRef[Sequence[Example]] = ray.put(list(examples))
            work = ray.remote(num_cpus=1)(train_trial)
            waiting = [work.remote(trial, shared) for trial in trials]
            try:
                while waiting:
                    self._check()
                    done, waiting = ray.wait(waiting, timeout=_CHECK_S)
                    yield from ray.get(done)
            finally:
                for reference in waiting:
                    ray.cancel(reference, force=True)
        finally:
            ray.shutdown()


def _reach(address: str) -> None:
    """Ray itself would try for a minute."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), _CONNECT_S).close()
    except (OSError, ValueError):
        raise _unreachable() from None


def _unreachable() -> JobFailed:
    return JobFailed("The Ray cluster cannot be reached.", "executor-unreachable")
