"""Trials in processes of this machine."""

import resource
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context

from training.domain.examples import Example
from training.domain.trainers.trials import Trial, TrialOutcome
from training.utils.process_limits import die_with_parent, limit_memory
from training.work.training.executors.trial_work import train_trial

_CHECK_S = 0.5


class LocalExecutor:
    """Fresh interpreters, so that nothing depends on what this process has loaded.

    Each holds the examples; they share this process's memory limit in equal parts. `check` may
    raise to stop the sweep.
    """

    def __init__(self, processes: int, check: Callable[[], None]) -> None:
        self._processes = processes
        self._check = check

    def run(self, trials: Sequence[Trial], examples: Sequence[Example]) -> Iterator[TrialOutcome]:
        """Outcomes as they come."""
        if not trials:
            return
        processes = min(self._processes, len(trials))
        pool = ProcessPoolExecutor(
            processes,
            mp_context=get_context("spawn"),
            initializer=_TrialProcess.begin,
            initargs=(list(examples), _share_of_memory(processes)),
        )
        try:
            waiting: set[Future[TrialOutcome]] = {
                pool.submit(_TrialProcess.work, trial) for trial in trials
            }
            while waiting:
                self._check()
                done, waiting = wait(waiting, _CHECK_S, FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _TrialProcess:
    """What a process of the pool knows."""

    examples: Sequence[Example] = ()

    @classmethod
    def begin(cls, examples: Sequence[Example], memory_bytes: int | None) -> None:
        die_with_parent()
        limit_memory(memory_bytes)
        cls.examples = examples

    @classmethod
    def work(cls, trial: Trial) -> TrialOutcome:
        return train_trial(trial, cls.examples)


def _share_of_memory(processes: int) -> int | None:
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return None if limit == resource.RLIM_INFINITY else limit // processes
